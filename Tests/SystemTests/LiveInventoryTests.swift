import Foundation
import TestSupport
import Testing

/// The server over a real libvirtd that others change while guests ask.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct LiveInventoryTests {
    @Test func `while domains come, change and go, nobody who stays is refused`() async throws {
        let host = try await Host()
        try host.define(1)
        try await host.expect(1, "i-00000001")

        let wrk = ["wrk", "-t1", "-c8", "-d8s", "-H", "X-Forwarded-For: \(Host.address(1))", host.url("/latest/meta-data/instance-id")]
        async let load = Command.run(wrk)
        for number in 2...5 {
            try host.define(number)
            try await host.expect(number, "i-0000000\(number)")
            try host.libvirtd.virsh(
                "metadata", "guest\(number)", "--uri", "urn:virt-metadata:instance:1", "--key", "vm", "--live", "--set",
                "<instance><instance-id>i-edited\(number)</instance-id></instance>")
            try await host.expect(number, "i-edited\(number)")
            try host.libvirtd.virsh("destroy", "guest\(number)")
            try await host.expect(number, nil)
        }
        let output = try await load
        #expect(output.status == 0)
        #expect(output.stdout.contains("Requests/sec"))
        #expect(!output.stdout.contains("Non-2xx") && !output.stdout.contains("Socket errors"), "\(output.stdout)")
    }

    @Test func `the last inventory answers while libvirtd is away, and its successor's word counts`() async throws {
        let host = try await Host()
        try host.define(1)
        try await host.expect(1, "i-00000001")

        try host.libvirtd.kill(SIGKILL)
        // The server notices within a moment; what it says must not depend on when.
        for _ in 0..<20 {
            #expect(try host.ask(1) == "i-00000001")
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(host.server.log.contains("the last inventory answers until it is back"))

        // The test driver of a new libvirtd knows nothing of the old one's domains.
        try host.libvirtd.restart()
        try await host.expect(1, nil, within: .seconds(15))
        try host.define(2)
        try await host.expect(2, "i-00000002")
    }

    @Test func `a libvirtd that is not there yet is waited for, and so are the guests`() async throws {
        let libvirtd = try PrivateLibvirtd()
        let neighbours = try libvirtd.file("neighbours", Host.neighbours)
        try libvirtd.kill(SIGKILL)
        let server = try await MetadataServer([
            "--connect", libvirtd.uri, "--listen", "127.0.0.1:0", "--trust-forwarded-for", "127.0.0.1/32",
            "--neighbours", neighbours, "--hold-timeout", "30s",
        ])
        let host = Host(libvirtd: libvirtd, server: server)
        let curl = host.curl(1)
        async let early = Command.run(curl, limit: .seconds(40))
        try await Task.sleep(for: .milliseconds(500))
        #expect(server.log.contains("cannot reach the hypervisor"))
        try libvirtd.restart()
        // Nobody has the test driver's domains until somebody is connected, so the guest is unknown once the inventory is read.
        let output = try await early
        #expect(output.stdout.hasSuffix("404"), "\(output.stdout)")
        #expect(server.log.contains("the inventory is complete"))
    }

    @Test func `two domains with one hardware address are nobody, and both are named`() async throws {
        let host = try await Host()
        try host.define(1)
        try host.define(2, mac: Host.mac(1))
        try await host.expect(1, nil)
        #expect(host.server.log.contains("guest1, guest2") || host.server.log.contains("guest2, guest1"), "\(host.server.log)")
        try host.libvirtd.virsh("destroy", "guest2")
        try await host.expect(1, "i-00000001")
    }

    @Test func `a domain too large for libvirt's own messages costs nobody else`() async throws {
        let host = try await Host()
        // It goes in as one character each, and comes out as four: more than libvirt sends.
        let swelling = String(repeating: ">", count: 1_500_000)
        try host.define(2, metadata: "<userdata>\(swelling)</userdata>")
        try host.define(1)
        try await host.expect(1, "i-00000001")
        try await host.expect(2, nil)
        #expect(host.server.log.contains("domain.uuid=6a9b1c2d-0000-4000-8000-000000000002"))
    }

    @Test func `a domain of which no instance can be made costs nobody else`() async throws {
        let host = try await Host()
        // libvirt takes more levels of metadata than are read.
        let deep = String(repeating: "<a>", count: 150) + String(repeating: "</a>", count: 150)
        try host.define(2, metadata: deep)
        try host.define(1)
        try await host.expect(1, "i-00000001")
        try await host.expect(2, nil)
        #expect(host.server.log.contains("domain=guest2"))
    }

    @Test func `an edit of the definition shows at once where edits are asked for`() async throws {
        let host = try await Host(options: ["--edited"])
        let path = try host.libvirtd.file("edited.xml", Host.domain(1))
        try host.libvirtd.virsh("define", path)
        try host.libvirtd.virsh("start", "guest1")
        try await host.expect(1, "i-00000001")
        try host.libvirtd.virsh(
            "metadata", "guest1", "--uri", "urn:virt-metadata:instance:1", "--key", "vm", "--config", "--set",
            "<instance><instance-id>i-next</instance-id></instance>")
        try await host.expect(1, "i-next")
    }

    @Test func `a change that no event told of is found by the sweep`() async throws {
        let host = try await Host(options: ["--sweep-interval", "1s"])
        try host.define(1)
        try await host.expect(1, "i-00000001")
        // A new title has no event of its own in every libvirt; the sweep reads it in any case.
        try host.libvirtd.virsh("desc", "guest1", "--live", "--title", "--new-desc", "renamed")
        try await host.eventually("the title shows") {
            try host.body(1, "/openstack/latest/meta_data.json").contains("\"name\": \"renamed\"")
        }
    }
}

/// A libvirtd of our own with guests numbered from 1, and a server that believes who they say they are.
struct Host {
    let libvirtd: PrivateLibvirtd
    let server: MetadataServer

    init(libvirtd: PrivateLibvirtd, server: MetadataServer) {
        (self.libvirtd, self.server) = (libvirtd, server)
    }

    init(options: [String] = []) async throws {
        libvirtd = try PrivateLibvirtd()
        let neighbours = try libvirtd.file("neighbours", Self.neighbours)
        server = try await MetadataServer([
            "--connect", libvirtd.uri, "--listen", "127.0.0.1:0", "--trust-forwarded-for", "127.0.0.1/32",
            "--neighbours", neighbours, "--log-level", "debug",
        ] + options)
        try await eventually("the inventory is complete") { server.log.contains("the inventory is complete") }
    }

    static func address(_ number: Int) -> String { "192.0.2.\(number)" }

    static func mac(_ number: Int) -> String { "52:54:00:0f:00:0\(number)" }

    static let neighbours = (1...9).map { "\(address($0)) 0x1 0x2 \(mac($0)) * br0\n" }.joined()

    static func domain(_ number: Int, mac: String? = nil, metadata: String? = nil) -> String {
        """
        <domain type='test'>
          <name>guest\(number)</name>
          <uuid>6a9b1c2d-0000-4000-8000-00000000000\(number)</uuid>
          <metadata><instance xmlns='urn:virt-metadata:instance:1'>
            \(metadata ?? "<instance-id>i-0000000\(number)</instance-id>")
          </instance></metadata>
          <memory unit='MiB'>64</memory>
          <os><type>hvm</type></os>
          <devices><interface type='bridge'><mac address='\(mac ?? Self.mac(number))'/><source bridge='br0'/></interface></devices>
        </domain>
        """
    }

    /// Starts a guest that lives until it is destroyed.
    func define(_ number: Int, mac: String? = nil, metadata: String? = nil) throws {
        let path = try libvirtd.file("guest\(number).xml", Self.domain(number, mac: mac, metadata: metadata))
        try libvirtd.virsh("create", path)
    }

    func url(_ path: String) -> String { "http://\(server.address)\(path)" }

    /// The command by which a guest asks for a place: it prints the body and the status.
    func curl(_ number: Int, _ path: String = "/latest/meta-data/instance-id") -> [String] {
        ["curl", "-s", "-w", "%{http_code}", "-H", "X-Forwarded-For: \(Self.address(number))", url(path)]
    }

    func body(_ number: Int, _ path: String) throws -> String { try Command.succeed(curl(number, path)) }

    /// A guest's instance-id; `nil` if it is unknown.
    func ask(_ number: Int) throws -> String? {
        let answer = try body(number, "/latest/meta-data/instance-id")
        return answer.hasSuffix("200") ? String(answer.dropLast(3)) : nil
    }

    /// A guest's instance-id is as expected within a second, which is what is promised, with a margin for a busy machine.
    func expect(
        _ number: Int, _ id: String?, within limit: Duration = .seconds(3), sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await eventually("guest\(number) is \(id ?? "unknown")", within: limit, sourceLocation: sourceLocation) {
            try ask(number) == id
        }
    }

    func eventually(
        _ what: String, within limit: Duration = .seconds(5), sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () throws -> Bool
    ) async throws {
        let start = ContinuousClock.now
        while try !condition() {
            guard start.duration(to: .now) < limit else {
                Issue.record("not within \(limit): \(what)\n\(server.log.suffix(4000))", sourceLocation: sourceLocation)
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

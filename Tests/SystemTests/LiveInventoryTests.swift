import Foundation
import TestSupport
import Testing

/// The server over a real libvirtd that others change while guests ask.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct LiveInventoryTests {
    @Test func `while domains change, no remaining guest is refused`() async throws {
        let host = try await Host()
        try host.define(1)
        try await host.expect(1, "i-00000001")

        let wrk = [
            "wrk", "-t1", "-c8", "-d8s", "-H", "X-Forwarded-For: \(Host.address(1))", host.url("/latest/meta-data/instance-id"),
        ]
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

    @Test func `the last inventory answers without libvirtd, and its successor's domains count`() async throws {
        let host = try await Host()
        try host.define(1)
        try await host.expect(1, "i-00000001")

        try host.libvirtd.kill(SIGKILL)
        // The server notices within a moment; its answers must not depend on when.
        try await host.eventually("its end is told of", within: .seconds(15)) {
            let answer = try host.ask(1)
            #expect(answer == "i-00000001")
            return host.server.log.contains("connection to libvirt lost; serving the last known state")
        }
        #expect(try host.ask(1) == "i-00000001")

        // The test driver of a new libvirtd does not have the old one's domains.
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
            "--neighbours", neighbours, "--hold-timeout", "3m", "--admin-socket", libvirtd.directory + "/admin",
        ])
        let host = Host(libvirtd: libvirtd, server: server)
        let curl = host.curl(1)
        async let early = Command.run(curl, limit: .seconds(200))
        let metrics = ["curl", "-s", "--unix-socket", libvirtd.directory + "/admin", "http://server/metrics"]
        try await host.eventually("the request waits") {
            try Command.run(metrics).stdout.contains("\nvirt_metadata_held_requests 1\n")
        }
        try await host.eventually("the absence is told of") { server.log.contains("libvirt unreachable; retrying") }
        try libvirtd.restart()
        // The test driver has no domains until a client is connected, so the guest is unknown once the inventory is read.
        let output = try await early
        #expect(output.stdout.hasSuffix("404"), "\(output.stdout)")
        #expect(server.log.contains("the inventory is complete"))
    }

    @Test func `two domains with one hardware address are not served, and both are logged`() async throws {
        let host = try await Host()
        try host.define(1)
        try host.define(2, mac: Host.mac(1))
        try await host.expect(1, nil)
        #expect(host.server.log.contains("guest1, guest2") || host.server.log.contains("guest2, guest1"), "\(host.server.log)")
        try host.libvirtd.virsh("destroy", "guest2")
        try await host.expect(1, "i-00000001")
    }

    @Test func `a domain too large for libvirt's messages does not affect others`() async throws {
        let host = try await Host()
        // Each character is written as one and returned as four: more than libvirt sends.
        let swelling = String(repeating: ">", count: 1_500_000)
        try host.define(2, metadata: "<userdata>\(swelling)</userdata>")
        try host.define(1)
        try await host.expect(1, "i-00000001")
        try await host.expect(2, nil)
        #expect(host.server.log.contains("domain.uuid=6a9b1c2d-0000-4000-8000-000000000002"))
    }

    @Test func `a domain that becomes too large for libvirt's messages is served until it stops`() async throws {
        let host = try await Host()
        let path = try host.libvirtd.file("guest2.xml", Host.domain(2, mac: Host.mac(1)))
        try host.libvirtd.virsh("define", path)
        try host.libvirtd.virsh("start", "guest2")
        try await host.expect(1, "i-00000002")
        let swelling = String(repeating: ">", count: 1_500_000)
        for side in ["--live", "--config"] {
            try Command.succeed(
                ["virsh", "--quiet", "--connect", host.libvirtd.uri],
                input: "metadata guest2 urn:example:large --key large \(side) --set '<x>\(swelling)</x>'\n")
        }
        try await host.eventually("it cannot be read") { host.server.log.contains("cannot read a domain") }
        #expect(try host.ask(1) == "i-00000002")
        try host.libvirtd.virsh("destroy", "guest2")
        try await host.expect(1, nil)
        // Its MAC address is free for another domain.
        try host.define(1)
        try await host.expect(1, "i-00000001")
    }

    @Test func `an unusable domain does not affect others`() async throws {
        let host = try await Host()
        // libvirt accepts deeper metadata than the server reads.
        let deep = String(repeating: "<a>", count: 150) + String(repeating: "</a>", count: 150)
        try host.define(2, metadata: deep)
        try host.define(1)
        try await host.expect(1, "i-00000001")
        try await host.expect(2, nil)
        #expect(host.server.log.contains("domain.name=guest2"))
    }

    @Test func `more domains than libvirt lists are logged, and the last inventory stays`() async throws {
        let libvirtd = try PrivateLibvirtd()
        let keeper = try StandingConnection(to: libvirtd.uri)
        try libvirtd.virsh("create", try libvirtd.file("guest1.xml", Host.domain(1)))
        // No event reports domains created meanwhile, so it reads none of it; a new connection has it list all.
        let relay = try await FaultyRelay(to: libvirtd, .eventsLost)
        let host = try await Host(libvirtd: libvirtd, uri: relay.uri)
        try await host.expect(1, "i-00000001")
        // libvirt's own limit of a list is 16,384.
        let commands = try (0..<16_384).map { number in
            let xml = "<domain type='test'><name>many\(number)</name><memory>1</memory><os><type>hvm</type></os></domain>"
            return "create \(try host.libvirtd.file("many\(number).xml", xml))"
        }
        try Command.succeed(
            ["virsh", "--quiet", "--connect", host.libvirtd.uri], input: commands.joined(separator: "\n") + "\n",
            limit: .seconds(300))
        relay.breakConnections()
        try await host.eventually("the limit is named", within: .seconds(60)) {
            host.server.log.contains("for limit '16384'")
        }
        #expect(try host.ask(1) == "i-00000001")
        _ = keeper
    }

    @Test func `a network that is stopped and started again has its guests back`() async throws {
        let host = try await Host()
        let network = """
            <network><name>kept</name><forward mode='open'/><bridge name='kept0'/>
              <ip address='198.51.100.1' netmask='255.255.255.0'>
                <dhcp><host mac='\(Host.mac(1))' ip='198.51.100.77'/></dhcp>
              </ip>
            </network>
            """
        try host.libvirtd.virsh("net-define", try host.libvirtd.file("kept.xml", network))
        try host.libvirtd.virsh("net-start", "kept")
        let domain = Host.domain(1).replacing("<interface type='bridge'>", with: "<interface type='network'>")
            .replacing("<source bridge='br0'/>", with: "<source network='kept'/>")
        try host.libvirtd.virsh("create", try host.libvirtd.file("guest1.xml", domain))
        let local = { try host.body(1, "/latest/meta-data/local-ipv4") }
        try await host.eventually("the reservation is its address") { try local() == "198.51.100.77200" }
        try host.libvirtd.virsh("net-destroy", "kept")
        try await host.eventually("without the network there is none") { try local() == "\(Host.address(1))200" }
        try host.libvirtd.virsh("net-start", "kept")
        try await host.eventually("it is again") { try local() == "198.51.100.77200" }
    }

    @Test func `an edit of the definition takes effect at once with the setting`() async throws {
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

    @Test func `a change without an event is found by the sweep`() async throws {
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

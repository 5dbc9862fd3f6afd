import Foundation
import TestSupport
import Testing

/// The server over three libvirtds, each of which stands for a host. Whoever asks is named by a peer that the server trusts.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct SeveralHostsTests {
    /// The hosts by their position in the configuration; all have the same server.
    private let hosts: [Host]
    private var here: Host { hosts[0] }

    init() async throws {
        let libvirtds = [try PrivateLibvirtd(), try PrivateLibvirtd(), try PrivateLibvirtd()]
        let server = try await Self.server(libvirtds)
        hosts = libvirtds.map { Host(libvirtd: $0, server: server) }
        try await here.eventually("each inventory is complete") {
            libvirtds.allSatisfy { server.log.says("the inventory is complete", of: $0) }
        }
    }

    private static func server(_ libvirtds: [PrivateLibvirtd], _ options: String...) async throws -> MetadataServer {
        let neighbours = try libvirtds[0].file("neighbours", Host.neighbours)
        return try await MetadataServer(
            libvirtds.flatMap { ["--connect", $0.uri] } + [
                "--listen", "127.0.0.1:0", "--trust-forwarded-for", "127.0.0.1/32", "--neighbours", neighbours, "--log-level",
                "debug",
            ] + options)
    }

    /// Starts a guest on a host, with an identifier of its own there.
    private func define(_ number: Int, on host: Int, as id: String? = nil) throws {
        let metadata = "<instance-id>\(id ?? "i-\(number)-on-\(host)")</instance-id>"
        try hosts[host].define(number, metadata: metadata)
    }

    @Test func `a host that dies has its guests answered, the others are followed, and so is it when it is back`() async throws {
        for number in 1...3 { try define(number, on: number - 1) }
        for number in 1...3 { try await here.expect(number, "i-\(number)-on-\(number - 1)") }

        let dead = hosts[2].libvirtd
        try dead.kill(SIGKILL)
        try await here.eventually("its end is told of") { here.server.log.says("serving the last known state", of: dead) }
        #expect(here.server.log.says("instances=2", of: dead))
        for (number, host) in [(4, 0), (5, 1)] {
            try define(number, on: host)
            try await here.expect(number, "i-\(number)-on-\(host)")
            try hosts[host].libvirtd.virsh("destroy", "guest\(number)")
            try await here.expect(number, nil)
        }
        #expect(try here.ask(3) == "i-3-on-2")
        let warnings = here.server.log.split(separator: "\n").filter { $0.contains("serving the last known state") }
        #expect(warnings.count == 1, "once, and of one host: \(warnings)")

        // The test driver of a new libvirtd does not have the old one's domains.
        try dead.restart()
        try await here.expect(3, nil, within: .seconds(15))
        try define(6, on: 2)
        try await here.expect(6, "i-6-on-2")
        #expect(try here.ask(1) == "i-1-on-0" && here.ask(2) == "i-2-on-1")
    }

    @Test func `a domain that migrates is one instance all the time`() async throws {
        // libvirt's test driver cannot migrate; the test performs QEMU's steps on both hosts.
        try define(1, on: 1, as: "i-source")
        try await here.expect(1, "i-source")
        try define(1, on: 2, as: "i-destination")
        try hosts[2].libvirtd.virsh("suspend", "guest1")
        try await here.expect(1, "i-source")
        try hosts[1].libvirtd.virsh("suspend", "guest1")
        try hosts[2].libvirtd.virsh("resume", "guest1")
        try await here.expect(1, "i-destination")
        try hosts[1].libvirtd.virsh("destroy", "guest1")
        // A later event of that host shows that the end was processed.
        try define(4, on: 1)
        try await here.expect(4, "i-4-on-1")
        #expect(try here.ask(1) == "i-destination")
        #expect(!here.server.log.contains("several running domains"), "\(here.server.log)")
        try hosts[2].libvirtd.virsh("destroy", "guest1")
        try await here.expect(1, nil)
    }

    @Test func `a network belongs to its host, though another has one of that name`() async throws {
        for (host, octet) in [(1, 101), (2, 102)] {
            let network = """
                <network><name>shared</name><forward mode='open'/><bridge name='shared0'/>
                  <ip address='198.51.\(octet).1' netmask='255.255.255.0'>
                    <dhcp><host mac='\(Host.mac(host))' ip='198.51.\(octet).7'/></dhcp>
                  </ip>
                </network>
                """
            let libvirtd = hosts[host].libvirtd
            try libvirtd.virsh("net-create", try libvirtd.file("shared.xml", network))
            let domain = Host.domain(host).replacing("<interface type='bridge'>", with: "<interface type='network'>")
                .replacing("<source bridge='br0'/>", with: "<source network='shared'/>")
            try libvirtd.virsh("create", try libvirtd.file("guest\(host).xml", domain))
        }
        for (number, address) in [(1, "198.51.101.7"), (2, "198.51.102.7")] {
            try await here.eventually("the reservation is its address") {
                try here.body(number, "/latest/meta-data/local-ipv4") == "\(address)200"
            }
        }
        try hosts[2].libvirtd.virsh("net-destroy", "shared")
        try await here.eventually("the network of one host is gone") {
            try here.body(2, "/latest/meta-data/local-ipv4") == "\(Host.address(2))200"
        }
        #expect(try here.body(1, "/latest/meta-data/local-ipv4") == "198.51.101.7200")
    }

    @Test func `an unreachable host delays no request, and is followed once it is reachable`() async throws {
        let libvirtds = hosts.prefix(2).map(\.libvirtd)
        try libvirtds[1].kill(SIGKILL)
        let server = try await Self.server(Array(libvirtds), "--hold-timeout", "3m")
        let host = Host(libvirtd: libvirtds[1], server: server)
        try await host.eventually("it is told of") { server.log.says("remote libvirt unreachable", of: libvirtds[1]) }
        try await host.eventually("this host is read") { server.log.says("the inventory is complete", of: libvirtds[0]) }
        #expect(try host.ask(1) == nil, "at once, or curl would give up")
        try libvirtds[1].restart()
        try await host.eventually("it is read", within: .seconds(15)) {
            server.log.says("the inventory is complete", of: libvirtds[1])
        }
        try host.define(1)
        try await host.expect(1, "i-00000001")
    }
}

extension String {
    /// Whether a line of a log concerns a hypervisor.
    fileprivate func says(_ phrase: String, of libvirtd: PrivateLibvirtd) -> Bool {
        split(separator: "\n").contains { $0.contains(phrase) && $0.contains("hypervisor.uri=\(libvirtd.uri)") }
    }
}

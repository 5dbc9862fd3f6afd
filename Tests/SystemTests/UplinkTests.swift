import Foundation
import TestSupport
import Testing

/// Bridges with a port that leads to a LAN, where the guests' gateway is elsewhere and another host serves guests of its own.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct UplinkTests {
    /// A LAN with a gateway, into which hosts plug their bridges.
    private struct LAN {
        let namespace: NetworkNamespace

        init() throws {
            namespace = try NetworkNamespace()
            try namespace.addBridge("lan", addresses: ["192.0.2.1/24", "fd00:77::1/64"])
        }

        func plugIn(_ host: BridgedHost, as port: String) throws {
            try host.host.addBridge("br0")
            try host.host.run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", port, "netns", namespace.name)
            try host.host.run("ip", "link", "set", "uplink", "master", "br0", "up")
            try namespace.run("ip", "link", "set", port, "master", "lan", "up")
        }

        /// The ARP requests on the LAN for an address during an action, as tcpdump shows them.
        func hearsARP(about address: String, in folder: String, while body: () async throws -> Void) async throws -> [Substring] {
            let file = folder + "/tcpdump"
            try Data().write(to: URL(filePath: file))
            // The gateway requests this one at the end: all earlier requests have been captured then.
            let last = "192.0.2.250"
            let tcpdump = try RunningProgram(
                ["tcpdump", "-n", "-i", "lan", "-l", "arp and (host \(address) or host \(last))"], in: namespace,
                output: try FileHandle(forWritingTo: URL(filePath: file)))
            defer { tcpdump.kill() }
            let lines = { try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") }
            try #require(try await eventually { try lines().contains { $0.contains("listening on") } })
            try await body()
            try Command.run(["arping", "-c", "1", "-w", "1", "-I", "lan", last], in: namespace.name)
            try #require(try await eventually { try lines().contains { $0.contains(last) } })
            return try lines().filter { $0.contains(address) }
        }
    }

    private func guest(of host: BridgedHost, _ name: String, number: Int) throws -> BridgedHost.Guest {
        let guest = try host.guest(name, mac: "52:54:00:0b:00:0\(number)", address: "192.0.2.1\(number)/24")
        try guest.namespace.run("ip", "route", "add", "default", "via", "192.0.2.1")
        return guest
    }

    @Test(arguments: [true, false]) func `the guests of two hosts on one LAN are served by their own`(byGateway: Bool)
        async throws
    {
        let lan = try LAN()
        let hosts = [try BridgedHost(), try BridgedHost()]
        var guests: [BridgedHost.Guest] = []
        for (number, host) in hosts.enumerated() {
            try lan.plugIn(host, as: "host\(number)")
            let guest = try guest(of: host, "guest\(number)", number: number + 1)
            if byGateway { try guest.namespace.run("ip", "route", "del", "169.254.169.254/32") }
            guests.append(guest)
            try await host.serve("--bridge", "br0")
        }
        let arp = try await lan.hearsARP(about: "169.254.169.254", in: hosts[0].libvirtd.directory) {
            for (host, guest) in zip(hosts, guests) {
                try await host.expect(guest)
                #expect(host.log.contains("interception=bridge"), "\(host.log)")
                try await host.expect(guest, at: "[fe80::a9fe:a9fe%25eth0]")
            }
        }
        #expect(arp.isEmpty, "no host speaks of the address on the LAN")
        // The guests' own traffic is not checked.
        try guests[0].namespace.run("ping", "-c1", "-W2", "192.0.2.12")
        try guests[0].namespace.run("ping", "-c1", "-W2", "192.0.2.1")
    }

    @Test func `no machine of the LAN gets answers for the metadata address, and none answers guests`() async throws {
        let lan = try LAN()
        let host = try BridgedHost()
        try lan.plugIn(host, as: "host")
        let web = try guest(of: host, "web", number: 1)
        try await host.serve("--bridge", "br0")
        try await host.expect(web)

        // A machine of the LAN requests the address, with its own MAC and with the guest's.
        let stranger = try NetworkNamespace()
        _ = try GuestLink(from: stranger, to: "lan", in: lan.namespace, mac: "52:54:00:0b:00:09", addresses: ["192.0.2.99/24"])
        try stranger.run("ip", "route", "add", "169.254.169.254/32", "dev", "eth0")
        let ask = ["curl", "-s", "--max-time", "3", "http://169.254.169.254/latest/meta-data/instance-id"]
        #expect(try Command.run(ask, in: stranger.name).stdout.isEmpty)

        // Claims of the address do not reach guests.
        try stranger.run("ip", "address", "add", "169.254.169.254/32", "dev", "eth0")
        try web.namespace.run("ip", "neigh", "flush", "all")
        let claim = try Command.run(["arping", "-c", "3", "-w", "2", "-U", "-I", "eth0", "169.254.169.254"], in: stranger.name)
        #expect(claim.stdout.contains("Sent 3 probe"), "\(claim)")
        try await host.expect(web)

        // A guest's address used on the LAN gets no answer, and does not keep the guest from its own.
        try stranger.run("ip", "address", "del", "169.254.169.254/32", "dev", "eth0")
        try stranger.run("ip", "link", "set", "eth0", "down")
        try stranger.run("ip", "link", "set", "eth0", "address", web.mac)
        try stranger.run("ip", "link", "set", "eth0", "up")
        let mac = try host.host.run("cat", "/sys/class/net/br0/address").trimmingCharacters(in: .newlines)
        try stranger.run("ip", "route", "replace", "169.254.169.254/32", "dev", "eth0")
        try stranger.run("ip", "neigh", "replace", "169.254.169.254", "lladdr", mac, "dev", "eth0")
        #expect(try Command.run(ask, in: stranger.name).stdout.isEmpty)
        try await host.expect(web)
    }

    @Test func `a bridge that gets an uplink is isolated from then on`() async throws {
        let lan = try LAN()
        let host = try BridgedHost()
        let web = try host.guest("web", mac: "52:54:00:0b:00:01", address: "192.0.2.11/24")
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        try await host.eventually("the mode") { host.log.contains("interception=address") }
        try lan.plugIn(host, as: "host")
        try await host.eventually("the mode") { host.log.contains("interception=bridge") }
        try web.namespace.run("ip", "route", "del", "169.254.169.254/32")
        try web.namespace.run("ip", "route", "add", "default", "via", "192.0.2.1")
        try await host.expect(web)
    }
}

import Common
import Foundation
import Netlink
import TestSupport
import Testing

/// Bridges and networks that change, and hosts without the needed rights.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct FollowingTests {
    private static let mac = "52:54:00:0d:00:01"

    @Test func `a recreated bridge is served again`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        for _ in 0..<3 {
            try host.unplug(web)
            try host.host.run("ip", "link", "delete", "br0")
            try host.plug(web, addresses: ["192.0.2.10/24"])
            try await host.expect(web)
        }
        #expect(host.log.contains("bridge disappeared from the host"))
        #expect(!host.owned.contains("br0\",\"index\":1,"))
    }

    @Test func `a bridge removed during a request does not affect others`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        let other = try host.guest("other", on: "br1", mac: "52:54:00:0d:00:02", address: "192.0.2.10/24")
        try await host.serve("--bridge", "br0,br1")
        try await host.expect(web)
        let script = "exec 3<>/dev/tcp/169.254.169.254/80; printf 'GET / HT' >&3; sleep 30"
        let half = try RunningProgram(["bash", "-c", script], in: web.namespace)
        try await host.eventually("the half request is there") {
            try host.host.run("ss", "-Htn", "sport >= :61000").contains("ESTAB")
        }
        try host.host.run("ip", "link", "delete", "br0")
        try await host.expect(other)
        try await host.eventually("the bridge is given up") { host.log.contains("bridge disappeared from the host") }
        try await host.expect(other)
        half.kill()
        #expect(host.stop() == 0)
    }

    @Test func `a missing bridge is logged once, and served when it exists`() async throws {
        let host = try BridgedHost()
        try host.host.addBridge("br1")
        try await host.serve("--bridge", "br0,br1")
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try await host.expect(web)
        #expect(host.log.matches(of: /bridge does not exist/).count == 1)
        #expect(host.log.contains("bridge=br0 "))
    }

    @Test func `a network is served as soon as it starts, and only those that are named`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        let other = try host.guest("other", on: "br1", mac: "52:54:00:0d:00:02", address: "192.0.2.10/24")
        try await host.serve("--network", "lab", until: "selected networks are not active")
        let network = try host.libvirtd.file(
            "lab.xml", "<network><name>lab</name><bridge name='br0'/><ip address='192.0.2.1' netmask='255.255.255.0'/></network>")
        try host.libvirtd.virsh("net-create", network)
        try await host.expect(web)
        #expect(host.log.contains("selected.by=\"network lab\""))
        #expect(try host.ask(other, seconds: 1) == " 000", "nobody asked for that bridge")
    }

    @Test func `two recreated networks serve their own guests again`() async throws {
        let host = try BridgedHost()
        // The same address on both, so that only the bridge distinguishes them.
        let guests = [
            try host.guest("web", on: "br0", mac: Self.mac, address: "192.0.2.10/24"),
            try host.guest("other", on: "br1", mac: "52:54:00:0d:00:02", address: "192.0.2.10/24"),
        ]
        let networks = try guests.map { guest in
            try host.libvirtd.file(
                "\(guest.bridge).xml",
                """
                <network><name>lab-\(guest.bridge)</name><bridge name='\(guest.bridge)'/>
                  <ip address='192.0.2.1' netmask='255.255.255.0'/></network>
                """)
        }
        for network in networks { try host.libvirtd.virsh("net-create", network) }
        try await host.serve("--networks", "lab-br0,lab-br1")
        for guest in guests { try await host.expect(guest) }
        for _ in 0..<3 {
            for guest in guests {
                try host.destroy(guest.name)
                try host.unplug(guest)
                try host.libvirtd.virsh("net-destroy", "lab-\(guest.bridge)")
                try host.host.run("ip", "link", "delete", guest.bridge)
            }
            for (guest, network) in zip(guests, networks).reversed() {
                try host.plug(guest, addresses: ["192.0.2.10/24"])
                try host.libvirtd.virsh("net-create", network)
                try host.start(guest)
            }
            for guest in guests { try await host.expect(guest) }
        }
        #expect(host.stop() == 0)
        // Of the bridges that are gone nothing is remembered.
        #expect(host.owned.matches(of: /"address": "169\.254\.169\.254"/).count == 2, "\(host.owned)")
    }

    @Test func `a full neighbour table of permanent entries does not affect guests`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        let entries = (0..<65_535).map { number in
            "neigh add 10.\(number >> 16).\(number >> 8 & 255).\(number & 255) lladdr 52:54:00:0e:00:01 dev br0 nud permanent"
        }
        try Command.succeed(
            ["ip", "-batch", "-"], in: host.host.name, input: entries.joined(separator: "\n"), limit: .seconds(60))
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        #expect(try host.host.run("sh", "-c", "ip neigh show nud permanent | wc -l").contains("65535"))
    }

    @Test func `more interfaces than the neighbour table's capacity are logged`() async throws {
        let host = try NetworkNamespace()
        try host.addBridge("br0")
        let most = try #require(try NeighbourLimits.mostEntries(.v4))
        let folder = FileManager.default.temporaryDirectory.appending(path: "slots-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Sixteen interfaces to a domain, which libvirt reads faster than as many domains.
        let domains = (0...most / 16).map { domain in
            let interfaces = (0..<16).map { number in
                let mac =
                    "52:54:01:\([domain >> 8, domain & 255, number].map { String(0x100 + $0, radix: 16).dropFirst() }.joined(separator: ":"))"
                return "<interface type='bridge'><mac address='\(mac)'/><source bridge='br0'/></interface>"
            }
            return """
                <domain type='test'><name>d\(domain)</name><memory>1024</memory><os><type>hvm</type></os>
                <devices>\(interfaces.joined())</devices></domain>
                """
        }
        let node = folder.appending(path: "node.xml")
        try "<node>\(domains.joined())</node>".write(to: node, atomically: true, encoding: .utf8)
        let server = try await MetadataServer(
            in: host,
            ["--connect", "test://\(node.path)", "--bridge", "br0", "--run-directory", folder.appending(path: "run").path],
            until: "the kernel's neighbour table is smaller than the number of guest interfaces")
        #expect(server.log.contains("sysctl net.ipv4.neigh.default.gc_thresh3="))
    }

    // MARK: Without the rights

    @Test func `without CAP_NET_ADMIN a line is logged, and no guest is served on a bridge`() async throws {
        let host = try BridgedHost()
        try host.host.addBridge("br0", addresses: ["169.254.169.254/32"])
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        let server = try await MetadataServer(
            in: host.host, host.arguments + ["--bridge", "br0"], until: "interception failed; retrying", without: "net_admin")
        // The port of its request is unknown.
        #expect(try host.ask(web, seconds: 2) == " 000")
        #expect(server.log.contains("nftables cannot be used: no bridge is served"), "\(server.log)")
        #expect(!server.log.contains("guests of a bridge are served"))
        #expect(server.log.contains("run as root or with CAP_NET_ADMIN"))
        #expect(try host.addresses(of: "br0").contains("169.254.169.254/32"))
    }

    @Test func `bridges need no right to port 80`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        let server = try await MetadataServer(
            in: host.host, host.arguments + ["--bridge", "br0"], until: "guests of a bridge are served",
            without: "net_bind_service")
        try await host.expect(web)
        #expect(!server.log.contains("CAP_NET_BIND_SERVICE"), "\(server.log)")
    }

    @Test func `without a writable record nothing is installed`() async throws {
        let host = try BridgedHost()
        try host.host.addBridge("br0")
        let result = try Command.run(
            [
                MetadataServer.executable, "serve", "--connect", host.libvirtd.uri, "--bridge", "br0", "--run-directory",
                "/proc/none",
            ],
            in: host.host.name)
        #expect(result.status == 1)
        #expect(result.stderr.contains("/proc/none") && result.stderr.contains("--run-directory"), "\(result.stderr)")
        #expect(!(try host.addresses(of: "br0").contains("169.254.169.254")))
        #expect(try host.rules().isEmpty)
    }
}

import Foundation
import TestSupport
import Testing

/// How fast a port of a bridge may begin connections: beyond it the kernel keeps them from us.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct ConnectionRateTests {
    /// Begins so many connections at once and says how many of them are open after a third of a second, before any is tried again.
    private func begin(_ count: Int, from guest: BridgedHost.Guest) throws -> Int {
        let script = """
            import socket, sys, time
            sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
            for one in sockets:
                one.setblocking(False)
                one.connect_ex(("169.254.169.254", 80))
            time.sleep(0.35)
            def is_open(one):
                try: return bool(one.getpeername())
                except OSError: return False
            print(sum(map(is_open, sockets)))
            """
        let output = try guest.namespace.run("python3", "-c", script, "\(count)")
        return try #require(Int(output.trimmingCharacters(in: .whitespacesAndNewlines)), "\(output)")
    }

    @Test(arguments: ["address", "bridge"])
    func `a guest that begins connections too fast waits, and no other does`(mode: String) async throws {
        let host = try BridgedHost()
        let flooder = try host.guest("flooder", mac: "52:54:00:0d:00:01", address: "192.0.2.11/24")
        let other = try host.guest("other", mac: "52:54:00:0d:00:02", address: "192.0.2.12/24")
        // Eight at once, and then one every quarter of a second.
        try await host.serve("--bridge", "br0", "--intercept", mode, "--connections-per-second", "4")
        try await host.expect(flooder)
        try await host.expect(other)
        try await Task.sleep(for: .seconds(2))

        let opened = try begin(60, from: flooder)
        #expect((8...10).contains(opened), "\(opened)")
        #expect(try host.ask(other, seconds: 1) == "i-other 200")

        // It goes by the port, whatever hardware address it makes up.
        try flooder.namespace.run("ip", "link", "set", "eth0", "address", "52:54:00:0d:00:99")
        try flooder.namespace.run("ip", "route", "replace", "169.254.169.254/32", "dev", "eth0")
        let disguised = try begin(60, from: flooder)
        #expect(disguised <= 10, "\(disguised)")

        try await host.eventually("the operator is told", within: .seconds(15)) {
            host.log.contains("connections that guests began too fast were not answered")
        }
        try flooder.namespace.run("ip", "link", "set", "eth0", "address", flooder.mac)
        try flooder.namespace.run("ip", "route", "replace", "169.254.169.254/32", "dev", "eth0")
        try await host.expect(flooder)
    }

    @Test func `where ports are not guarded, nothing is counted`() async throws {
        let host = try BridgedHost()
        let guest = try host.guest("web", mac: "52:54:00:0d:00:01", address: "192.0.2.11/24")
        try await host.serve("--bridge", "br0", "--guard", "off", "--connections-per-second", "20")
        try await host.expect(guest)
        let opened = try begin(60, from: guest)
        #expect(opened == 60)
    }
}

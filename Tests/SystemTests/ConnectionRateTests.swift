import Foundation
import TestSupport
import Testing

/// How fast a port of a bridge may begin connections: beyond it the kernel drops them.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct ConnectionRateTests {
    /// Connections opened at once.
    private struct Begun {
        /// How many of them opened, before the first of the others was tried again.
        let opened: Int
        /// The most that the port may have opened by then, with eight at once and four a second.
        let most: Int
    }

    /// Begins so many connections at once, and waits until as many are open as are expected, and a little longer for those that are not.
    private func begin(_ count: Int, expecting least: Int, from guest: BridgedHost.Guest) throws -> Begun {
        let script = """
            import socket, sys, time
            count, least = int(sys.argv[1]), int(sys.argv[2])
            start = time.monotonic()
            sockets = [socket.socket() for _ in range(count)]
            for one in sockets:
                one.setblocking(False)
                one.connect_ex(("169.254.169.254", 80))
            def is_open(one):
                try: return bool(one.getpeername())
                except OSError: return False
            # A SYN is sent again after a second.
            while sum(map(is_open, sockets)) < least and time.monotonic() < start + 0.8:
                time.sleep(0.01)
            time.sleep(0.1)
            opened = sum(map(is_open, sockets))
            print(opened, time.monotonic() - start)
            """
        let words = try guest.namespace.run("python3", "-c", script, "\(count)", "\(least)").split(separator: " ")
        let opened = try #require(words.first.flatMap { Int($0) }, "\(words)")
        let seconds = try #require(words.last.flatMap { Double($0.filter { !$0.isWhitespace }) }, "\(words)")
        return Begun(opened: opened, most: 8 + Int(4 * seconds) + 1)
    }

    @Test(arguments: ["address", "bridge"])
    func `a guest beyond the connection rate waits, and no other does`(mode: String) async throws {
        let host = try BridgedHost()
        let flooder = try host.guest("flooder", mac: "52:54:00:0d:00:01", address: "192.0.2.11/24")
        let other = try host.guest("other", mac: "52:54:00:0d:00:02", address: "192.0.2.12/24")
        // Eight at once, and then one every quarter of a second.
        try await host.serve("--bridge", "br0", "--intercept", mode, "--connections-per-second", "4")
        try await host.expect(flooder)
        try await host.expect(other)
        try await Task.sleep(for: .seconds(2))

        let begun = try begin(60, expecting: 8, from: flooder)
        #expect(begun.opened >= 8 && begun.opened <= begun.most, "\(begun)")
        #expect(try host.ask(other, seconds: 1) == "i-other 200")

        // The limit applies to the port, regardless of hardware addresses.
        try flooder.namespace.run("ip", "link", "set", "eth0", "address", "52:54:00:0d:00:99")
        try flooder.namespace.run("ip", "route", "replace", "169.254.169.254/32", "dev", "eth0")
        let disguised = try begin(60, expecting: 60, from: flooder)
        #expect(disguised.opened <= disguised.most, "\(disguised)")

        try await host.eventually("the operator is told", within: .seconds(15)) {
            host.log.contains("guest connection rate limit exceeded; SYNs were dropped")
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
        let begun = try begin(60, expecting: 60, from: guest)
        #expect(begun.opened == 60)
    }
}

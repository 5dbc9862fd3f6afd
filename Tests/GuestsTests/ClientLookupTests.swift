import Common
import Netlink
import TestSupport
import Testing

@testable import Guests

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct ClientLookupTests {
    /// Since when the port of a connection is the same, as a lookup of the connection finds it.
    private static func since(_ scope: PortScope) throws -> ContinuousClock.Instant? {
        let lookup = ClientLookup(neighbours: try Neighbours(), file: nil, trusted: [])
        let client = lookup.client(socket: nil, peer: IPAddress("192.0.2.9"), of: .port(scope))
        guard case .port("tap1", bridge: "br0", let since) = client?.entrance else { throw NotAPort() }
        return since
    }

    private struct NotAPort: Error {}

    @Test func `a connection by a tap that was opened again is of another program, though nobody has noticed yet`() throws {
        let host = try NetworkNamespace()
        try host.run("ip", "tuntap", "add", "dev", "tap1", "mode", "tap")
        let seen = ContinuousClock.now
        let scope = try host.enter {
            let link = try #require(try Links.link(named: "tap1"))
            return PortScope(
                bridge: .init(name: "br0", index: 1), port: link.name, since: seen, openings: TapOpenings(of: link),
                mac: MACAddress("52:54:00:00:00:09"), mark: 0)
        }
        #expect(try host.enter { try Self.since(scope) } == seen)
        let again = ContinuousClock.now
        try host.openTap("tap1")
        #expect(try #require(try host.enter { try Self.since(scope) }) > again)
        try host.run("ip", "link", "delete", "tap1")
        #expect(try #require(try host.enter { try Self.since(scope) }) > again, "nobody can say whose it is")
    }
}

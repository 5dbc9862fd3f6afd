import Common
import TestSupport
import Testing

@testable import Guests
@testable import Netlink

/// Ports whose link several programs can open, one after the other or at once.
struct SharedPortTests {
    private static let link = Link(
        name: "tap1", index: 99_999, kind: "tun", master: nil, mac: nil, isUp: true, carrierUps: 1, isPersistent: true)

    private static func snapshot() throws -> Snapshot {
        let uuid = try #require(InstanceUUID("00000000-0000-4000-8000-000000000001"))
        var card = NetworkInterface(mac: try #require(MACAddress("52:54:00:00:00:01")))
        (card.tap, card.bridge) = ("tap1", "lo")
        var documents = OperatorDocuments()
        documents.userData = Array("mine".utf8)
        var snapshot = Snapshot()
        snapshot.insert(
            Instance(
                names: InstanceNames(domain: uuid, domainName: "web", uuid: uuid, id: "i-1", name: "web", hostname: "web"),
                launch: LaunchFacts(type: "small"), documents: documents, interfaces: [card]))
        snapshot.isComplete = true
        return snapshot
    }

    private static func scope(_ openings: TapOpenings?) throws -> ListenScope {
        .port(
            PortScope(
                bridge: .init(name: "lo", index: 1), port: "tap1", openings: openings, mac: MACAddress("52:54:00:00:00:01"),
                mark: 0))
    }

    @Test func `no request by a tap that is not as it was is answered, neither a connection's first nor a later one`()
        async throws
    {
        let openings = try #require(TapOpenings(of: Self.link))
        #expect(openings.haveChanged(), "there is no such link")
        try await LiveServer.run(snapshot: try Self.snapshot()) { server in
            let same = try await RawConnection(to: server.open(Self.scope(nil)), from: Guests.web)
            for _ in 0..<2 {
                try await same.send("GET /latest/user-data HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n")
                #expect(try await same.reply().status == 200)
            }
            let other = try await RawConnection(to: server.open(Self.scope(openings)), from: Guests.web)
            try await other.send("GET /latest/user-data HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n")
            await #expect(throws: (any Error).self) { try await other.reply() }
        }
    }

    @Test func `the queues of a port's link are those of its clients`() throws {
        var link = Self.link
        link.queues = 3
        let lookup = ClientLookup(neighbours: try Neighbours(), file: nil, trusted: [])
        let client = lookup.client(socket: nil, peer: IPAddress("192.0.2.9"), of: try Self.scope(TapOpenings(of: link)))
        #expect(client?.entrance == .port("tap1", bridge: "lo", queues: 3))
    }
}

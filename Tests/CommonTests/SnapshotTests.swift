import Common
import HashTreeCollections
import Testing

@Suite struct SnapshotTests {
    private static let address = IPAddress(v4: 0xC000_0201)

    private func client(_ mac: UInt64?, bridge: String? = nil) -> Client {
        client(mac, by: bridge.map { .bridge($0) } ?? .unknown)
    }

    private func client(_ mac: UInt64?, by entrance: Client.Entrance) -> Client {
        Client(address: Self.address, mac: mac.map { MACAddress(bits: $0) }, entrance: entrance)
    }

    private func recognised(_ client: Client, in snapshot: Snapshot) throws -> String {
        let owner = try snapshot.match(client).get()
        return "\(owner.instance.name) \(owner.interface)"
    }

    @Test func `a client matches the instance with its MAC address`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [.example(0xA), .example(0xB)]))
        snapshot.insert(.example(2, named: "db", interfaces: [.example(0xC)]))
        #expect(try recognised(client(0xA), in: snapshot) == "web 0")
        #expect(try recognised(client(0xB), in: snapshot) == "web 1")
        #expect(try recognised(client(0xC), in: snapshot) == "db 0")
    }

    @Test func `a MAC address on a bridge other than its own matches nothing`() {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, interfaces: [.example(0xA, bridge: "br0")]))
        #expect(throws: MatchFailure.wrongPort(MACAddress(bits: 0xA), of: ["web"], at: "br1", pluggedIn: nil)) {
            try snapshot.match(client(0xA, bridge: "br1")).get()
        }
    }

    @Test func `a missing or unknown MAC address matches nothing`() {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, interfaces: [.example(0xA)]))
        #expect(throws: MatchFailure.noHardwareAddress) { try snapshot.match(client(nil)).get() }
        #expect(throws: MatchFailure.noOwner(MACAddress(bits: 0xB))) { try snapshot.match(client(0xB)).get() }
    }

    @Test func `the bridge alone distinguishes two owners of a MAC address`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [.example(0xA, bridge: "br0")]))
        snapshot.insert(.example(2, named: "db", interfaces: [.example(0xB), .example(0xA, bridge: "br1")]))
        snapshot.insert(.example(3, named: "user", interfaces: [.example(0xA)]))
        #expect(try recognised(client(0xA, bridge: "br0"), in: snapshot) == "web 0")
        #expect(try recognised(client(0xA, bridge: "br1"), in: snapshot) == "db 1")
        let several = MatchFailure.severalOwners(MACAddress(bits: 0xA), ["web", "db", "user"])
        #expect(throws: several) { try snapshot.match(client(0xA)).get() }
        let elsewhere = MatchFailure.wrongPort(MACAddress(bits: 0xA), of: ["web", "db", "user"], at: "br2", pluggedIn: nil)
        #expect(throws: elsewhere) { try snapshot.match(client(0xA, bridge: "br2")).get() }
    }

    @Test func `two interfaces of one domain with one MAC address are that domain's`() throws {
        var snapshot = Snapshot()
        snapshot.insert(
            .example(1, named: "web", interfaces: [.example(0xA, bridge: "br0"), .example(0xA, bridge: "br0"), .example(0xB)]))
        #expect(try recognised(client(0xA, bridge: "br0"), in: snapshot) == "web 0")
        #expect(try recognised(client(0xA), in: snapshot) == "web 0")
    }

    @Test func `two owners on one bridge are ambiguous`() {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [.example(0xA, bridge: "br0")]))
        snapshot.insert(.example(2, named: "db", interfaces: [.example(0xA, bridge: "br0")]))
        #expect(throws: MatchFailure.severalOwners(MACAddress(bits: 0xA), ["web", "db"])) {
            try snapshot.match(client(0xA, bridge: "br0")).get()
        }
    }

    @Test func `an inserted instance replaces the previous one, whatever changed`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [.example(0xA), .example(0xB)]))
        snapshot.insert(.example(1, named: "renamed", interfaces: [.example(0xB)]))
        #expect(snapshot.count == 1)
        #expect(try recognised(client(0xB), in: snapshot) == "renamed 0")
        #expect(throws: MatchFailure.noOwner(MACAddress(bits: 0xA))) { try snapshot.match(client(0xA)).get() }
    }

    @Test func `a removed domain's MAC address can belong to another domain`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [.example(0xA), .example(0xA)]))
        snapshot.insert(.example(2, named: "db", interfaces: [.example(0xA)]))
        snapshot.remove(.example(1))
        #expect(try recognised(client(0xA), in: snapshot) == "db 0")
        snapshot.remove(.example(2))
        #expect(throws: MatchFailure.noOwner(MACAddress(bits: 0xA))) { try snapshot.match(client(0xA)).get() }
        #expect(snapshot.count == 0)
    }

    @Test func `removing an unknown domain changes nothing`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, interfaces: [.example(0xA)]))
        snapshot.remove(.example(2))
        #expect(try recognised(client(0xA), in: snapshot) == "web 0")
    }

    @Test func `a copy is independent of later changes`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, interfaces: [.example(0xA)]))
        let copy = snapshot
        snapshot.remove(.example(1))
        #expect(try recognised(client(0xA), in: copy) == "web 0")
    }

    @Test func `the board has the snapshot published last`() {
        let board = SnapshotBoard()
        #expect(board.snapshot.count == 0 && !board.snapshot.isComplete)
        var snapshot = Snapshot()
        snapshot.insert(.example(1))
        snapshot.isComplete = true
        board.publish(snapshot)
        #expect(board.snapshot.instance(of: .example(1))?.name == "web")
        #expect(board.snapshot.isComplete)
    }

    @Test func `the reason names the step that failed`() {
        let mac = MACAddress(bits: 0x5254_0000_0001)
        #expect(MatchFailure.noHardwareAddress.description == "no MAC address is known for the client")
        #expect(MatchFailure.noOwner(mac).description == "no running domain has an interface 52:54:00:00:00:01")
        #expect(
            MatchFailure.severalOwners(mac, ["a", "b"]).description
                == "several running domains have an interface 52:54:00:00:00:01: a, b")
    }
}

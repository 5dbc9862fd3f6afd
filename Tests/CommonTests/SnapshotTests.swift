import Common
import HashTreeCollections
import Testing

@Suite struct SnapshotTests {
    private static let address = IPAddress(v4: 0xC000_0201)

    private func caller(_ mac: UInt64?, bridge: String? = nil) -> Caller {
        caller(mac, by: bridge.map { .bridge($0) } ?? .unknown)
    }

    private func caller(_ mac: UInt64?, by entrance: Caller.Entrance) -> Caller {
        Caller(address: Self.address, mac: mac.map { MACAddress(bits: $0) }, entrance: entrance)
    }

    private func recognised(_ caller: Caller, in snapshot: Snapshot) throws -> String {
        let owner = try snapshot.recognise(caller).get()
        return "\(owner.instance.name) \(owner.interface)"
    }

    @Test func `a caller is the instance that bears its hardware address`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [.example(0xA), .example(0xB)]))
        snapshot.insert(.example(2, named: "db", interfaces: [.example(0xC)]))
        #expect(try recognised(caller(0xA), in: snapshot) == "web 0")
        #expect(try recognised(caller(0xB), in: snapshot) == "web 1")
        #expect(try recognised(caller(0xC), in: snapshot) == "db 0")
    }

    @Test func `a hardware address on a bridge that is not its own is nobody`() {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, interfaces: [.example(0xA, bridge: "br0")]))
        #expect(throws: UnknownCaller.wrongPort(MACAddress(bits: 0xA), of: ["web"], at: "br1", pluggedIn: nil)) {
            try snapshot.recognise(caller(0xA, bridge: "br1")).get()
        }
    }

    @Test func `nobody is recognised without a hardware address, or with a strange one`() {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, interfaces: [.example(0xA)]))
        #expect(throws: UnknownCaller.noHardwareAddress) { try snapshot.recognise(caller(nil)).get() }
        #expect(throws: UnknownCaller.noOwner(MACAddress(bits: 0xB))) { try snapshot.recognise(caller(0xB)).get() }
    }

    @Test func `two owners of a hardware address are told apart by the bridge, or not at all`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [.example(0xA, bridge: "br0")]))
        snapshot.insert(.example(2, named: "db", interfaces: [.example(0xB), .example(0xA, bridge: "br1")]))
        snapshot.insert(.example(3, named: "user", interfaces: [.example(0xA)]))
        #expect(try recognised(caller(0xA, bridge: "br0"), in: snapshot) == "web 0")
        #expect(try recognised(caller(0xA, bridge: "br1"), in: snapshot) == "db 1")
        let several = UnknownCaller.severalOwners(MACAddress(bits: 0xA), ["web", "db", "user"])
        #expect(throws: several) { try snapshot.recognise(caller(0xA)).get() }
        let elsewhere = UnknownCaller.wrongPort(MACAddress(bits: 0xA), of: ["web", "db", "user"], at: "br2", pluggedIn: nil)
        #expect(throws: elsewhere) { try snapshot.recognise(caller(0xA, bridge: "br2")).get() }
    }

    @Test func `two owners on one bridge are not told apart`() {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [.example(0xA, bridge: "br0")]))
        snapshot.insert(.example(2, named: "db", interfaces: [.example(0xA, bridge: "br0")]))
        #expect(throws: UnknownCaller.severalOwners(MACAddress(bits: 0xA), ["web", "db"])) {
            try snapshot.recognise(caller(0xA, bridge: "br0")).get()
        }
    }

    @Test func `an instance that is taken in again replaces the one before, whatever changed`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [.example(0xA), .example(0xB)]))
        snapshot.insert(.example(1, named: "renamed", interfaces: [.example(0xB)]))
        #expect(snapshot.count == 1)
        #expect(try recognised(caller(0xB), in: snapshot) == "renamed 0")
        #expect(throws: UnknownCaller.noOwner(MACAddress(bits: 0xA))) { try snapshot.recognise(caller(0xA)).get() }
    }

    @Test func `a domain that is forgotten leaves its hardware address to others`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [.example(0xA), .example(0xA)]))
        snapshot.insert(.example(2, named: "db", interfaces: [.example(0xA)]))
        snapshot.remove(.example(1))
        #expect(try recognised(caller(0xA), in: snapshot) == "db 0")
        snapshot.remove(.example(2))
        #expect(throws: UnknownCaller.noOwner(MACAddress(bits: 0xA))) { try snapshot.recognise(caller(0xA)).get() }
        #expect(snapshot.count == 0)
    }

    @Test func `to forget a domain that is not there changes nothing`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, interfaces: [.example(0xA)]))
        snapshot.remove(.example(2))
        #expect(try recognised(caller(0xA), in: snapshot) == "web 0")
    }

    @Test func `a copy keeps what it had`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, interfaces: [.example(0xA)]))
        let copy = snapshot
        snapshot.remove(.example(1))
        #expect(try recognised(caller(0xA), in: copy) == "web 0")
    }

    @Test func `the board shows what was put up last`() {
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
        #expect(UnknownCaller.noHardwareAddress.description == "no hardware address is known for it")
        #expect(UnknownCaller.noOwner(mac).description == "no running domain has an interface 52:54:00:00:00:01")
        #expect(
            UnknownCaller.severalOwners(mac, ["a", "b"]).description
                == "several running domains have an interface 52:54:00:00:00:01: a, b")
    }
}

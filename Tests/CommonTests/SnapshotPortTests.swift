import Common
import Testing

/// How a caller is recognised by the port of a bridge that it came in by.
@Suite struct SnapshotPortTests {
    private static let macA = MACAddress(bits: 0xA)

    private func interface(_ mac: UInt64, _ tap: String, bridge: String = "br0") -> NetworkInterface {
        var interface = NetworkInterface.example(mac, bridge: bridge)
        interface.tap = tap
        return interface
    }

    private func recognise(_ mac: UInt64, at port: String?, of bridge: String = "br0", in snapshot: Snapshot) throws -> String {
        let caller = Caller(
            address: IPAddress(v4: 1), mac: MACAddress(bits: mac), entrance: .port(port, bridge: bridge))
        let owner = try snapshot.recognise(caller).get()
        return "\(owner.instance.name) \(owner.interface)"
    }

    private var snapshot: Snapshot {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [interface(0xA, "tap1"), interface(0xB, "tap2")]))
        snapshot.insert(.example(2, named: "db", interfaces: [interface(0xC, "tap3")]))
        return snapshot
    }

    @Test func `a caller is the instance that is plugged in where it came in`() throws {
        #expect(try recognise(0xA, at: "tap1", in: snapshot) == "web 0")
        #expect(try recognise(0xB, at: "tap2", in: snapshot) == "web 1")
        #expect(try recognise(0xC, at: "tap3", in: snapshot) == "db 0")
    }

    @Test func `an instance may use the hardware address of one of its interfaces by another, as a bond does`() throws {
        #expect(try recognise(0xA, at: "tap2", in: snapshot) == "web 0")
    }

    @Test func `a hardware address by another's port, or by none, is nobody, and both are named`() {
        #expect(throws: UnknownCaller.wrongPort(Self.macA, of: ["web"], at: "tap3", pluggedIn: "db")) {
            try recognise(0xA, at: "tap3", in: snapshot)
        }
        #expect(throws: UnknownCaller.wrongPort(Self.macA, of: ["web"], at: "eth0", pluggedIn: nil)) {
            try recognise(0xA, at: "eth0", in: snapshot)
        }
        let text = UnknownCaller.wrongPort(Self.macA, of: ["web"], at: "tap3", pluggedIn: "db").description
        #expect(text == "00:00:00:00:00:0a belongs to web, but came in by tap3, into which db is plugged")
    }

    @Test func `a hardware address that no domain has is nobody's, whatever port it came by`() {
        #expect(throws: UnknownCaller.wrongPort(MACAddress(bits: 0xF), of: [], at: "tap3", pluggedIn: "db")) {
            try recognise(0xF, at: "tap3", in: snapshot)
        }
        #expect(throws: UnknownCaller.noOwner(MACAddress(bits: 0xF))) { try recognise(0xF, at: "eth0", in: snapshot) }
        #expect(throws: UnknownCaller.noOwner(MACAddress(bits: 0xF))) { try recognise(0xF, at: nil, in: snapshot) }
    }

    @Test func `a bridge that does not know the port makes nobody of a known hardware address`() {
        #expect(throws: UnknownCaller.noPort(Self.macA)) { try recognise(0xA, at: nil, in: snapshot) }
    }

    @Test func `two instances with one hardware address are nobody on one bridge, and two on two`() throws {
        var snapshot = snapshot
        snapshot.insert(.example(3, named: "twin", interfaces: [interface(0xA, "tap4", bridge: "br1")]))
        #expect(try recognise(0xA, at: "tap1", in: snapshot) == "web 0")
        #expect(try recognise(0xA, at: "tap4", of: "br1", in: snapshot) == "twin 0")
        snapshot.insert(.example(3, named: "twin", interfaces: [interface(0xA, "tap4")]))
        for port in ["tap1", "tap4"] {
            #expect(throws: UnknownCaller.severalOwners(Self.macA, ["web", "twin"])) {
                try recognise(0xA, at: port, in: snapshot)
            }
        }
    }

    @Test func `a tap that has become another's is the other's, whoever is forgotten first`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [interface(0xA, "tap1")]))
        snapshot.insert(.example(2, named: "db", interfaces: [interface(0xB, "tap1")]))
        snapshot.remove(.example(1))
        #expect(try recognise(0xB, at: "tap1", in: snapshot) == "db 0")
        snapshot.remove(.example(2))
        #expect(snapshot.owner(ofPort: "tap1") == nil)
        #expect(snapshot.bridgesInUse.isEmpty)
    }

    @Test func `the interfaces on each bridge are counted while their domains run`() {
        var snapshot = snapshot
        #expect(snapshot.interfaceCount(on: "br0") == 3)
        snapshot.insert(.example(2, named: "db", interfaces: [interface(0xC, "tap3", bridge: "br1")]))
        #expect(snapshot.interfaceCount(on: "br0") == 2 && snapshot.interfaceCount(on: "br1") == 1)
        snapshot.remove(.example(2))
        #expect(snapshot.bridgesInUse == ["br0"])
    }

    @Test func `the hardware addresses of a domain that stopped are remembered for ten seconds, unless another has them`() {
        var snapshot = snapshot
        snapshot.insert(.example(3, named: "twin", interfaces: [interface(0xB, "tap4")]))
        let now = ContinuousClock.now
        snapshot.remove(.example(1), stoppedAt: now)
        #expect(snapshot.hasDeparted(Self.macA, by: now + .seconds(9)))
        #expect(!snapshot.hasDeparted(Self.macA, by: now + .seconds(11)))
        #expect(!snapshot.hasDeparted(MACAddress(bits: 0xB), by: now))
        #expect(!snapshot.hasDeparted(MACAddress(bits: 0xC), by: now))
        snapshot.remove(.example(2), stoppedAt: now + .seconds(20))
        #expect(!snapshot.hasDeparted(Self.macA, by: now), "forgotten")
    }
}

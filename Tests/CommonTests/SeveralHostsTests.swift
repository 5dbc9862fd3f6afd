import Common
import Testing

/// A snapshot with domains of several hosts.
@Suite struct SeveralHostsTests {
    private static let macA = MACAddress(bits: 0xA)
    private static let domain = InstanceUUID.example(1)
    private static let (second, third) = (HostNumber(1), HostNumber(2))

    private func client(_ mac: UInt64, by entrance: Client.Entrance) -> Client {
        Client(address: IPAddress(v4: 1), mac: MACAddress(bits: mac), entrance: entrance)
    }

    private func match(_ mac: UInt64, by entrance: Client.Entrance, in snapshot: Snapshot) throws -> String {
        let owner = try snapshot.match(client(mac, by: entrance)).get()
        return "\(owner.instance.name) \(owner.host.index)"
    }

    private func instance(_ name: String, _ number: UInt8 = 1, mac: UInt64 = 0xA, bridge: String = "br0") -> Instance {
        var interface = NetworkInterface.example(mac, bridge: bridge)
        interface.tap = "vnet0"
        return .example(number, named: name, interfaces: [interface])
    }

    // MARK: One domain on two hosts

    @Test func `a domain on two hosts is one instance, that of the host where it runs`() throws {
        for order in [[0, 1], [1, 0]] {
            var snapshot = Snapshot()
            for host in order {
                let name = host == 0 ? "source" : "destination"
                snapshot.insert(instance(name), on: HostNumber(host + 1), isPaused: name == "destination")
            }
            #expect(snapshot.count == 1)
            #expect(snapshot.instance(of: Self.domain)?.name == "source")
            #expect(try match(0xA, by: .named, in: snapshot) == "source 1")
        }
    }

    @Test func `if a domain runs on two hosts, the newer copy is served, however often the other is read`() {
        var snapshot = Snapshot()
        snapshot.insert(instance("source"), on: Self.second)
        snapshot.insert(instance("destination"), on: Self.third)
        #expect(snapshot.instance(of: Self.domain)?.name == "destination")
        snapshot.insert(instance("source again"), on: Self.second)
        #expect(snapshot.instance(of: Self.domain)?.name == "destination")
        snapshot.insert(instance("edited"), on: Self.third)
        #expect(snapshot.instance(of: Self.domain)?.name == "edited")
    }

    @Test func `a migration, event by event`() {
        var snapshot = Snapshot()
        var counted: [String?] = []
        let events: [(inout Snapshot) -> Void] = [
            { $0.insert(instance("source"), on: Self.second) },
            { $0.insert(instance("destination"), on: Self.third, isPaused: true) },
            { $0.insert(instance("source"), on: Self.second, isPaused: true) },
            { $0.insert(instance("destination"), on: Self.third) },
            { $0.remove(Self.domain, from: Self.second) },
            { $0.remove(Self.domain, from: Self.third) },
        ]
        for event in events {
            event(&snapshot)
            counted.append(snapshot.instance(of: Self.domain)?.name)
        }
        // While the domain is paused on both hosts, the host that ran it last is served.
        #expect(counted == ["source", "source", "destination", "destination", "destination", nil])
    }

    @Test func `a failed migration changes nothing`() throws {
        var snapshot = Snapshot()
        snapshot.insert(instance("source"))
        snapshot.insert(instance("destination"), on: Self.second, isPaused: true)
        snapshot.remove(Self.domain, from: Self.second)
        #expect(snapshot.instance(of: Self.domain)?.name == "source")
        #expect(try match(0xA, by: .port("vnet0", bridge: "br0"), in: snapshot) == "source 0")
    }

    @Test func `removing a domain from a host that does not have it changes nothing`() {
        var snapshot = Snapshot()
        snapshot.insert(instance("web"), on: Self.second)
        snapshot.remove(Self.domain, from: Self.third)
        snapshot.remove(Self.domain)
        #expect(snapshot.instance(of: Self.domain)?.name == "web")
    }

    @Test func `of three hosts' copies, the next best remains when one is removed`() {
        var snapshot = Snapshot()
        for (number, name) in ["a", "b", "c"].enumerated() { snapshot.insert(instance(name), on: HostNumber(number)) }
        var counted: [String?] = []
        for number in [2, 0, 1] {
            counted.append(snapshot.instance(of: Self.domain)?.name)
            snapshot.remove(Self.domain, from: HostNumber(number))
        }
        #expect(counted == ["c", "b", "b"])
        #expect(snapshot.count == 0)
        #expect(snapshot.domains(bearing: Self.macA).isEmpty)
    }

    // MARK: Hardware addresses and ports

    @Test func `a named client matches the only domain of all hosts with its MAC address`() throws {
        var snapshot = Snapshot()
        snapshot.insert(instance("far", 2), on: Self.second)
        #expect(try match(0xA, by: .named, in: snapshot) == "far 1")
        snapshot.insert(instance("near", 1))
        #expect(throws: MatchFailure.severalOwners(Self.macA, ["near", "far"])) {
            try match(0xA, by: .named, in: snapshot)
        }
        #expect(try match(0xA, by: .bridge("br0"), in: snapshot) == "near 0", "a bridge of ours says more")
        snapshot.remove(.example(1))
        snapshot.insert(instance("farther", 3), on: Self.third)
        #expect(throws: MatchFailure.severalOwners(Self.macA, ["far", "farther"])) {
            try match(0xA, by: .named, in: snapshot)
        }
    }

    @Test func `a named client matches this host's copy while its domain is on another too`() throws {
        var snapshot = Snapshot()
        snapshot.insert(instance("here"))
        snapshot.insert(instance("there"), on: Self.second, isPaused: true)
        #expect(try match(0xA, by: .named, in: snapshot) == "here 0")
    }

    @Test func `an unnamed client matches no domain of another host`() {
        var snapshot = Snapshot()
        snapshot.insert(instance("far"), on: Self.second)
        let entrances: [Client.Entrance] = [
            .unknown, .bridge("br0"), .port("vnet0", bridge: "br0"),
        ]
        for entrance in entrances {
            #expect(throws: MatchFailure.elsewhere(Self.macA, ["far"])) { try match(0xA, by: entrance, in: snapshot) }
        }
        let text = MatchFailure.elsewhere(Self.macA, ["far"]).description
        #expect(text == "00:00:00:00:00:0a belongs to far on another host, whose guests cannot connect to this server directly")
    }

    @Test func `taps and bridges of other hosts are not indexed`() throws {
        var snapshot = Snapshot()
        snapshot.insert(instance("far", 2, mac: 0xB, bridge: "br7"), on: Self.second)
        #expect(snapshot.claim(onPort: "vnet0", of: "br0", since: nil).owner == nil)
        #expect(snapshot.bridgesInUse.isEmpty)
        snapshot.insert(instance("near", 1))
        #expect(snapshot.bridgesInUse == ["br0"])
        #expect(try match(0xA, by: .port("vnet0", bridge: "br0"), in: snapshot) == "near 0")
        #expect(throws: MatchFailure.wrongPort(MACAddress(bits: 0xB), of: ["far"], at: "vnet0", pluggedIn: "near")) {
            try match(0xB, by: .port("vnet0", bridge: "br0"), in: snapshot)
        }
        snapshot.remove(.example(2), from: Self.second)
        #expect(snapshot.claim(onPort: "vnet0", of: "br0", since: nil).owner?.instance.name == "near")
        #expect(snapshot.interfaceCount(on: "br0") == 1)
    }

    @Test func `a migrating domain's port is the one in this host's description, wherever it runs`() throws {
        var snapshot = Snapshot()
        snapshot.insert(instance("here"))
        snapshot.insert(instance("there", bridge: "br9"), on: Self.second)
        #expect(snapshot.instance(of: Self.domain)?.name == "there")
        #expect(try match(0xA, by: .port("vnet0", bridge: "br0"), in: snapshot) == "here 0")
        snapshot.remove(Self.domain)
        #expect(throws: MatchFailure.elsewhere(Self.macA, ["there"])) {
            try match(0xA, by: .port("vnet0", bridge: "br0"), in: snapshot)
        }
        #expect(try match(0xA, by: .named, in: snapshot) == "there 1")
    }

    @Test func `the domains with a MAC address are those of all hosts, each once`() {
        var snapshot = Snapshot()
        snapshot.insert(instance("here"))
        snapshot.insert(instance("there"), on: Self.second)
        snapshot.insert(instance("other", 2), on: Self.third)
        #expect(snapshot.domains(bearing: Self.macA) == [.example(1), .example(2)])
    }
    // MARK: Completeness

    @Test func `only a client that may be on another host waits for other hosts`() {
        var snapshot = Snapshot()
        snapshot.isRemoteComplete = false
        snapshot.isLocalComplete = true
        #expect(!snapshot.isComplete)
        #expect(!snapshot.isComplete(for: client(0xA, by: .named)))
        #expect(snapshot.isComplete(for: client(0xA, by: .unknown)))
        #expect(snapshot.isComplete(for: client(0xA, by: .port("vnet0", bridge: "br0"))))
        snapshot.isRemoteComplete = true
        #expect(snapshot.isComplete && snapshot.isComplete(for: client(0xA, by: .named)))
    }
}

import Common
import Testing

/// Client lookup by bridge port.
@Suite struct SnapshotPortTests {
    private static let macA = MACAddress(bits: 0xA)

    private func interface(_ mac: UInt64, _ tap: String, bridge: String = "br0") -> NetworkInterface {
        var interface = NetworkInterface.example(mac, bridge: bridge)
        interface.tap = tap
        return interface
    }

    private func match(_ mac: UInt64, at port: String, of bridge: String = "br0", in snapshot: Snapshot) throws -> String {
        let client = Client(
            address: IPAddress(v4: 1), mac: MACAddress(bits: mac), entrance: .port(port, bridge: bridge))
        let owner = try snapshot.match(client).get()
        return "\(owner.instance.name) \(owner.interface)"
    }

    private var snapshot: Snapshot {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [interface(0xA, "tap1"), interface(0xB, "tap2")]))
        snapshot.insert(.example(2, named: "db", interfaces: [interface(0xC, "tap3")]))
        return snapshot
    }

    @Test func `a client matches the instance of its port`() throws {
        #expect(try match(0xA, at: "tap1", in: snapshot) == "web 0")
        #expect(try match(0xB, at: "tap2", in: snapshot) == "web 1")
        #expect(try match(0xC, at: "tap3", in: snapshot) == "db 0")
    }

    @Test func `an instance may use the MAC address of one interface on another, as a bond does`() throws {
        #expect(try match(0xA, at: "tap2", in: snapshot) == "web 0")
    }

    @Test func `a card without a bridge matches by its own tap only`() throws {
        var (ethernet, user) = (interface(0xD, "tap5"), interface(0xC, "tap6"))
        (ethernet.bridge, user.bridge, user.tap) = (nil, nil, nil)
        var snapshot = snapshot
        snapshot.insert(.example(3, named: "own", interfaces: [ethernet, user]))
        #expect(try match(0xD, at: "tap5", in: snapshot) == "own 0")
        #expect(throws: MatchFailure.self) { try match(0xC, at: "tap5", in: snapshot) }
        #expect(try match(0xC, at: "tap3", in: snapshot) == "db 0")
    }

    @Test func `a MAC address on a foreign or unknown port matches nothing, and both are named`() {
        #expect(throws: MatchFailure.wrongPort(Self.macA, of: ["web"], at: "tap3", pluggedIn: "db")) {
            try match(0xA, at: "tap3", in: snapshot)
        }
        #expect(throws: MatchFailure.wrongPort(Self.macA, of: ["web"], at: "eth0", pluggedIn: nil)) {
            try match(0xA, at: "eth0", in: snapshot)
        }
        let text = MatchFailure.wrongPort(Self.macA, of: ["web"], at: "tap3", pluggedIn: "db").description
        #expect(text == "00:00:00:00:00:0a belongs to web, but arrived by tap3, the port of db")
    }

    @Test func `an unknown MAC address matches nothing on any port`() {
        #expect(throws: MatchFailure.wrongPort(MACAddress(bits: 0xF), of: [], at: "tap3", pluggedIn: "db")) {
            try match(0xF, at: "tap3", in: snapshot)
        }
        #expect(throws: MatchFailure.noOwner(MACAddress(bits: 0xF))) { try match(0xF, at: "eth0", in: snapshot) }
    }

    @Test func `ports distinguish two instances with one MAC address, on one bridge and on two`() throws {
        var snapshot = snapshot
        snapshot.insert(.example(3, named: "twin", interfaces: [interface(0xA, "tap4", bridge: "br1")]))
        #expect(try match(0xA, at: "tap1", in: snapshot) == "web 0")
        #expect(try match(0xA, at: "tap4", of: "br1", in: snapshot) == "twin 0")
        snapshot.insert(.example(3, named: "twin", interfaces: [interface(0xA, "tap4")]))
        #expect(try match(0xA, at: "tap1", in: snapshot) == "web 0")
        #expect(try match(0xA, at: "tap4", in: snapshot) == "twin 0")
    }

    @Test func `a tap of two domains on one bridge matches neither`() throws {
        var snapshot = snapshot
        snapshot.insert(.example(3, named: "far", interfaces: [interface(0xD, "tap1", bridge: "br1")]))
        #expect(try match(0xA, at: "tap1", in: snapshot) == "web 0")
        snapshot.insert(.example(3, named: "thief", interfaces: [interface(0xD, "tap1")]))
        for mac: UInt64 in [0xA, 0xD] {
            #expect(throws: MatchFailure.contestedPort("tap1", ["web", "thief"])) {
                try match(mac, at: "tap1", in: snapshot)
            }
        }
        #expect(snapshot.claim(onPort: "tap1", of: "br0", since: nil).owner == nil)
        #expect(snapshot.claimants(ofPort: "tap1", on: "br0").map(\.instance.name) == ["web", "thief"])
        snapshot.remove(.example(3))
        #expect(try match(0xA, at: "tap1", in: snapshot) == "web 0")
    }

    @Test func `a tap with more queues than its domain has is another program's too, and matches nobody`() throws {
        var snapshot = Snapshot()
        var card = interface(0xA, "tap1")
        card.queues = 2
        snapshot.insert(.example(1, named: "web", interfaces: [card]))
        for (queues, isOwned) in [(UInt32(0), true), (1, true), (2, true), (3, false)] {
            let claim = snapshot.claim(onPort: "tap1", of: "br0", since: nil, queues: queues)
            #expect((claim.owner != nil) == isOwned && claim.owners.count == 1)
            let client = Client(
                address: IPAddress(v4: 1), mac: Self.macA, entrance: .port("tap1", bridge: "br0", queues: queues))
            let found = snapshot.match(client).map(\.instance.name)
            #expect(found == (isOwned ? .success("web") : .failure(.contestedPort("tap1", ["web"]))))
        }
    }

    @Test func `a failure names three domains, each once`() {
        var snapshot = Snapshot()
        for number in UInt8(1)...6 {
            let cards = (0..<50).map { interface(0xA, "x\(number)-\($0)", bridge: "br\(number)") }
            snapshot.insert(.example(number, named: "d\(number)", interfaces: cards))
        }
        #expect(throws: MatchFailure.wrongPort(Self.macA, of: ["d1", "d2", "d3", "others"], at: "tap9", pluggedIn: nil)) {
            try match(0xA, at: "tap9", in: snapshot)
        }
    }

    @Test func `a MAC address is valid on its own bridge only`() {
        var snapshot = snapshot
        snapshot.insert(.example(2, named: "db", interfaces: [interface(0xC, "tap3"), interface(0xA, "tap9", bridge: "br1")]))
        #expect(throws: MatchFailure.wrongPort(Self.macA, of: ["web", "db"], at: "tap3", pluggedIn: "db")) {
            try match(0xA, at: "tap3", in: snapshot)
        }
    }

    @Test func `each start of a domain is a new run, and a change is not`() throws {
        func run(_ libvirtID: Int?) -> Instance {
            .example(1, named: "web", interfaces: [interface(0xA, "tap1")], libvirtID: libvirtID)
        }
        var snapshot = Snapshot()
        func present() throws -> DomainRun { try #require(snapshot.claim(onPort: "tap1", of: "br0", since: nil).owner).run }
        snapshot.insert(run(7))
        let first = try present()
        snapshot.insert(run(7))
        #expect(try present() == first, "described anew")
        snapshot.insert(run(8))
        let second = try present()
        #expect(second != first, "stopped and started between two looks")
        snapshot.remove(.example(1))
        snapshot.insert(run(8))
        #expect(try present() != second, "stopped and started")
    }

    @Test func `a reused tap belongs to its new domain, in any order of removal`() throws {
        var snapshot = Snapshot()
        snapshot.insert(.example(1, named: "web", interfaces: [interface(0xA, "tap1")]))
        snapshot.insert(.example(2, named: "db", interfaces: [interface(0xB, "tap1")]))
        snapshot.remove(.example(1))
        #expect(try match(0xB, at: "tap1", in: snapshot) == "db 0")
        snapshot.remove(.example(2))
        #expect(snapshot.claim(onPort: "tap1", of: "br0", since: nil).owner == nil)
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

    @Test func `a bridge has its enabled domains while they run and are enabled, on this host`() throws {
        func web(_ enablement: Enablement?, _ bridges: String?...) -> Instance {
            let cards = bridges.enumerated().map { NetworkInterface.example(UInt64(0x10 + $0), bridge: $1) }
            return .example(1, named: "web", interfaces: cards, enabledBy: enablement)
        }
        func mail(on bridge: String) -> Instance {
            .example(2, named: "mail", interfaces: [.example(0x20, bridge: bridge)], enabledBy: .instanceElement)
        }
        var snapshot = Snapshot()
        snapshot.insert(web(nil, "br0"))
        snapshot.insert(mail(on: "br7"), on: HostNumber(1))
        #expect(snapshot.enabledBridges.isEmpty && snapshot.enabledDomain(on: "br0") == nil)
        // Two cards on one bridge are one domain.
        snapshot.insert(web(.smbiosIdentity("ec2"), "br0", "br0", "br1", nil))
        #expect(snapshot.enabledBridges.sorted() == ["br0", "br1"] && snapshot.enabledDomainCount(on: "br0") == 1)
        #expect(snapshot.enabledDomain(on: "br1")?.enabledBy == .smbiosIdentity("ec2"))
        snapshot.insert(mail(on: "br0"))
        #expect(snapshot.enabledDomainCount(on: "br0") == 2)
        for domain in [InstanceUUID.example(1), .example(2)] {
            #expect(snapshot.enabledDomain(on: "br0", preferring: domain)?.domain == domain)
        }
        #expect(snapshot.enabledDomain(on: "br0", preferring: .example(9)) != nil)
        snapshot.insert(web(nil, "br0", "br1"))
        #expect(snapshot.enabledBridges == ["br0"] && snapshot.enabledDomain(on: "br0")?.domainName == "mail")
        snapshot.remove(.example(2))
        #expect(snapshot.enabledBridges.isEmpty)
    }

    @Test func `a claim counts if every claimant was read after the link was first seen`() throws {
        let seen = ContinuousClock.now
        let (before, after) = (seen - .seconds(1), seen + .seconds(1))
        var snapshot = Snapshot()
        let (web, thief) = (
            Instance.example(1, named: "web", interfaces: [interface(0xA, "tap1")]),
            Instance.example(2, named: "thief", interfaces: [interface(0xA, "tap1")])
        )
        func match() -> Result<String, MatchFailure> {
            let client = Client(address: IPAddress(v4: 1), mac: Self.macA, entrance: .port("tap1", bridge: "br0", since: seen))
            return snapshot.match(client).map(\.instance.name)
        }
        snapshot.insert(web, readAt: before)
        #expect(match() == .failure(.unreadPort("tap1", ["web"])))
        #expect(snapshot.claim(onPort: "tap1", of: "br0", since: seen).unread.map(\.instance.name) == ["web"])
        #expect(snapshot.claim(onPort: "tap1", of: "br0", since: nil).owner?.instance.name == "web", "the link was there first")
        snapshot.confirm(.example(1), readAt: seen)
        #expect(match() == .failure(.unreadPort("tap1", ["web"])), "the read may have begun before")
        // The other may have stopped since, or be the one whose tap it is.
        snapshot.insert(thief, readAt: after)
        #expect(match() == .failure(.unreadPort("tap1", ["web"])))
        snapshot.confirm(.example(1), readAt: after)
        #expect(match() == .failure(.contestedPort("tap1", ["web", "thief"])))
        snapshot.remove(.example(1))
        #expect(match() == .success("thief"))
    }

    @Test func `a read on another host says nothing about this host's links`() {
        let seen = ContinuousClock.now
        var snapshot = Snapshot()
        let web = Instance.example(1, named: "web", interfaces: [interface(0xA, "tap1")])
        snapshot.insert(web, readAt: seen - .seconds(1))
        snapshot.insert(web, on: HostNumber(1), readAt: seen + .seconds(1))
        snapshot.confirm(.example(1), on: HostNumber(1), readAt: seen + .seconds(2))
        #expect(!snapshot.claim(onPort: "tap1", of: "br0", since: seen).unread.isEmpty)
        snapshot.confirm(.example(1), readAt: seen + .seconds(1))
        #expect(snapshot.claim(onPort: "tap1", of: "br0", since: seen).owner != nil)
    }
}

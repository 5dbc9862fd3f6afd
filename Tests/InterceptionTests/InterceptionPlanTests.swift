import Common
import Guests
import Testing

@testable import Interception
@testable import Netlink

/// Plans from the facts of a host and its domains, without a kernel.
struct InterceptionPlanTests {
    private typealias Examples = InterceptionExamples

    /// The inputs of a plan; each test changes some.
    private struct Situation {
        var settings = InterceptionSettings()
        var links: [Link] = [Examples.bridge()]
        var addresses: [LinkAddress] = []
        var snapshot = Examples.snapshot()
        var hostUse: String?
        var ipv6 = HostFacts.IPv6.enabled
        var served: [String: ServedBridge] = [:]
        var installed = InstalledState()
        var closed: [String: ContinuousClock.Instant] = [:]
        /// What was seen before.
        var sightings = LinkSightings()
        var now = ContinuousClock.now

        init() { settings.selection.bridges = ["br0"] }

        var plan: InterceptionPlan {
            var network = HostNetwork(links: links, addresses: addresses)
            network.follow(sightings, at: now)
            let facts = HostFacts(
                network: network, hostUse: hostUse,
                ipv6: Dictionary(links.map { ($0.name, ipv6) }, uniquingKeysWith: { first, _ in first }))
            return InterceptionPlan(settings, facts, snapshot, served: served, installed: installed, closed: closed, now: now)
        }

        /// The same once the plan has been executed, with sockets on the next numbers.
        mutating func carryOut() {
            let plan = plan
            for name in plan.gone { served[name] = nil }
            for bridge in plan.started { served[bridge.link.name] = bridge }
            for step in plan.bridges { served[step.link.name]?.carryOut(step, now: now) }
            for (name, bridge) in served {
                addresses.removeAll { $0.interface == bridge.link.index && MetadataAddress.all.contains($0.address) }
                for address in served[name]?.addresses ?? [] {
                    addresses.append(LinkAddress(address, prefixLength: 32, interface: bridge.link.index))
                }
            }
        }
    }

    // MARK: Bridges

    @Test func `a new bridge gets the addresses and is answered by them`() throws {
        let plan = Situation().plan
        #expect(plan.started.map(\.link.name) == ["br0"])
        #expect(plan.started.map(\.mode) == [.address])
        let bridge = try #require(plan.bridges.first)
        #expect(bridge.addresses == MetadataAddress.all.map { BridgePlan.Address(address: $0, step: .add) })
        #expect(bridge.answered == MetadataAddress.all.map { AnsweredAddress(metadata: $0, host: $0) })
        #expect(bridge.endpoints.isEmpty && bridge.removed.isEmpty)
    }

    @Test func `an up-to-date bridge needs nothing`() throws {
        var situation = Situation()
        situation.links.append(Examples.tap("tap1", 11))
        situation.carryOut()
        let plan = situation.plan
        #expect(plan.started.isEmpty && plan.gone.isEmpty)
        let bridge = try #require(plan.bridges.first)
        #expect(bridge.addresses.allSatisfy { $0.step == .keep } && bridge.addresses.count == 3)
        let ports = try #require(bridge.ports)
        #expect(ports.opened.isEmpty && ports.ended.isEmpty && ports.unwanted.isEmpty && ports.inherited.isEmpty)
    }

    @Test(arguments: [
        (InterceptionMode.auto, nil as String?, BridgeMode.address),
        (.auto, "port 80 is held", .redirect(reason: "port 80 is held")),
        (.bridge, nil, .address), (.bridge, "port 80 is held", .redirect(reason: "port 80 is held")),
        (.address, "port 80 is held", .address), (.redirect, nil, .redirect(reason: "--intercept redirect")),
    ])
    func `a bridge's mode follows from the setting and the host's own use of the addresses`(
        asked: InterceptionMode, hostUse: String?, mode: BridgeMode
    ) {
        var situation = Situation()
        (situation.settings.mode, situation.hostUse) = (asked, hostUse)
        #expect(situation.plan.started.map(\.mode) == [mode])
    }

    @Test func `a served bridge keeps its mode`() {
        var situation = Situation()
        situation.carryOut()
        situation.hostUse = "port 80 is held"
        let plan = situation.plan
        #expect(plan.started.isEmpty && plan.bridges.first?.answered.count == 3)
    }

    @Test func `a recreated bridge starts again`() {
        var situation = Situation()
        situation.carryOut()
        situation.links = [Examples.bridge("br0", 8)]
        #expect(situation.plan.gone == ["br0"])
        #expect(situation.plan.started.map(\.link.index) == [8])
        situation.links = []
        #expect(situation.plan.gone == ["br0"] && situation.plan.started.isEmpty && situation.plan.bridges.isEmpty)
        #expect(situation.plan.notes.contains(.bridgesMissing([.init(name: "br0", source: .option)])))
    }

    @Test func `a link that only a domain names is served only if it is a bridge`() {
        var situation = Situation()
        situation.settings.selection = BridgeSelection(servesAll: true)
        situation.snapshot = Examples.snapshot(Examples.instance(1, "web", .init(1, tap: "tap1", on: "eth0")))
        situation.links = [Examples.link("eth0", 2, nil)]
        #expect(situation.plan.started.isEmpty && situation.plan.notes.contains(.notABridge("eth0")))
        situation.settings.selection = BridgeSelection()
        situation.snapshot = Examples.snapshot(Examples.enabled(1, "web", .init(1, tap: "tap1", on: "eth0")))
        #expect(situation.plan.started.isEmpty && situation.plan.notes.contains(.notABridge("eth0")), "enabled or not")
        situation.settings.selection.bridges = ["eth0"]
        #expect(situation.plan.started.map(\.link.name) == ["eth0"])
        situation.settings.selection.bridges = []
        situation.links = [Examples.link("eth0", 2, "openvswitch")]
        #expect(situation.plan.started.map(\.hasPorts) == [false])
    }

    // MARK: Enabled domains

    @Test func `without a setting a bridge is served while an enabled domain runs on it`() {
        var situation = Situation()
        situation.settings.selection = BridgeSelection()
        let (bare, web) = (Examples.instance(1, "bare", .init(1, tap: "tap1")), Examples.enabled(2, "web", .init(2, tap: "tap2")))
        situation.links += [Examples.tap("tap1", 11), Examples.tap("tap2", 12)]
        situation.snapshot = Examples.snapshot(bare)
        #expect(situation.plan == InterceptionPlan.nothing)
        situation.snapshot.insert(web)
        #expect(situation.plan.started.map(\.source) == [.enabledDomain(web.domain, name: "web", .instanceElement)])
        situation.carryOut()
        // The domain that is not enabled has a socket too.
        #expect(situation.served["br0"]?.listeners[Self.key(11, 1)] != nil)
        situation.snapshot.remove(web.domain)
        let plan = situation.plan
        #expect(plan.ended == ["br0"] && plan.bridges.isEmpty && plan.opened.isEmpty && plan.gone.isEmpty)
    }

    @Test func `a bridge is opened when it has been closed for long enough, and all domains are read`() {
        var situation = Situation()
        situation.settings.selection = BridgeSelection()
        situation.snapshot = Examples.snapshot(isComplete: false)
        situation.installed.bridges = ["br0", "br9"]
        situation.installed.addresses = [.init(bridge: .init(name: "br5", index: 5), address: MetadataAddress.v4)]
        situation.closed = ["br0": situation.now + .seconds(1)]
        #expect(situation.plan.opened == [], "a domain that is not read yet may be enabled")
        situation.snapshot.isLocalComplete = true
        #expect(situation.plan.opened == ["br5", "br9"])
        situation.now += .seconds(1)
        #expect(situation.plan.opened == ["br0", "br5", "br9"])
        situation.snapshot.insert(Examples.enabled(2, "web", .init(2, tap: "tap2")))
        #expect(situation.plan.opened == ["br5", "br9"] && situation.plan.started.map(\.link.name) == ["br0"])
    }

    @Test(arguments: [BridgeSelection(servesAll: true), BridgeSelection(bridges: ["br7"])])
    func `with a setting no bridge is released`(selection: BridgeSelection) {
        var situation = Situation()
        situation.snapshot = Examples.snapshot(Examples.enabled(2, "web", .init(2, tap: "tap2")))
        situation.carryOut()
        situation.installed.bridges = ["br0", "br9"]
        situation.settings.selection = selection
        situation.snapshot = Examples.snapshot()
        #expect(situation.plan.ended == [] && situation.plan.opened == [] && situation.plan.bridges.map(\.link.name) == ["br0"])
    }

    // MARK: Networks

    @Test func `missing networks are logged once all domains are read`() {
        var situation = Situation()
        situation.settings.selection.networks = ["lab"]
        #expect(situation.plan.notes.first == .networksMissing(["lab"]))
        situation.snapshot.isLocalComplete = false
        #expect(!situation.plan.notes.contains(.networksMissing(["lab"])))
    }

    // MARK: Addresses

    @Test func `without IPv6 a bridge has only the IPv4 address`() throws {
        var situation = Situation()
        situation.ipv6 = .disabled
        let bridge = try #require(situation.plan.bridges.first)
        #expect(bridge.addresses.map(\.address) == [MetadataAddress.v4] && bridge.notes == [.ipv6Disabled(on: "br0")])
        situation.ipv6 = .unknown("no answer")
        #expect(situation.plan.bridges.first?.notes == [.ipv6Unknown(on: "br0", "no answer")])
    }

    @Test func `a removed address is added again, at most every ten seconds`() throws {
        var situation = Situation()
        situation.ipv6 = .disabled
        situation.carryOut()
        situation.addresses = []
        #expect(situation.plan.bridges.first?.addresses == [.init(address: MetadataAddress.v4, step: .restore)])
        situation.carryOut()
        situation.addresses = []
        situation.now += .seconds(9)
        #expect(situation.plan.bridges.first?.addresses == [])
        #expect(situation.plan.bridges.first?.answered == [])
        #expect(situation.plan.bridges.first?.nextRestoration == .seconds(1))
        situation.now += .seconds(1)
        #expect(situation.plan.bridges.first?.addresses == [.init(address: MetadataAddress.v4, step: .restore)])
        #expect(situation.plan.bridges.first?.nextRestoration == nil)
    }

    @Test func `a redirected bridge answers by its own addresses, one for each metadata address`() throws {
        var situation = Situation()
        situation.hostUse = "port 80 is held"
        let metadata = LinkAddress(MetadataAddress.v4, prefixLength: 32, interface: 7)
        let own = ["192.0.2.1", "fe80::1", "2001:db8::1"].compactMap { IPAddress($0) }.map {
            LinkAddress($0, prefixLength: 24, interface: 7)
        }
        situation.addresses = [metadata] + own
        let recorded = InstalledState.Bridge(name: "br0", index: 7)
        let other = InstalledState.Bridge(name: "br0", index: 6)
        situation.installed.addresses = [
            .init(bridge: recorded, address: MetadataAddress.v4), .init(bridge: other, address: MetadataAddress.v4),
        ]
        let bridge = try #require(situation.plan.bridges.first)
        #expect(bridge.removed == [.init(bridge: recorded, address: MetadataAddress.v4)] && bridge.addresses.isEmpty)
        #expect(bridge.answered.map(\.metadata) == MetadataAddress.all)
        #expect(bridge.answered.map(\.host) == own.map(\.address))
        #expect(bridge.notes == [.canRedirect("br0")])
    }

    @Test func `a bridge without an IPv4 address of its own cannot be redirected`() throws {
        var situation = Situation()
        situation.settings.mode = .redirect
        situation.addresses = [LinkAddress(MetadataAddress.v4, prefixLength: 32, interface: 7)]
        let bridge = try #require(situation.plan.bridges.first)
        #expect(bridge.answered.isEmpty)
        let advice = "--intercept redirect, so packets must be redirected, which needs an IPv4 address on the bridge"
        #expect(bridge.notes == [.cannotRedirect("br0", advice)])
    }

    @Test func `a link without distinguished ports has sockets at its addresses, and is not redirected`() throws {
        var situation = Situation()
        situation.links = [Examples.link("br0", 7, "openvswitch")]
        let bridge = try #require(situation.plan.bridges.first)
        #expect(bridge.ports == nil)
        #expect(bridge.endpoints == MetadataAddress.all.map { .init(address: $0, port: 80) })
        situation.carryOut()
        #expect(situation.plan.bridges.first?.endpoints == [])
        situation.served = [:]
        situation.hostUse = "port 80 is held"
        #expect(
            situation.plan.bridges.first?.notes
                == [.cannotRedirect("br0", "port 80 is held, and packets can be redirected on kernel bridges only")])
    }

    @Test func `an earlier version's bridge option is restored`() {
        var situation = Situation()
        #expect(situation.plan.bridges.first?.restoresLearning == false)
        situation.installed.learning = [.init(name: "br0", index: 7)]
        #expect(situation.plan.bridges.first?.restoresLearning == true)
        situation.installed.learning = [.init(name: "br0", index: 6)]
        #expect(situation.plan.bridges.first?.restoresLearning == false)
    }

    // MARK: Sockets

    private static func key(_ index: Int32, _ mac: UInt64?) -> ServedBridge.PortKey {
        ServedBridge.PortKey(index: index, mac: mac.map { MACAddress(bits: $0) })
    }

    private func ports(_ situation: Situation, _ bridge: String = "br0") throws -> PortsPlan {
        let plan = try #require(situation.plan.bridges.first { $0.link.name == bridge })
        return try #require(plan.ports)
    }

    @Test func `a guest's port has a socket for its card and one for any other address, an uplink none`() throws {
        var situation = Situation()
        situation.links += [Examples.tap("tap1", 11), Examples.tap("tap2", 12), Examples.link("eth0", 2, nil, in: 7)]
        situation.links.append(Examples.link("veth3", 13, "veth", in: 7))
        situation.snapshot = Examples.snapshot(
            Examples.instance(1, "web", .init(1, tap: "tap1")), Examples.instance(3, "veth", .init(3, tap: "veth3")))
        let ports = try ports(situation)
        #expect(
            ports.opened.map(\.key) == [
                Self.key(11, 1), Self.key(11, nil), Self.key(12, nil), Self.key(13, 3), Self.key(13, nil),
            ])
        #expect(ports.opened.map(\.port) == ["tap1", "tap1", "tap2", "veth3", "veth3"])
        #expect(ports.notes.isEmpty)
    }

    @Test func `a newly known domain inherits its guest's socket`() throws {
        var situation = Situation()
        situation.links.append(Examples.tap("tap1", 11))
        situation.carryOut()
        let number = try #require(situation.served["br0"]?.listeners[Self.key(11, nil)])
        situation.snapshot = Examples.snapshot(Examples.instance(1, "web", .init(1, tap: "tap1")))
        let ports = try ports(situation)
        #expect(ports.inherited == [Self.key(11, 1)] && ports.ended.isEmpty && ports.unwanted.isEmpty)
        #expect(ports.opened.map(\.key) == [Self.key(11, nil)])
        situation.carryOut()
        #expect(situation.served["br0"]?.listeners[Self.key(11, 1)] == number)
        #expect(situation.served["br0"]?.listeners.count == 2)
    }

    @Test func `a port of another run loses its sockets, and gets others`() throws {
        var situation = Situation()
        situation.links += [Examples.tap("tap1", 11), Examples.tap("tap2", 12)]
        let web = Examples.instance(1, "web", .init(1, tap: "tap1"))
        situation.snapshot = Examples.snapshot(Examples.instance(2, "other", .init(2, tap: "tap2")), web)
        situation.carryOut()
        // Another domain with the same card; the first one once more; and another run of it.
        let next = [Examples.instance(3, "next", .init(1, tap: "tap1")), web, web]
        for (before, after) in zip([web] + next, next) {
            situation.snapshot.remove(before.domain)
            situation.snapshot.insert(after)
            let ports = try ports(situation)
            #expect(ports.ended == [Self.key(11, 1), Self.key(11, nil)])
            #expect(ports.opened.map(\.key) == [Self.key(11, 1), Self.key(11, nil)] && ports.inherited.isEmpty)
            situation.carryOut()
        }
        situation.snapshot.remove(web.domain)
        let ports = try ports(situation)
        #expect(ports.ended == [Self.key(11, 1), Self.key(11, nil)] && ports.opened.map(\.key) == [Self.key(11, nil)])
    }

    @Test func `a removed port's sockets are closed`() throws {
        var situation = Situation()
        situation.links += [Examples.tap("tap1", 11), Examples.tap("tap2", 12)]
        situation.carryOut()
        situation.links.removeLast()
        let ports = try ports(situation)
        #expect(ports.unwanted == [Self.key(12, nil)] && ports.opened.isEmpty && ports.ended.isEmpty)
    }

    @Test func `a port that two domains claim has sockets, and no run`() throws {
        var situation = Situation()
        situation.links.append(Examples.tap("tap1", 11))
        situation.snapshot = Examples.snapshot(
            Examples.instance(1, "web", .init(1, tap: "tap1")), Examples.instance(2, "claims-it-too", .init(2, tap: "tap1")))
        let ports = try ports(situation)
        #expect(ports.tenancies[11]?.run == nil && ports.opened.count == 3)
    }

    @Test(arguments: [nil, "bond", "vlan", "team"])
    func `an uplink stays one, whichever domain names it as its tap`(kind: String?) throws {
        var situation = Situation()
        situation.links.append(Examples.link("eth0", 2, kind, in: 7))
        situation.snapshot = Examples.snapshot(Examples.instance(1, "claims", .init(1, tap: "eth0")))
        let ports = try ports(situation)
        #expect(ports.opened.isEmpty && ports.tenancies.isEmpty)
    }

    // MARK: Ports that are newer than what is known of their domains

    private static func situation(tapSeenAfter delay: Duration) -> Situation {
        var situation = Situation()
        situation.links.append(Examples.tap("tap1", 11))
        situation.sightings.look(at: [], situation.now)
        situation.snapshot.insert(Examples.instance(1, "web", .init(1, tap: "tap1")), readAt: situation.now - delay)
        return situation
    }

    @Test func `a port that is newer than the read of its domain has a socket for anyone, and the domain is to be read again`()
        throws
    {
        var situation = Self.situation(tapSeenAfter: .seconds(1))
        let web = Examples.instance(1, "web", .init(1, tap: "tap1")).domain
        let ports = try ports(situation)
        #expect(ports.opened == [.init(key: Self.key(11, nil), port: "tap1", since: situation.now)])
        #expect(ports.unread == [web: situation.now] && situation.plan.unread == [web: situation.now])
        situation.carryOut()
        // The domain was read again, and has not changed.
        situation.sightings.look(at: situation.links.dropFirst(), situation.now)
        situation.snapshot.confirm(web, readAt: situation.now + .seconds(1))
        let next = try self.ports(situation)
        #expect(next.inherited == [Self.key(11, 1)] && next.ended.isEmpty && next.unread.isEmpty)
    }

    @Test func `a port whose domain was read since is served at once`() throws {
        let ports = try ports(Self.situation(tapSeenAfter: .seconds(-1)))
        #expect(ports.opened.map(\.key) == [Self.key(11, 1), Self.key(11, nil)] && ports.unread.isEmpty)
    }

    @Test func `a veth that an unread domain names is a guest's port, and no uplink`() throws {
        var situation = Self.situation(tapSeenAfter: .seconds(1))
        situation.links[1] = Examples.link("tap1", 11, "veth", in: 7)
        #expect(try ports(situation).opened.map(\.key) == [Self.key(11, nil)])
    }

    @Test func `a tap that stays while one program after the other opens it is a new port each time`() throws {
        var situation = Self.situation(tapSeenAfter: .seconds(-1))
        situation.carryOut()
        situation.sightings.look(at: situation.links.dropFirst(), situation.now)
        situation.now += .seconds(2)
        #expect(try ports(situation).ended.isEmpty)
        situation.links[1].carrierUps = 1
        let ports = try ports(situation)
        #expect(ports.ended == [Self.key(11, 1), Self.key(11, nil)] && ports.opened.map(\.key) == [Self.key(11, nil)])
        #expect(ports.unread.count == 1)
    }

    @Test func `the sockets of a tap that stays know how often it was opened, also where it has only come to stay`() throws {
        var situation = Self.situation(tapSeenAfter: .seconds(-1))
        situation.carryOut()
        situation.sightings.look(at: situation.links.dropFirst(), situation.now)
        situation.links[1].isPersistent = true
        let ports = try ports(situation)
        #expect(ports.ended == [Self.key(11, 1), Self.key(11, nil)])
        let openings = try #require(TapOpenings(of: situation.links[1]))
        #expect(ports.opened.map(\.key) == [Self.key(11, 1), Self.key(11, nil)])
        #expect(ports.opened.allSatisfy { $0.openings == openings })
    }

    @Test
    func `a program that opens another queue of a tap makes it a new port, which nobody owns beyond the queues of the domain`()
        throws
    {
        var situation = Self.situation(tapSeenAfter: .seconds(-1))
        situation.carryOut()
        situation.sightings.look(at: situation.links.dropFirst(), situation.now)
        situation.now += .seconds(2)
        situation.links[1].queues = 2
        let changed = try ports(situation)
        #expect(changed.ended == [Self.key(11, 1), Self.key(11, nil)] && changed.unread.count == 1)
        situation.carryOut()
        situation.sightings.look(at: situation.links.dropFirst(), situation.now)
        let web = Examples.instance(1, "web", .init(1, tap: "tap1")).domain
        situation.snapshot.confirm(web, readAt: situation.now + .seconds(1))
        let next = try ports(situation)
        #expect(next.tenancies.values.map(\.run) == [nil])
    }

    @Test func `a bridge that can serve nobody gets its mode anew when the host's own use has ended`() throws {
        var situation = Situation()
        situation.hostUse = "the host itself has 169.254.169.254 on vx"
        situation.carryOut()
        #expect(situation.served["br0"]?.answered == [] && situation.plan.started.map(\.link.name) == ["br0"])
        situation.hostUse = nil
        situation.carryOut()
        #expect(situation.served["br0"]?.mode == .address && situation.served["br0"]?.answered.isEmpty == false)
        #expect(situation.plan.started.isEmpty)
    }

    @Test func `a port that is renamed, or made again with its index, loses even its sockets for anyone`() throws {
        for next in [Examples.tap("tap2", 11), Examples.link("tap1", 11, "veth", in: 7)] {
            var situation = Self.situation(tapSeenAfter: .seconds(1))
            situation.carryOut()
            situation.sightings.look(at: situation.links.dropFirst(), situation.now)
            situation.snapshot.insert(Examples.instance(2, "other", .init(2, tap: "tap2")), readAt: situation.now)
            situation.now += .seconds(1)
            situation.links[1] = next
            let ports = try ports(situation)
            #expect(ports.ended == [Self.key(11, nil)])
            #expect(ports.opened == [.init(key: Self.key(11, nil), port: next.name, since: situation.now)])
        }
    }

    @Test func `a port that no rule can name is logged, and not served`() throws {
        var situation = Situation()
        situation.links.append(Examples.tap("tap*", 11))
        let ports = try ports(situation)
        #expect(ports.opened.isEmpty && ports.notes == [.portUnnamable("tap*", on: "br0")])
        #expect(ports.unguardable.map(\.index) == [11])
        // An uplink is the operator's, and what is down sends nothing.
        situation.links[situation.links.count - 1] = Examples.link("eth*", 11, nil, in: 7)
        #expect(try self.ports(situation).unguardable.isEmpty)
        situation.links[situation.links.count - 1] =
            Link(name: "tap*", index: 11, kind: "tun", master: 7, mac: nil, isUp: false)
        #expect(try self.ports(situation).unguardable.isEmpty)
    }

    @Test func `one domain has at most sixty-four sockets on a bridge`() throws {
        var situation = Situation()
        // Each of the type ethernet, which is behind no port but its own.
        let cards = (1...40).map { Examples.Card(UInt64($0), tap: "tap\($0)", on: nil) }
        situation.links += (1...40).map { Examples.tap("tap\($0)", 10 + $0) }
        situation.snapshot = Examples.snapshot(Examples.instance(1, "greedy", cards))
        let ports = try ports(situation)
        #expect(ports.opened.count == PortsPlan.mostSocketsOfDomain)
        #expect(ports.notes.contains(.tooManyPorts(of: "greedy", on: "br0")))
    }

    @Test func `the additional cards of bonds have at most half of the numbers, over all bridges`() throws {
        var situation = Situation()
        situation.settings.listenerPorts = 61000...61019
        situation.settings.selection.bridges = ["br0", "br1"]
        situation.links = [Examples.bridge(), Examples.bridge("br1", 8)]
        var snapshot = Snapshot()
        for number in 1...4 {
            let bridge = number <= 2 ? "br0" : "br1"
            let cards = (0..<4).map { Examples.Card(UInt64(10 * number + $0), tap: $0 == 0 ? "tap\(number)" : nil, on: bridge) }
            snapshot.insert(Examples.instance(number, "bond\(number)", cards))
            situation.links.append(Examples.tap("tap\(number)", 10 + Int32(number), in: number <= 2 ? 7 : 8))
        }
        situation.snapshot = snapshot
        // Two bonds have five sockets each; then half are used, and the others' cards and any other address still have theirs.
        #expect(try ports(situation, "br0").opened.count == 10)
        let late = [Self.key(13, 30), Self.key(13, nil), Self.key(14, 40), Self.key(14, nil)]
        #expect(try ports(situation, "br1").opened.map(\.key) == late)
        situation.carryOut()
        #expect(try ports(situation, "br1").opened.isEmpty, "it stays so while they are in use")
        // A number below the half is free again once the second bond has gone with its five.
        situation.links.removeAll { $0.name == "tap2" }
        #expect(try ports(situation, "br1").opened.map(\.key) == [Self.key(13, 31)])
    }
}

extension InterceptionPlan {
    /// The plan of a server that serves no bridge, and has served none.
    fileprivate static var nothing: InterceptionPlan {
        InterceptionPlan(
            InterceptionSettings(), HostFacts(network: HostNetwork(links: [], addresses: [])), InterceptionExamples.snapshot(),
            served: [:], installed: InstalledState(), now: .now)
    }
}

extension ServedBridge {
    /// The bridge once a plan has been executed, with sockets on the next numbers.
    fileprivate mutating func carryOut(_ plan: BridgePlan, now: ContinuousClock.Instant) {
        answered = plan.answered
        addresses.formUnion(plan.addresses.map(\.address))
        for address in plan.addresses where address.step == .restore { restored[address.address] = now }
        endpoints.formUnion(plan.endpoints)
        guard let ports = plan.ports else { return }
        tenancies = ports.tenancies
        for key in ports.ended.union(ports.unwanted) { listeners[key] = nil }
        for key in ports.inherited { listeners[key] = listeners.removeValue(forKey: key.forAnyMAC) }
        for opening in ports.opened { listeners[opening.key] = (listeners.values.max() ?? 60999) + 1 }
    }
}

/// The inputs of rules.
struct RuleInputsTests {
    private typealias Examples = InterceptionExamples
    private let bridge = ServedBridge(link: .init(name: "br0", index: 7), hasPorts: true, mode: .address, source: .option)

    private func inputs(
        _ mode: InterceptionMode = .auto, _ served: ServedBridge..., links: [Link] = [], snapshot: Snapshot = Examples.snapshot(),
        isEnding: Bool = false
    ) -> RuleInputs {
        RuleInputs(
            mode, Dictionary(uniqueKeysWithValues: served.map { ($0.link.name, $0) }), recorded: ["br0", "br9"],
            HostNetwork(links: [Examples.bridge()] + links, addresses: []), snapshot, isEnding: isEnding)
    }

    @Test func `all recorded bridges are closed but a link without ports that is open`() {
        #expect(inputs(.auto, bridge).closed == ["br0", "br9"])
        var whole = ServedBridge(link: .init(name: "br0", index: 7), hasPorts: false, mode: .address, source: .option)
        #expect(inputs(.auto, whole).closed == ["br0", "br9"], "nothing listens yet")
        whole.endpoints = [.init(address: MetadataAddress.v4, port: 80)]
        #expect(inputs(.auto, whole).closed == ["br9"])
        #expect(inputs(.auto, whole, isEnding: true).closed == ["br0", "br9"])
        #expect(inputs(.auto, whole).bridges.isEmpty)
    }

    @Test func `the ports of a recorded bridge have rules before it is served`() {
        let links = [Examples.tap("tap1", 11), Examples.link("eth0", 2, nil, in: 7)]
        let inputs = inputs(.auto, links: links, snapshot: Examples.snapshot(isComplete: false))
        #expect(inputs.unserved.map(\.name) == ["br0", "br9"])
        #expect(inputs.bridges.map(\.name) == ["br0"], "the other does not exist")
        #expect(inputs.bridges.first?.answered == [])
        #expect(inputs.bridges.first?.ports.map(\.isGuestPort) == [true, false])
        let rules = RuleSet(on: inputs, InterceptionSettings())
        #expect(rules.netdev.chains["request_11"]?.rules.contains { $0.contains("80 counter name not_served drop") } == true)
        #expect(rules.netdev.chains["http_11"]?.rules.contains { $0.contains("goto") } == false)
        #expect(rules.netdev.chains["uplink_2"] != nil)
    }

    @Test func `routers are beyond uplinks only, once it is known which links are uplinks`() {
        func hasRouters(_ kind: String?, isComplete: Bool) -> Bool? {
            let inputs = inputs(
                .auto, bridge, links: [Examples.link("up0", 2, kind, in: 7)], snapshot: Examples.snapshot(isComplete: isComplete))
            return inputs.bridges.first?.ports.first?.hasRouters
        }
        #expect(hasRouters(nil, isComplete: false) == true && hasRouters("bond", isComplete: false) == true)
        #expect(hasRouters("veth", isComplete: false) == false && hasRouters("veth", isComplete: true) == true)
    }

    @Test func `an address without a tap of its own is kept from nobody`() {
        let domain = Examples.instance(1, "web", .init(0x5254_0000_0001, tap: "tap1"), .init(0x5254_0000_0002))
        let inputs = inputs(.auto, bridge, links: [Examples.tap("tap1", 11)], snapshot: Examples.snapshot(domain))
        let set = RuleSet(on: inputs, InterceptionSettings()).netdev.sets["port_macs_7"]
        #expect(set?.elements == ["52:54:00:00:00:01", "\(Examples.bridgeMAC)"])
    }

    @Test func `the rules grow in proportion to the cards of a domain`() {
        func length(_ count: Int) -> Int {
            let cards = (1...count).map { Examples.Card(0x5254_0000_0000 + UInt64($0), tap: "tap\($0)") }
            let links = (1...count).map { Examples.tap("tap\($0)", Int32(10 + $0)) }
            let inputs = inputs(.auto, bridge, links: links, snapshot: Examples.snapshot(Examples.instance(1, "web", cards)))
            return RuleSet(on: inputs, InterceptionSettings()).script.utf8.count
        }
        #expect(length(200) < 5 * length(50))
    }

    @Test func `the link-local address of a bridge is not a metadata address`() {
        let addresses = [MetadataAddress.linkLocal, IPAddress("2001:db8::1"), IPAddress("fe80::1")].compactMap(\.self)
        func linkLocal(_ addresses: some Sequence<IPAddress>) -> IPAddress? {
            HostNetwork(
                links: [Examples.bridge()], addresses: addresses.map { LinkAddress($0, prefixLength: 64, interface: 7) }
            ).linkLocal(of: 7)
        }
        #expect(linkLocal(addresses) == IPAddress("fe80::1"))
        #expect(linkLocal(addresses.dropLast()) == nil)
    }

    @Test(arguments: [
        (InterceptionMode.auto, true, true, true), (.auto, true, false, false), (.auto, false, true, false),
        (.bridge, false, false, true),
        (.address, true, true, false), (.redirect, true, true, false),
    ])
    func `uplinks are isolated once all domains are read, or by the setting`(
        mode: InterceptionMode, isComplete: Bool, hasUplink: Bool, isolates: Bool
    ) {
        let links = [Examples.tap("tap1", 11)] + (hasUplink ? [Examples.link("eth0", 2, nil, in: 7)] : [])
        let inputs = inputs(mode, bridge, links: links, snapshot: Examples.snapshot(isComplete: isComplete))
        #expect(inputs.bridges.map(\.isolatesUplinks) == [isolates])
    }
}

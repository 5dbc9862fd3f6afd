import Common
import Guests
import Netlink

/// The inputs of the rules: the served bridges, their ports, and the domains of the ports.
///
/// They are compared with the previous inputs before any rule is computed: most changes of domains do not concern the ports of these bridges, and a
/// host has hundreds of ports.
struct RuleInputs: Equatable {
    /// A link whose master is the bridge.
    struct Port: Equatable {
        let name: String
        let index: Int32
        /// The link's own MAC address.
        let mac: MACAddress?
        let isTap: Bool
        /// How often it had been opened; `nil` where each opening makes another link.
        var openings: TapOpenings?
        /// Whether routers may be beyond it, unless a guest is behind it: until all domains are known, a guest may turn out to be behind any link
        /// that can be a tap.
        let hasRouters: Bool
        /// Whether running domains name it as the tap of an interface, but have not been read since it was first seen.
        var isAwaited = false
        /// The running domains with an interface whose tap it is: usually one, none where the domain is not known yet.
        let claimants: [Instance]
        let listeners: [RuleSet.Listener]

        /// Whether a guest is behind it, or will be. Any other port is an uplink.
        var isGuestPort: Bool { isTap || isAwaited || !claimants.isEmpty }

        // An instance is immutable: a change of its domain creates another.
        static func == (left: Port, right: Port) -> Bool {
            left.index == right.index && left.name == right.name && left.mac == right.mac && left.isTap == right.isTap
                && left.openings == right.openings && left.hasRouters == right.hasRouters
                && left.isAwaited == right.isAwaited && left.listeners == right.listeners
                && left.claimants.elementsEqual(right.claimants) { $0 === $1 }
        }
    }

    /// A bridge whose ports have rules: it is served, or closed.
    struct Bridge: Equatable {
        let name: String
        let index: Int32
        let mac: MACAddress?
        let hasSpanningTree: Bool
        /// Its own link-local address.
        let linkLocal: IPAddress?
        let answered: [AnsweredAddress]
        /// Whether ARP and neighbour discovery for the metadata addresses are kept from its uplinks.
        let isolatesUplinks: Bool
        let ports: [Port]
    }

    /// A closed bridge, whose ports have no sockets yet.
    struct UnservedBridge: Equatable {
        let name: String
        /// `nil` where there is no such link.
        let index: Int32?
    }

    /// The bridges from which requests to metadata addresses are otherwise dropped: all that are served by port, and those that are not open.
    var closed: Set<String> = []
    /// Those of them whose ports have no sockets yet, by name.
    var unserved: [UnservedBridge] = []
    /// The bridges that are served by port, and those of ``unserved`` that exist: until it is known who is behind their ports, nothing is answered
    /// there, and no guest can answer either.
    var bridges: [Bridge] = []
    var isEnding = false
}

extension RuleInputs {
    /// The inputs at one moment.
    ///
    /// - Parameter recorded: the bridges of the record: those that are served, and those that were and stay closed until they are served again.
    init(
        _ mode: InterceptionMode, _ served: [String: ServedBridge], recorded: Set<String>, _ network: HostNetwork,
        _ snapshot: Snapshot,
        isEnding: Bool
    ) {
        let byPort = served.filter(\.value.hasPorts)
        let open = served.filter { !isEnding && !$0.value.hasPorts && $0.value.isOpen }.keys
        closed = recorded.subtracting(open)
        unserved = closed.subtracting(byPort.keys).sorted().map {
            UnservedBridge(name: $0, index: network.link(named: $0)?.index)
        }
        let waiting = unserved.compactMap { network.link(named: $0.name) }.filter(\.isBridge)
        bridges = byPort.map { name, bridge in
            Self.bridge(
                name, index: bridge.link.index, answered: bridge.answered, listeners: bridge.listeners, mode, network, snapshot)
        }
        bridges += waiting.map {
            Self.bridge($0.name, index: $0.index, answered: [], listeners: [:], mode, network, snapshot)
        }
        bridges.sort { $0.name < $1.name }
        self.isEnding = isEnding
    }

    private static func bridge(
        _ name: String, index: Int32, answered: [AnsweredAddress], listeners: [ServedBridge.PortKey: UInt16],
        _ mode: InterceptionMode, _ network: HostNetwork, _ snapshot: Snapshot
    ) -> Bridge {
        let link = network.link(named: name)
        let ports = ports(of: name, index: index, listeners, network, snapshot)
        return Bridge(
            name: name, index: index, mac: link?.mac, hasSpanningTree: link?.hasSpanningTree ?? false,
            linkLocal: network.linkLocal(of: index), answered: answered,
            isolatesUplinks: isolatesUplinks(mode, ports, snapshot), ports: ports)
    }

    /// The ports of a bridge, each with its sockets.
    static func ports(of bridge: ServedBridge, _ network: HostNetwork, _ snapshot: Snapshot) -> [Port] {
        ports(of: bridge.link.name, index: bridge.link.index, bridge.listeners, network, snapshot)
    }

    private static func ports(
        of bridge: String, index: Int32, _ listeners: [ServedBridge.PortKey: UInt16], _ network: HostNetwork, _ snapshot: Snapshot
    ) -> [Port] {
        let listeners = Dictionary(grouping: listeners) { $0.key.index }
        return network.ports(of: index).filter { LinkName.isQuotable($0.name) }.map { link in
            let own = listeners[link.index] ?? []
            let since = network.sightings.since(link.index)
            let claim = link.mayBeTap ? snapshot.claim(onPort: link.name, of: bridge, since: since, queues: link.queues) : .none
            return Port(
                name: link.name, index: link.index, mac: link.mac, isTap: link.isTap,
                openings: TapOpenings(of: link), hasRouters: snapshot.isLocalComplete || !link.mayBeTap,
                isAwaited: !claim.unread.isEmpty, claimants: claim.owners.map(\.instance),
                listeners: own.map { RuleSet.Listener(mac: $0.key.mac, port: $0.value) }.sorted { $0.port < $1.port })
        }
    }

    /// A port that is not a running domain's tap is an uplink; a tap without a domain will have one in a moment. Before all domains are known,
    /// any port may be a domain's.
    private static func isolatesUplinks(_ mode: InterceptionMode, _ ports: [Port], _ snapshot: Snapshot) -> Bool {
        switch mode {
        case .bridge: true
        case .auto: snapshot.isLocalComplete && ports.contains { !$0.isGuestPort }
        case .address, .redirect, .none: false
        }
    }
}

extension RuleInputs {
    /// The TCP ports of all sockets that the rules lead to.
    var listenerPorts: Set<UInt16> { Set(bridges.lazy.flatMap(\.ports).flatMap(\.listeners).map(\.port)) }
}

extension RuleInputs.Port {
    /// The most MAC addresses of its domain that a port has sockets for: enough for a bond of four cards. Other addresses share one socket.
    private static let mostAddresses = 4

    /// The MAC addresses of its domains on a bridge.
    func macs(on bridge: String) -> [MACAddress] {
        var seen: Set<MACAddress> = []
        return claimants.flatMap(\.interfaces).filter { $0.isBehind(name, of: bridge) }.map(\.mac).filter {
            seen.insert($0).inserted
        }
    }

    /// The MAC addresses of the cards whose tap it is.
    var ownMACs: Set<MACAddress> { Set(claimants.flatMap(\.interfaces).filter { $0.tap == name }.map(\.mac)) }

    /// The MAC addresses of its sockets, its own first; `nil` stands for any other address.
    func listenedFor(on bridge: String) -> [MACAddress?] {
        let (all, own) = (macs(on: bridge), ownMACs)
        let first = all.filter(own.contains) + all.filter { !own.contains($0) }
        return first.prefix(Self.mostAddresses).map { $0 } + [nil]
    }
}

extension RuleSet {
    /// The rules for these inputs.
    init(on inputs: RuleInputs, _ settings: InterceptionSettings, marks: PacketMarks = .ofThisProcess) {
        self.init(marks: marks)
        closeHost(
            inputs.closed.sorted(), unserved: inputs.unserved.map(\.name),
            guarded: settings.guardsPorts ? inputs.bridges.map(\.name) : [], ports: settings.listenerPorts)
        for bridge in inputs.unserved where LinkName.isQuotable(bridge.name) {
            if let index = bridge.index { silence(bridge.name, index: index, ports: settings.listenerPorts) }
        }
        for bridge in inputs.bridges { add(bridge, settings, isEnding: inputs.isEnding) }
    }

    private mutating func add(_ bridge: RuleInputs.Bridge, _ settings: InterceptionSettings, isEnding: Bool) {
        guard let mac = bridge.mac, LinkName.isQuotable(bridge.name) else { return }
        let facts = BridgeFacts(
            index: bridge.index, name: bridge.name, mac: mac, linkLocal: bridge.linkLocal, answered: bridge.answered,
            connectionsPerSecond: settings.guardsPorts ? settings.connectionsPerSecond : nil, isEnding: isEnding,
            ports: settings.listenerPorts)
        serve(facts, isGuarded: settings.guardsPorts)
        let guests = bridge.ports.filter(\.isGuestPort)
        if settings.guardsPorts {
            guardBridge(
                facts, cards: Set(guests.flatMap(\.ownMACs)), links: Set(bridge.ports.compactMap(\.mac)),
                hasRouters: bridge.ports.contains { !$0.isGuestPort && $0.hasRouters }, hasSpanningTree: bridge.hasSpanningTree)
        }
        // Of each long list of MAC addresses, the first port that has it.
        var firsts: [[MACAddress]: Int32] = [:]
        for port in guests {
            var guest = GuestPort(
                name: port.name, index: port.index, linkMAC: port.mac ?? mac, macs: port.macs(on: bridge.name),
                listeners: port.listeners)
            if guest.macs.count > Self.mostNamedMACs {
                guest.sharedMACs = firsts[guest.macs] ?? port.index
                firsts[guest.macs] = guest.sharedMACs
            }
            serve(guest, of: facts, isGuarded: settings.guardsPorts)
        }
        for port in bridge.ports where !port.isGuestPort {
            if settings.guardsPorts || bridge.isolatesUplinks {
                guardUplink(port.name, index: port.index, of: facts, hasRouters: port.hasRouters)
            }
            if bridge.isolatesUplinks { isolateUplink(port.name, index: port.index, of: facts) }
        }
    }
}

extension Link {
    /// Whether it is a virtual machine's tap, as libvirt creates them (tun(4)).
    var isTap: Bool { kind == "tun" }

    /// Whether a domain can have it as a tap. A domain's author may name any link, also the bridge's uplink: a network card, a bond, a VLAN.
    var mayBeTap: Bool { ["tun", "veth", "macvtap"].contains(kind) }
}

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
        /// The running domains with an interface whose tap it is: usually one, none where the domain is not known yet.
        let claimants: [Instance]
        let listeners: [RuleSet.Listener]

        /// Whether a guest is behind it, or will be. Any other port is an uplink.
        var isGuestPort: Bool { isTap || !claimants.isEmpty }

        // An instance is immutable: a change of its domain creates another.
        static func == (left: Port, right: Port) -> Bool {
            left.index == right.index && left.name == right.name && left.mac == right.mac && left.isTap == right.isTap
                && left.listeners == right.listeners
                && left.claimants.elementsEqual(right.claimants) { $0 === $1 }
        }
    }

    /// A bridge that is served.
    struct Bridge: Equatable {
        let name: String
        let index: Int32
        let mac: MACAddress?
        let hasSpanningTree: Bool
        let answered: [AnsweredAddress]
        /// Whether ARP and neighbour discovery for the metadata addresses are kept from its uplinks.
        let isolatesUplinks: Bool
        let ports: [Port]
    }

    /// The bridges from which requests to metadata addresses are otherwise dropped: all that are served by port, and those that are not open.
    var closed: Set<String> = []
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
        bridges = served.sorted { $0.key < $1.key }.filter(\.value.hasPorts).map { name, bridge in
            let link = network.link(named: name)
            let ports = Self.ports(of: bridge, network, snapshot)
            return Bridge(
                name: name, index: bridge.link.index, mac: link?.mac, hasSpanningTree: link?.hasSpanningTree ?? false,
                answered: bridge.answered, isolatesUplinks: Self.isolatesUplinks(mode, ports, snapshot), ports: ports)
        }
        let open = served.filter { !isEnding && !$0.value.hasPorts && $0.value.isOpen }.keys
        closed = recorded.subtracting(open)
        self.isEnding = isEnding
    }

    /// The ports of a bridge, each with its sockets.
    static func ports(of bridge: ServedBridge, _ network: HostNetwork, _ snapshot: Snapshot) -> [Port] {
        let listeners = Dictionary(grouping: bridge.listeners) { $0.key.index }
        return network.ports(of: bridge.link.index).filter { LinkName.isQuotable($0.name) }.map { link in
            let own = listeners[link.index] ?? []
            return Port(
                name: link.name, index: link.index, mac: link.mac, isTap: link.isTap,
                claimants: snapshot.claimants(ofPort: link.name, on: bridge.link.name).map(\.instance),
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
        let unserved = inputs.closed.subtracting(inputs.bridges.map(\.name))
        closeHost(inputs.closed.sorted(), unserved: unserved.sorted(), ports: settings.listenerPorts)
        for bridge in inputs.bridges { add(bridge, settings, isEnding: inputs.isEnding) }
    }

    private mutating func add(_ bridge: RuleInputs.Bridge, _ settings: InterceptionSettings, isEnding: Bool) {
        guard let mac = bridge.mac, LinkName.isQuotable(bridge.name) else { return }
        let facts = BridgeFacts(
            index: bridge.index, name: bridge.name, mac: mac, answered: bridge.answered,
            connectionsPerSecond: settings.guardsPorts ? settings.connectionsPerSecond : nil, isEnding: isEnding,
            ports: settings.listenerPorts)
        serve(facts)
        let guests = bridge.ports.filter(\.isGuestPort)
        if settings.guardsPorts {
            guardBridge(facts, macs: Set(guests.flatMap { $0.macs(on: bridge.name) }), hasSpanningTree: bridge.hasSpanningTree)
        }
        for port in guests {
            let guest = GuestPort(
                name: port.name, index: port.index, linkMAC: port.mac ?? mac, macs: port.macs(on: bridge.name),
                listeners: port.listeners)
            serve(guest, of: facts, isGuarded: settings.guardsPorts)
        }
        for port in bridge.ports where !port.isGuestPort {
            if settings.guardsPorts || bridge.isolatesUplinks { guardUplink(port.name, index: port.index, of: facts) }
            if bridge.isolatesUplinks { isolateUplink(port.name, index: port.index) }
        }
    }
}

extension Link {
    /// Whether it is a virtual machine's tap, as libvirt creates them (tun(4)).
    var isTap: Bool { kind == "tun" }
}

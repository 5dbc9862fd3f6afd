import Common
import Kernel

/// What the rules follow from: the served bridges, what is plugged into them, and whose it is.
///
/// It is compared with what it was the last time before any rule is written: domains come and go all the time that have nothing to do
/// with the ports of these bridges, and a host has hundreds of those.
struct RuleGround: Equatable {
    /// A link that is plugged into a bridge.
    struct Port: Equatable {
        let name: String
        let isTap: Bool
        /// The running domain that it belongs to, if it is one's.
        let owner: Instance?

        // An instance never changes: a change of its domain makes another.
        static func == (left: Port, right: Port) -> Bool {
            left.owner === right.owner && left.name == right.name && left.isTap == right.isTap
        }
    }

    /// A bridge that is served.
    struct Bridge: Equatable {
        let name: String
        let index: Int32
        let mac: MACAddress?
        /// Where its packets are redirected to; empty where they are not.
        let redirectedTo: Set<ServedBridge.Endpoint>
        /// Whether its packets for the metadata addresses are lifted to the host.
        let lifts: Bool
        let ports: [Port]
    }

    /// The bridges whose guests may not connect at present.
    var closed: Set<String> = []
    var bridges: [Bridge] = []
}

extension Interceptor {
    /// What the rules follow from at this moment.
    func ruleGround(_ network: HostNetwork, _ snapshot: Snapshot) -> RuleGround {
        let bridges = served.sorted { $0.key < $1.key }.map { name, bridge in
            let ports = network.ports(of: bridge.place.index).map { link in
                RuleGround.Port(name: link.name, isTap: link.isTap, owner: snapshot.owner(ofPort: link.name)?.instance)
            }
            var endpoints: Set<ServedBridge.Endpoint> = []
            if case .redirect = bridge.entry { endpoints = Set(bridge.sockets.keys) }
            return RuleGround.Bridge(
                name: name, index: bridge.place.index, mac: network.link(named: name)?.mac, redirectedTo: endpoints,
                lifts: lifts(ports, snapshot), ports: ports)
        }
        let closed = file.things.bridges.filter { isEnding || served[$0]?.isOpen != true }
        return RuleGround(closed: closed, bridges: bridges)
    }

    /// A port that is no running domain's tap leads elsewhere; one that is a tap will be a domain's in a moment. Before all domains
    /// are known, any may be.
    private func lifts(_ ports: [RuleGround.Port], _ snapshot: Snapshot) -> Bool {
        switch settings.mode {
        case .bridge: true
        case .auto: snapshot.isLocalComplete && ports.contains { !$0.isTap && $0.owner == nil }
        case .address, .redirect, .none: false
        }
    }
}

extension RuleSet {
    /// The rules that follow.
    init(on ground: RuleGround, _ settings: Interceptor.Settings) {
        if settings.guardsPorts { connectionsPerSecond = settings.connectionsPerSecond }
        for bridge in ground.closed { close(bridge) }
        for bridge in ground.bridges {
            for endpoint in bridge.redirectedTo {
                redirect(bridge.name, index: bridge.index, to: endpoint.port, endpoint.address.family)
            }
            for port in bridge.ports { add(port, of: bridge, guarded: settings.guardsPorts) }
        }
    }

    private mutating func add(_ port: RuleGround.Port, of bridge: RuleGround.Bridge, guarded: Bool) {
        add(port: port.name)
        if let owner = port.owner {
            if guarded { guardPort(port.name, macs: owner.interfaces.map(\.mac)) }
            if bridge.lifts, let mac = bridge.mac { lift(port.name, to: mac) }
        } else if port.isTap {
            if guarded { guardPort(port.name, macs: []) }
        } else if bridge.lifts {
            add(uplink: port.name)
        }
    }
}

extension Link {
    /// Whether it is a virtual machine's end of a cable, as libvirt makes them (tun(4)).
    fileprivate var isTap: Bool { kind == "tun" }
}

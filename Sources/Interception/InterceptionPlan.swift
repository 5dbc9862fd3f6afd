import Common
import Guests
import Netlink

/// The steps that make the guests of all selected bridges reach the server: a value computed from the settings, the host, the domains and the
/// current state, which `Interceptor` executes in this order.
///
/// Rules are not part of it. They are computed from the state at the moment they are written (`RuleInputs`), because an address that cannot be
/// added or a socket that cannot be opened must not occur in them.
struct InterceptionPlan: Equatable {
    /// The served bridges that are gone, or were recreated under their names. Their state is removed first.
    var gone: [String] = []
    /// The served bridges that are no longer selected: their sockets are closed now, and they are opened when their connections have ended.
    var ended: [String] = []
    /// The bridges that are closed and no longer selected, from which everything is removed.
    var opened: [String] = []
    /// The bridges that are served from now on, with no addresses or sockets yet, and those that get their mode anew.
    var started: [ServedBridge] = []
    /// The plan of each served bridge, including the new ones, ordered by name.
    var bridges: [BridgePlan] = []
    /// The facts to log.
    var notes: [InterceptionNote] = []

    /// - Parameters:
    ///   - served: the bridges that are served, by name, with their current state.
    ///   - installed: the record of what is installed.
    ///   - closed: the bridges that are not served but closed, each with the time when it may be opened.
    init(
        _ settings: InterceptionSettings, _ facts: HostFacts, _ snapshot: Snapshot, served: [String: ServedBridge],
        installed: InstalledState, closed: [String: ContinuousClock.Instant] = [:], now: ContinuousClock.Instant
    ) {
        if snapshot.isLocalComplete { notes.append(.networksMissing(settings.selection.missingNetworks(in: snapshot))) }
        gone = Self.gone(from: served, facts.network)
        var kept = served.filter { !gone.contains($0.key) }
        if settings.selection.isOptIn, snapshot.isLocalComplete {
            let selected = settings.selection.bridges(in: snapshot)
            ended = kept.keys.filter { selected[$0] == nil }.sorted()
            for name in ended { kept[name] = nil }
            opened = installed.allBridges.filter {
                selected[$0] == nil && served[$0] == nil && closed[$0].map { $0 <= now } ?? true
            }
            .sorted()
        }
        let candidates = Self.candidates(settings, facts.network, snapshot, served: kept)
        notes += candidates.notes
        let mode = Self.mode(settings.mode, facts.hostUse)
        started = candidates.links.map { link, source in
            ServedBridge(link: .init(name: link.name, index: link.index), hasPorts: link.isBridge, mode: mode, source: source)
        }
        // What is the host's own use may be known better by now.
        started += kept.values.filter(\.awaitsMode).map { bridge in
            var bridge = bridge
            bridge.mode = mode
            return bridge
        }
        for bridge in started { kept[bridge.link.name] = bridge }
        var numbers = SocketNumbers(total: settings.listenerPorts.count, used: kept.values.reduce(0) { $0 + $1.listeners.count })
        bridges = kept.sorted { $0.key < $1.key }.map { _, bridge in
            BridgePlan(for: bridge, facts, snapshot, installed, &numbers, now: now)
        }
    }

    /// The domains that name a port which was first seen after they were read, with the time of that.
    var unread: [InstanceUUID: ContinuousClock.Instant] {
        bridges.compactMap(\.ports).reduce(into: [:]) { $0.merge($1.unread, uniquingKeysWith: max) }
    }

    /// The served bridges that are gone, or were recreated under their names.
    private static func gone(from served: [String: ServedBridge], _ network: HostNetwork) -> [String] {
        served.filter { network.link(named: $0.key)?.index != $0.value.link.index }.keys.sorted()
    }

    /// The bridges that are served from now on, or that get their mode anew: for these the host's own use of the metadata addresses must be known.
    static func starting(
        _ settings: InterceptionSettings, _ network: HostNetwork, _ snapshot: Snapshot, served: [String: ServedBridge]
    ) -> [Link] {
        let gone = gone(from: served, network)
        let kept = served.filter { !gone.contains($0.key) }
        let awaiting = kept.filter(\.value.awaitsMode).keys.compactMap { network.link(named: $0) }
        return candidates(settings, network, snapshot, served: kept).links.map(\.link) + awaiting
    }

    /// The kernel's link kind of an Open vSwitch bridge.
    private static let openVSwitch = "openvswitch"

    /// The selected bridges that are not served yet and can be served.
    private static func candidates(
        _ settings: InterceptionSettings, _ network: HostNetwork, _ snapshot: Snapshot, served: [String: ServedBridge]
    ) -> (links: [(link: Link, source: BridgeSelection.Source)], notes: [InterceptionNote]) {
        var links: [(link: Link, source: BridgeSelection.Source)] = []
        var notes: [InterceptionNote] = []
        var missing: [InterceptionNote.MissingBridge] = []
        for (name, source) in settings.selection.bridges(in: snapshot).sorted(by: { $0.key < $1.key }) where served[name] == nil {
            guard let link = network.link(named: name) else {
                missing.append(.init(name: name, source: source))
                continue
            }
            // A domain's author may name any link of the host.
            guard link.isBridge || link.kind == openVSwitch || source.isOperators else {
                notes.append(.notABridge(name))
                continue
            }
            links.append((link, source))
        }
        return (links, [.bridgesMissing(missing)] + notes)
    }

    private static func mode(_ mode: InterceptionMode, _ hostUse: String?) -> BridgeMode {
        switch mode {
        case .address: .address
        case .redirect: .redirect(reason: "--intercept redirect")
        case .auto, .bridge, .none: hostUse.map { .redirect(reason: $0) } ?? .address
        }
    }
}

/// How many of the numbers of `--listener-ports` have sockets, over all bridges.
struct SocketNumbers: Equatable {
    let total: Int
    var used: Int

    /// Whether an additional card of a bond may have a socket too. Half of the numbers are reserved for cards with a port of their own, and for
    /// any other MAC address of each port: the bonds of one domain's author must not use up the numbers of all.
    var hasCapacityForAdditional: Bool { used < total / 2 }
}

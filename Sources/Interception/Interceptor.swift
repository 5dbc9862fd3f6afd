package import Common
import FoundationEssentials
import Guests
package import Logging
import Netlink

/// Makes the guests of each bridge, and no other client, reach the server: reconciles addresses, rules and sockets with the current bridges, ports
/// and domains whenever `reconcile` is called.
///
/// It remembers what it did, but computes a new plan each time from the kernel's state and the snapshot; so a missed or repeated notification
/// has no lasting effect. Its calls to the kernel block, so it runs on a queue of its own.
package actor Interceptor {
    /// The interval of retries, and of reading counters.
    static let upkeepInterval = Duration.seconds(10)
    /// The interval of checking that the tables are there: without them no port is guarded, and a firewall's reload may flush them.
    static let tableInterval = Duration.seconds(1)
    /// How long a bridge that is no longer served stays closed: longer than the threads that serve guests take to reset its connections.
    static let closingTime = Duration.seconds(2)
    /// The same for a bridge that an earlier server left: longer than the kernel sends what that server's guests have not read (tcp(7),
    /// tcp_orphan_retries).
    static let earlierClosingTime = Duration.seconds(120)

    private let executor = BlockingExecutor(label: "interception")
    let settings: InterceptionSettings
    let host: any InterceptionHost
    private let board: SnapshotBoard
    private let status: BridgeStatusBoard
    var file: InstalledStateFile
    var report: InterceptionReport
    var served: [String: ServedBridge] = [:]
    /// The bridges that are closed and not served, each with the time when it may be opened.
    var closed: [String: ContinuousClock.Instant]
    /// The listening sockets of guests' ports, by their TCP ports.
    var portSockets: [UInt16: PortSocket] = [:]
    /// The listening sockets of links whose ports are not distinguished, by the name of the link.
    var linkSockets: [String: [ServedBridge.Endpoint: ListeningSocket]] = [:]
    /// The rules that the kernel has, and their inputs; `nil` where it has none, or not the right ones.
    var applied: (rules: RuleSet, inputs: RuleInputs)?
    /// The host's links and addresses as last read; `nil` where they must be read again.
    var network: HostNetwork?
    private var sightings = LinkSightings()
    /// Has domains read again, before all others.
    private let reread: @Sendable (Set<InstanceUUID>) -> Void
    private var rereads = RereadRequests()
    var isEnding = false
    /// Where the search for a free port continues.
    var nextPort: UInt16
    /// The capacity of the kernel's neighbour table. Queried once: the kernel's answer also has an entry for each link.
    private let neighbourTableSize = try? NeighbourLimits.mostEntries(.v4)

    /// The queue that all of this actor's work runs on.
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        // Safe: the executor lives as long as this actor, which holds it in a constant.
        unsafe executor.asUnownedSerialExecutor()
    }

    /// - Parameters:
    ///   - file: the record of what is installed, and the lock.
    ///   - status: where the served bridges are shown.
    ///   - reread: called with the domains to read again, because a port has appeared that may be their tap.
    package init(
        _ settings: InterceptionSettings, file: consuming InstalledStateFile, host: any InterceptionHost, board: SnapshotBoard,
        status: BridgeStatusBoard = BridgeStatusBoard(), reread: @escaping @Sendable (Set<InstanceUUID>) -> Void = { _ in },
        logger: Logger
    ) {
        (self.settings, self.host, self.board, self.status, self.reread) = (settings, host, board, status, reread)
        report = InterceptionReport(logger: logger)
        // A random port, so that it is seldom one that an earlier server's sockets still use.
        nextPort = settings.listenerPorts.randomElement() ?? settings.listenerPorts.lowerBound
        if let damage = file.damage { report.damaged(file.path, damage) }
        let opening = ContinuousClock.now + Self.earlierClosingTime
        closed = Dictionary(uniqueKeysWithValues: file.state.allBridges.map { ($0, opening) })
        self.file = file
    }

    /// Looks at the host's links before any domain is read: what is read then holds for these links.
    package func lookAtLinks() {
        do {
            network = try readNetwork()
        } catch {
            // All links are new from now on, and their domains are read again.
            sightings.look(at: [], .now)
        }
    }

    private func readNetwork() throws(KernelError) -> HostNetwork {
        var network = try host.network()
        network.follow(sightings, at: .now)
        sightings = network.sightings
        return network
    }

    /// Computes a plan and executes it. A bridge is recorded before anything is installed on it, and rules are written before the sockets that they
    /// lead to are opened.
    ///
    /// - Parameter networkChanged: whether the host's links and addresses may have changed since the last call.
    /// - Returns: after which time to call it again, whether anything has changed or not; `nil` where that is not necessary.
    @discardableResult
    func reconcile(networkChanged: Bool) async -> Duration? {
        guard !isEnding else { return nil }
        if networkChanged { self.network = nil }
        let network: HostNetwork
        do {
            network = try self.network ?? readNetwork()
        } catch {
            report.failed("read links and addresses", on: "the kernel", "\(error)")
            return nil
        }
        self.network = network
        let snapshot = board.snapshot
        let plan = InterceptionPlan(
            settings, facts(network, snapshot), snapshot, served: served, installed: file.state, closed: closed, now: .now)
        for name in plan.gone { forget(name) }
        for name in plan.ended { closeBridge(name) }
        for note in plan.notes { report.log(note) }
        for bridge in plan.started { (served[bridge.link.name], closed[bridge.link.name]) = (bridge, nil) }
        change { $0.bridges.formUnion(served.keys) }
        for name in plan.opened { openBridge(name) }
        applyRules(network, snapshot)
        for bridge in plan.bridges { await carryOut(bridge) }
        applyRules(network, snapshot)
        let due = rereads.due(plan.unread, at: .now)
        if !due.isEmpty { reread(due) }
        reportServed(snapshot)
        let delays = plan.bridges.compactMap(\.nextRestoration) + (plan.ended.isEmpty ? [] : [Self.closingTime])
        return delays.min()
    }

    /// Accepts no new connections; existing ones continue.
    func end() {
        isEnding = true
        guard let network = try? readNetwork() else { return }
        applyRules(network, board.snapshot)
    }

    /// Removes everything that is installed from the kernel.
    func release() {
        for problem in file.release(host.tables) { report.failed("remove addresses and rules", on: "the host", problem) }
        applied = nil
    }

    // MARK: Facts of the host

    private func facts(_ network: HostNetwork, _ snapshot: Snapshot) -> HostFacts {
        let starting = InterceptionPlan.starting(settings, network, snapshot, served: served)
        let names = Set(served.keys).union(starting.map(\.name))
        return HostFacts(
            network: network, hostUse: starting.isEmpty ? nil : hostUse(network, snapshot),
            ipv6: Dictionary(uniqueKeysWithValues: names.map { ($0, ipv6(of: $0)) }))
    }

    private func hostUse(_ network: HostNetwork, _ snapshot: Snapshot) -> String? {
        guard settings.mode.dependsOnHost else { return nil }
        // Whoever may define networks can give theirs any address.
        let names = Set(settings.selection.bridges(in: snapshot).keys).union(snapshot.managedBridges.values)
        let selected = Set(names.compactMap { network.link(named: $0)?.index })
        do throws(KernelError) {
            defer { report.succeeded("check how the host uses the metadata address", on: "the host") }
            // An address that the server added to a bridge is not the host's own use.
            return try host.use(except: selected.union(file.state.addresses.map(\.bridge.index)))
        } catch {
            report.failed("check how the host uses the metadata address", on: "the host", "\(error)")
            return nil
        }
    }

    private func ipv6(of bridge: String) -> HostFacts.IPv6 {
        do throws(KernelError) {
            return try host.isIPv6Disabled(onBridge: bridge) ? .disabled : .enabled
        } catch {
            return .unknown("\(error)")
        }
    }

    // MARK: Reports

    private func reportServed(_ snapshot: Snapshot) {
        let selected = settings.selection.bridges(in: snapshot)
        for (name, bridge) in served {
            let isServed = bridge.isOpen && (applied != nil || !bridge.hasPorts)
            let source = source(of: bridge, selected[name], snapshot)
            served[name]?.source = source
            served[name]?.servedSince = isServed ? bridge.servedSince ?? Date() : nil
            if isServed { report.serves(bridge, namedBy: source, isGuarded: isGuarded(bridge)) }
        }
        status.publish(
            served.values.map { bridge in
                BridgeStatus(
                    bridge, isGuarded: isGuarded(bridge), interfaces: snapshot.interfaceCount(on: bridge.link.name),
                    enabledDomains: snapshot.enabledDomainCount(on: bridge.link.name))
            })
        guard snapshot.isLocalComplete else { return }
        report.servesNothing(settings.selection.isOptIn && selected.isEmpty)
        let interfaces = served.keys.reduce(0) { $0 + snapshot.interfaceCount(on: $1) }
        guard let limit = neighbourTableSize, limit < interfaces else { return }
        report.fewNeighbours(limit, interfaces: interfaces)
    }

    /// Why a bridge is served now. Of several enabled domains the first one that was found stays the reason, so that the log does not repeat it.
    private func source(
        of bridge: ServedBridge, _ selected: BridgeSelection.Source?, _ snapshot: Snapshot
    ) -> BridgeSelection.Source {
        guard settings.selection.isOptIn else { return selected ?? .earlierDomain }
        return BridgeSelection.enabledDomain(on: bridge.link.name, in: snapshot, after: bridge.source) ?? bridge.source
    }

    /// Whether spoofed frames are dropped at the bridge's ports.
    private func isGuarded(_ bridge: ServedBridge) -> Bool {
        settings.guardsPorts && applied != nil && bridge.hasPorts
    }

    // MARK: The record

    /// - Returns: Whether the record could be written.
    @discardableResult
    func change(_ body: (inout InstalledState) -> Void) -> Bool {
        do {
            try file.change(body)
            report.succeeded("write the record of installed state", on: file.path)
            return true
        } catch {
            report.failed("write the record of installed state", on: file.path, "\(error)")
            return false
        }
    }
}

extension InterceptionMode {
    /// Whether the host's own use of the metadata addresses decides how a bridge is served.
    fileprivate var dependsOnHost: Bool {
        switch self {
        case .auto, .bridge, .none: true
        case .address, .redirect: false
        }
    }
}

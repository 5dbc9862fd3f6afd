import Common
import Kernel
import Logging

/// Makes the guests of each bridge reach us, and nobody else: brings addresses, rules and sockets in line with what there is of
/// bridges, ports and domains, as often as it is asked to.
///
/// It remembers what it did, but decides anew each time from what the kernel and the snapshot say; so nothing that happens in
/// between, or twice, or not at all, matters for long.
actor Interceptor {
    /// What an operator may choose.
    struct Settings: Sendable {
        var mode = InterceptionMode.auto
        var selection = BridgeSelection()
        var guardsPorts = true
        /// How many new connections a second each port that is guarded may begin. A guest that floods would else fill the queue
        /// that all wait in; an honest one needs some hundred at a boot.
        var connectionsPerSecond = 100
    }

    /// After how long what failed is tried again, and what is in place is looked after.
    static let patience = Duration.seconds(10)
    /// Where redirected packets go, unless something else listens there: the port of Nova's metadata server.
    static let redirectPort: UInt16 = 8775

    let settings: Settings
    let listener: GuestListener
    private let board: SnapshotBoard
    private let tables: NFTables?
    var file: OwnedFile
    var report: InterceptionReport
    var served: [String: ServedBridge] = [:]
    /// The rules that the kernel has, and what they follow from.
    private var applied: (rules: RuleSet, ground: RuleGround)?
    /// The host's links and addresses as they were last read; `nil` where they are to be read anew.
    var network: HostNetwork?
    var isEnding = false
    private var hasForeignTable = false
    /// What the kernel's neighbour table holds. Asked once: the kernel answers with a line for each link besides.
    private let neighbourSlots = try? NeighbourLimits.mostEntries(.v4)

    /// - Parameters:
    ///   - file: what is ours, and the lock.
    ///   - tables: `nil` where nftables cannot be used.
    init(
        _ settings: Settings, file: consuming OwnedFile, tables: NFTables?, listener: GuestListener, board: SnapshotBoard,
        logger: Logger
    ) {
        (self.settings, self.tables, self.listener, self.board) = (settings, tables, listener, board)
        report = InterceptionReport(logger: logger)
        if let damage = file.damage { report.damaged(file.path, damage) }
        self.file = file
    }

    /// Brings everything in line.
    ///
    /// - Parameter networkChanged: whether the host's links and addresses may be others than the last time.
    func reconcile(networkChanged: Bool) async {
        guard !isEnding else { return }
        if networkChanged { self.network = nil }
        let network: HostNetwork
        do {
            network = try self.network ?? HostNetwork.read()
        } catch {
            return report.failed("read links and addresses", on: "the kernel", "\(error)")
        }
        self.network = network
        let snapshot = board.snapshot
        leaveGone(network)
        let selected = settings.selection.bridges(in: snapshot)
        if snapshot.isLocalComplete { report.missing(networks: settings.selection.missingNetworks(in: snapshot)) }
        begin(selected, network)
        applyRules(network, snapshot)
        for name in served.keys.sorted() { await settle(name, network) }
        applyRules(network, snapshot)
        for (name, bridge) in served where bridge.isOpen {
            report.serves(bridge, namedBy: selected[name] ?? "an earlier domain", isGuarded: isGuarded(bridge))
        }
        if snapshot.isLocalComplete { checkNeighbourSlots(snapshot) }
    }

    /// Lets no new connection in any more; those that there are go on.
    func end() {
        isEnding = true
        guard let network = try? HostNetwork.read() else { return }
        applyRules(network, board.snapshot)
    }

    /// Takes everything of ours out of the kernel.
    func release() {
        for problem in file.release(tables) { report.failed("take away", on: "what is ours", problem) }
        applied = nil
    }

    /// Looks after what others may undo without our hearing of it, and at what was dropped.
    func inspect() {
        guard let tables, applied != nil else { return }
        do throws(NFTablesError) {
            for family in RuleSet.families where try !tables.exists(table: RuleSet.table, family: family) {
                applied = nil
                return report.tablesGone()
            }
            if let count = try tables.packets(ofCounter: RuleSet.forgeries, table: RuleSet.table, family: "bridge"), count > 0 {
                report.forged(count)
            }
            if settings.guardsPorts,
                let count = try tables.packets(ofCounter: RuleSet.hurries, table: RuleSet.table, family: "bridge"), count > 0
            {
                report.hurried(count)
            }
        } catch {
            report.failed("inspect", on: "nftables", "\(error)")
        }
    }

    // MARK: Which bridges

    private func leaveGone(_ network: HostNetwork) {
        for (name, bridge) in served where network.link(named: name)?.index != bridge.place.index {
            for socket in bridge.sockets.values { listener.close(socket) }
            served[name] = nil
            change { things in
                things.addresses = things.addresses.filter { $0.bridge != bridge.owned }
                things.learning.remove(bridge.owned)
            }
            report.left(name)
        }
    }

    private func begin(_ selected: [String: String], _ network: HostNetwork) {
        var reason: String??
        for (name, source) in selected.sorted(by: { $0.key < $1.key }) where served[name] == nil {
            guard let link = network.link(named: name) else {
                report.missing(name, namedBy: source)
                continue
            }
            report.found(name)
            let asked = reason ?? reasonToRedirect(Set(selected.keys.compactMap { network.link(named: $0)?.index }))
            reason = .some(asked)
            let place = ListeningPlace.Bridge(
                name: name, index: link.index, namesPorts: link.isBridge && !link.filtersVLANs)
            served[name] = ServedBridge(place: place, entry: asked.map { .redirect(reason: $0) } ?? .address)
        }
        change { $0.bridges.formUnion(served.keys) }
    }

    private func reasonToRedirect(_ bridges: Set<Int32>) -> String? {
        switch settings.mode {
        case .address: return nil
        case .redirect: return "--intercept redirect"
        case .auto, .bridge, .none:
            do throws(KernelError) {
                defer { report.succeeded("look for the host's own metadata", on: "the host") }
                return try HostUse.reason(except: bridges)
            } catch {
                report.failed("look for the host's own metadata", on: "the host", "\(error)")
                return nil
            }
        }
    }

    // MARK: Rules

    /// Whether forged frames are kept out of a bridge.
    private func isGuarded(_ bridge: ServedBridge) -> Bool {
        settings.guardsPorts && applied != nil && bridge.place.namesPorts
    }

    private func applyRules(_ network: HostNetwork, _ snapshot: Snapshot) {
        guard let tables, !hasForeignTable else { return }
        let ground = ruleGround(network, snapshot)
        for bridge in ground.bridges { served[bridge.name]?.lifts = bridge.lifts }
        if let applied, applied.ground == ground { return }
        let rules = RuleSet(on: ground, settings)
        guard let script = applied.map({ rules.changes(from: $0.rules) }) ?? rules.script else {
            // The same rules follow from it.
            applied?.ground = ground
            return
        }
        if applied == nil {
            guard claimTables(tables) else { return }
        }
        do throws(NFTablesError) {
            try tables.run(script)
            applied = (rules, ground)
            report.succeeded("set rules", on: "nftables")
        } catch {
            // Part of it may have been somebody else's doing: next time all is made anew.
            applied = nil
            let need = error.code == .notPermitted ? "; this needs root or the capability CAP_NET_ADMIN" : ""
            report.failed("set rules", on: "nftables", "\(error)\(need)")
        }
    }

    /// Writes down that the two tables are ours, unless somebody has one of that name.
    private func claimTables(_ tables: NFTables) -> Bool {
        do throws(NFTablesError) {
            for family in RuleSet.families where !file.things.tables.contains(family) {
                guard try tables.exists(table: RuleSet.table, family: family) else { continue }
                // Where the record was lost, the comment tells.
                let comment = try tables.comment(ofTable: RuleSet.table, family: family)
                if file.damage == nil || comment != RuleSet.comment {
                    hasForeignTable = true
                    report.foreignTable(family)
                    return false
                }
            }
        } catch {
            report.failed("set rules", on: "nftables", "\(error)")
            return false
        }
        return change { $0.tables = Set(RuleSet.families) }
    }

    // MARK: What is written down

    /// Whether it could be.
    @discardableResult
    func change(_ body: (inout OwnedThings) -> Void) -> Bool {
        do {
            try file.change(body)
            report.succeeded("write down what is ours", on: file.path)
            return true
        } catch {
            report.failed("write down what is ours", on: file.path, "\(error)")
            return false
        }
    }

    private func checkNeighbourSlots(_ snapshot: Snapshot) {
        let interfaces = served.keys.reduce(0) { $0 + snapshot.interfaceCount(on: $1) }
        guard let limit = neighbourSlots, limit < interfaces else { return }
        report.fewNeighbours(limit, interfaces: interfaces)
    }
}

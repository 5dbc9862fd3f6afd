import Common
import Guests
import Logging

/// Logs the state of the interception: each fact once, and again when it has changed.
struct InterceptionReport {
    private let logger: Logger
    /// What is logged of the host, of bridges and of their ports.
    private(set) var logged = Memory()
    /// What is logged of names that domains' authors choose: it must not take the place of errors of the server.
    private(set) var loggedOfAuthors = Memory()
    /// The bridges that do not exist and of which that is logged.
    private var missing: Set<String> = []
    /// Lines about bridges that are served, or are not any more: authors of domains have that change as often as they like.
    private var changes = LineBudget(most: 300, interval: .seconds(2))
    private let now: @Sendable () -> ContinuousClock.Instant

    /// - Parameter now: the time by which a full memory is emptied, so that what has become true since is logged some day.
    init(logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        (self.logger, self.now) = (logger, now)
    }

    /// Guests of a bridge can connect, or the way they connect has changed.
    mutating func serves(_ bridge: ServedBridge, namedBy source: BridgeSelection.Source, isGuarded: Bool) {
        var reason = ""
        if case .redirect(let why) = bridge.mode { reason = why }
        let facts: Logger.Metadata = [
            "bridge": "\(bridge.link.name)", "selected.by": "\(source)", "interception": "\(bridge.modeName)",
            "addresses": "\(bridge.addressText)",
            "guard": "\(isGuarded ? "on" : "off")", "ports": "\(bridge.hasPorts ? "known" : "not distinguished")",
        ]
        let merged = reason.isEmpty ? facts : facts.merging(["reason": "\(reason)"]) { $1 }
        note(.notice, "bridge \(bridge.link.name)", "guests of a bridge are served", merged, isChange: true)
    }

    /// All domains have been read, and none of them is enabled.
    mutating func servesNothing(_ isSo: Bool) {
        guard isSo else { return logged.forget("nothing") }
        note(
            .notice, "nothing", "no bridge is served: no running domain is enabled",
            ["hint": "virt-metadata enable DOMAIN; to serve every bridge: --network all"])
    }

    mutating func bridgeGone(_ bridge: String) {
        forget(bridge)
        logChange(
            .notice, "bridge disappeared from the host; it is served again when it reappears", ["bridge": "\(bridge)"])
    }

    /// The last enabled domain of a bridge has stopped.
    mutating func ends(_ bridge: String) {
        forget(bridge)
        logChange(
            .notice, "bridge no longer served: no enabled domain runs on it",
            ["bridge": "\(bridge)", "hint": "to serve it always: --bridge \(bridge.shellWord)"])
    }

    private mutating func forget(_ bridge: String) {
        logged.forgetAll(of: bridge)
        loggedOfAuthors.forgetAll(of: bridge)
    }

    /// Nothing of virt-metadata is left on a bridge.
    mutating func released(_ bridge: String) {
        logChange(.notice, "addresses and rules removed from a bridge", ["bridge": "\(bridge)"])
    }

    /// The selected bridges that do not exist now. Domains may name any number of them, so one line is about all that are new.
    mutating func missing(_ bridges: [InterceptionNote.MissingBridge]) {
        let new = bridges.filter { !missing.contains($0.name) }
        missing = Set(bridges.map(\.name))
        guard let first = new.first else { return }
        guard new.count > 1 else {
            return logger.warning(
                "bridge does not exist; its guests are served once it exists",
                metadata: ["bridge": "\(first.name)", "selected.by": "\(first.source)"])
        }
        let named = new.prefix(Self.mostNames).map(\.name).joined(separator: ", ")
        let rest = new.count - Self.mostNames
        logger.warning(
            "bridges do not exist; their guests are served once they exist",
            metadata: [
                "bridges": "\(named)\(rest > 0 ? " and \(rest) more" : "")", "count": "\(new.count)",
                "selected.by": "\(first.source)",
            ])
    }

    /// The most names in one line.
    private static let mostNames = 8

    /// Networks that the operator named and the hypervisor lacks.
    mutating func missing(networks: [String]) {
        guard !networks.isEmpty else { return logged.forget("networks") }
        note(
            .warning, "networks", "selected networks are not active or have no bridge",
            ["networks": "\(networks.joined(separator: ", "))", "setting": "network", "hint": "virsh net-list --all"])
    }

    mutating func ipv6Disabled(on bridge: String) {
        note(
            .info, "ipv6 \(bridge)", "IPv6 is disabled on a bridge; its guests are served by IPv4 only",
            ["bridge": "\(bridge)"])
    }

    mutating func restoring(_ address: IPAddress, on bridge: String) {
        logger.warning(
            "another process removed a metadata address from a bridge; adding it again",
            metadata: ["address": "\(address)", "bridge": "\(bridge)"])
    }

    /// A step failed, on one bridge or on all.
    mutating func failed(_ what: String, on subject: String, _ reason: String) {
        note(
            .error, "\(what) \(subject)", "interception failed; retrying",
            ["step": "\(what)", "on": "\(subject)", "error": "\(reason)"])
    }

    /// The step succeeds again.
    mutating func succeeded(_ what: String, on subject: String) { logged.forget("\(what) \(subject)") }

    /// No foreign table of this name exists any more.
    mutating func ownTable(_ family: String) { logged.forget("table \(family)") }

    mutating func foreignTable(_ family: String) {
        note(
            .error, "table \(family)", "another program has an nftables table of this name; no bridge is served",
            [
                "table": "\(family) \(RuleTable.name)",
                "hint": "if it is not needed: nft delete table \(family) \(RuleTable.name)",
            ])
    }

    mutating func damaged(_ file: String, _ problem: String) {
        logger.error(
            "invalid record of installed addresses and rules; the record was renamed to *.damaged, and addresses in it are not removed",
            metadata: [
                "file": "\(file)", "error": "\(problem)",
                "hint": "remove such an address with: ip address del \(MetadataAddress.v4)/32 dev BRIDGE",
            ])
    }

    mutating func tablesGone() {
        logger.warning(
            "another process removed the nftables tables; creating them again", metadata: ["table": "\(RuleTable.name)"])
    }

    /// Frames of guests that were dropped, by reason.
    mutating func dropped(_ counter: RuleSet.Counter, _ total: UInt64) {
        let key = counter.rawValue
        switch counter {
        case .spoofed:
            note(
                .warning, key, "frames with another guest's MAC address, or from a metadata address, were dropped",
                ["frames": "\(total)"])
        case .rateLimited:
            note(
                .notice, key, "guest connection rate limit exceeded; SYNs were dropped",
                ["packets": "\(total)", "setting": "max-connections-per-second"])
        case .fragmented:
            note(
                .warning, key, "fragments or packets with extension headers to the metadata addresses were dropped",
                ["frames": "\(total)"])
        case .encapsulated:
            note(
                .warning, key, "frames with a nested VLAN tag of ID 0, or with IP in SNAP, were dropped",
                ["frames": "\(total)"])
        case .bpdu:
            note(.warning, key, "spanning tree messages from guests were dropped", ["frames": "\(total)"])
        case .mldQuery:
            note(.warning, key, "multicast queries from guests were dropped", ["frames": "\(total)"])
        case .notServed:
            note(
                .notice, key, "requests to a metadata address from a port that is not served were dropped", ["frames": "\(total)"]
            )
        }
    }

    /// A port of a domain that has more of them than are served.
    mutating func tooManyPorts(of domain: String, on bridge: String) {
        noteOfAuthor(
            .warning, "ports of \(domain) \(bridge)",
            "domain has more interfaces on one bridge than the server serves; the remaining interfaces get no metadata",
            ["domain.name": "\(domain)", "bridge": "\(bridge)"])
    }

    /// A link that a domain names as its bridge, and that is not a bridge.
    mutating func notABridge(_ link: String) {
        noteOfAuthor(
            .warning, "no bridge \(link)",
            "a running domain names as its bridge a link that is not a bridge; the link is not served",
            ["bridge": "\(link)", "hint": "to serve it anyway: --bridge \(link.shellWord)"])
    }

    /// A port that no rule can name.
    mutating func unnamable(_ port: String, on bridge: String) {
        noteOfAuthor(
            .warning, "port \(port) \(bridge)", "nftables rules cannot contain this port's name; its guest is not served",
            ["port": "\(port)", "bridge": "\(bridge)", "hint": "\(Self.usableNames)"])
    }

    mutating func tookDown(_ port: String, on bridge: String) {
        noteOfAuthor(
            .warning, "port \(port) \(bridge) down", "a port was set down, because no rule can guard it",
            ["port": "\(port)", "bridge": "\(bridge)", "hint": "\(Self.usableNames)"])
    }

    private static let usableNames =
        "name it with 1 to 15 printable ASCII characters, without quotation marks, backslashes and asterisks"

    mutating func fewNeighbours(_ limit: Int, interfaces: Int) {
        note(
            .warning, "neighbours", "the kernel's neighbour table is smaller than the number of guest interfaces",
            [
                "entries": "\(limit)", "interfaces": "\(interfaces)",
                "hint": "sysctl net.ipv4.neigh.default.gc_thresh3=\(interfaces * 2)",
            ])
    }

    // MARK: What is logged already

    /// Logs a message once for the same facts.
    ///
    /// - Parameter isChange: whether it is about a bridge that is served from now on.
    private mutating func note(
        _ level: Logger.Level, _ key: String, _ message: Logger.Message, _ facts: Logger.Metadata, isChange: Bool = false
    ) {
        note(in: \.logged, level, key, message, facts, isChange: isChange)
    }

    private mutating func logChange(_ level: Logger.Level, _ message: Logger.Message, _ facts: Logger.Metadata) {
        switch changes.take(at: now()) {
        case .granted: logger.log(level: level, message, metadata: facts)
        case .firstDenied:
            logger.warning(
                "bridges begin and cease to be served too often; most further ones are not logged",
                metadata: ["messages": "\(changes.most)"])
        case .denied: break
        }
    }

    /// Logs a message once for the same facts, which a domain's author can make.
    private mutating func noteOfAuthor(
        _ level: Logger.Level, _ key: String, _ message: Logger.Message, _ facts: Logger.Metadata
    ) {
        note(in: \.loggedOfAuthors, level, key, message, facts)
    }

    private mutating func note(
        in memory: WritableKeyPath<Self, Memory>, _ level: Logger.Level, _ key: String, _ message: Logger.Message,
        _ facts: Logger.Metadata, isChange: Bool = false
    ) {
        let text = "\(message) \(facts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })"
        switch self[keyPath: memory].add(text, for: key, at: now()) {
        case .new where isChange: logChange(level, message, facts)
        case .new: logger.log(level: level, message, metadata: facts)
        case .firstSuppressed:
            logger.warning(
                "too many different messages about bridges and ports; further ones are not logged for an hour",
                metadata: ["messages": "\(Memory.most)"])
        case .known, .suppressed: break
        }
    }
}

extension KernelError {
    /// The error, with the missing capability (capabilities(7)) where permission was denied.
    func naming(_ capability: String) -> String {
        code == .notPermitted || code == .accessDenied ? "\(self); run as root or with \(capability)" : "\(self)"
    }
}

import Common
import Guests
import Logging

/// Logs the state of the interception: each fact once, and again when it has changed.
struct InterceptionReport {
    private let logger: Logger
    private(set) var logged: [String: String] = [:]

    init(logger: Logger) {
        self.logger = logger
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
        note(.notice, "bridge \(bridge.link.name)", "guests of a bridge are served", merged)
    }

    /// All domains have been read, and none of them is enabled.
    mutating func servesNothing(_ isSo: Bool) {
        guard isSo else { return logged["nothing"] = nil }
        note(
            .notice, "nothing", "no bridge is served: no running domain is enabled",
            ["hint": "virt-metadata enable DOMAIN; to serve every bridge: --network all"])
    }

    mutating func bridgeGone(_ bridge: String) {
        logged = logged.filter { !$0.key.hasSuffix(" \(bridge)") }
        logger.notice("bridge removed from the host; it is served again when it is back", metadata: ["bridge": "\(bridge)"])
    }

    /// The last enabled domain of a bridge has stopped.
    mutating func ends(_ bridge: String) {
        logged = logged.filter { !$0.key.hasSuffix(" \(bridge)") }
        logger.notice(
            "bridge no longer served: no enabled domain runs on it",
            metadata: ["bridge": "\(bridge)", "hint": "to serve it always: --bridge \(bridge.shellWord)"])
    }

    /// Nothing of virt-metadata is left on a bridge.
    mutating func released(_ bridge: String) {
        logger.notice("addresses and rules removed from a bridge", metadata: ["bridge": "\(bridge)"])
    }

    /// A selected bridge does not exist.
    mutating func missing(_ bridge: String, namedBy source: BridgeSelection.Source) {
        note(
            .warning, "missing \(bridge)", "bridge does not exist; its guests are served when it does",
            ["bridge": "\(bridge)", "selected.by": "\(source)"])
    }

    mutating func found(_ bridge: String) { logged["missing \(bridge)"] = nil }

    /// Networks that the operator named and the hypervisor lacks.
    mutating func missing(networks: [String]) {
        guard !networks.isEmpty else { return logged["networks"] = nil }
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
    mutating func succeeded(_ what: String, on subject: String) { logged["\(what) \(subject)"] = nil }

    /// No foreign table of this name exists any more.
    mutating func ownTable(_ family: String) { logged["table \(family)"] = nil }

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
            "invalid record of installed addresses and rules; it is kept as *.damaged, and its addresses are not removed",
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
                .warning, key, "fragments or extension headers to the metadata addresses were dropped", ["frames": "\(total)"])
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
        note(
            .warning, "ports of \(domain) \(bridge)",
            "domain has more interfaces on one bridge than are served; the others get no metadata",
            ["domain.name": "\(domain)", "bridge": "\(bridge)"])
    }

    /// A link that a domain names as its bridge, and that is not a bridge.
    mutating func notABridge(_ link: String) {
        note(
            .warning, "no bridge \(link)", "a running domain's bridge is not a bridge; it is not served",
            ["bridge": "\(link)", "hint": "to serve it anyway: --bridge \(link.shellWord)"])
    }

    /// A port that no rule can name.
    mutating func unnamable(_ port: String, on bridge: String) {
        note(
            .warning, "port \(port) \(bridge)", "nftables rules cannot contain this port's name; its guest is not served",
            ["port": "\(port)", "bridge": "\(bridge)", "hint": "use a name without quotation marks, backslashes and asterisks"])
    }

    mutating func fewNeighbours(_ limit: Int, interfaces: Int) {
        note(
            .warning, "neighbours", "the kernel's neighbour table is smaller than the number of guest interfaces",
            [
                "entries": "\(limit)", "interfaces": "\(interfaces)",
                "hint": "sysctl net.ipv4.neigh.default.gc_thresh3=\(interfaces * 2)",
            ])
    }

    /// The most logged facts to remember; beyond that all are forgotten, and logged again.
    static let mostRemembered = 1024

    /// Logs a message once for the same facts.
    private mutating func note(
        _ level: Logger.Level, _ key: String, _ message: Logger.Message, _ facts: Logger.Metadata
    ) {
        let text = "\(message) \(facts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })"
        // Keys contain names of links and domains, of which a domain's author can create any number.
        if logged.count >= Self.mostRemembered { logged = [:] }
        guard logged.updateValue(text, forKey: key) != text else { return }
        logger.log(level: level, message, metadata: facts)
    }
}

extension KernelError {
    /// The error, with the missing capability (capabilities(7)) where permission was denied.
    func naming(_ capability: String) -> String {
        code == .notPermitted || code == .accessDenied ? "\(self); run as root or with \(capability)" : "\(self)"
    }
}

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
            "bridge": "\(bridge.link.name)", "named.by": "\(source)", "interception": "\(bridge.modeName)",
            "addresses": "\(bridge.addressText)",
            "guard": "\(isGuarded ? "on" : "off")", "ports": "\(bridge.hasPorts ? "known" : "not told apart")",
        ]
        let merged = reason.isEmpty ? facts : facts.merging(["reason": "\(reason)"]) { $1 }
        note(.notice, "bridge \(bridge.link.name)", "guests of a bridge are served", merged)
    }

    mutating func bridgeGone(_ bridge: String) {
        logged = logged.filter { !$0.key.hasSuffix(" \(bridge)") }
        logger.notice("a bridge is gone; its guests are served when it is back", metadata: ["bridge": "\(bridge)"])
    }

    /// A selected bridge does not exist.
    mutating func missing(_ bridge: String, namedBy source: BridgeSelection.Source) {
        note(
            .warning, "missing \(bridge)", "a bridge is not there; its guests are served as soon as it is",
            ["bridge": "\(bridge)", "named.by": "\(source)"])
    }

    mutating func found(_ bridge: String) { logged["missing \(bridge)"] = nil }

    /// Networks that the operator named and the hypervisor lacks.
    mutating func missing(networks: [String]) {
        guard !networks.isEmpty else { return logged["networks"] = nil }
        note(
            .warning, "networks", "networks of --networks are not active, or have no bridge",
            ["networks": "\(networks.joined(separator: ", "))", "hint": "virsh net-list --all"])
    }

    mutating func ipv6Disabled(on bridge: String) {
        note(
            .info, "ipv6 \(bridge)", "IPv6 is disabled on a bridge, and stays so; its guests are served by IPv4",
            ["bridge": "\(bridge)"])
    }

    mutating func restoring(_ address: IPAddress, on bridge: String) {
        logger.warning(
            "an address of ours was removed from a bridge, and is put back",
            metadata: ["address": "\(address)", "bridge": "\(bridge)"])
    }

    /// A step failed, on one bridge or on all.
    mutating func failed(_ what: String, on subject: String, _ reason: String) {
        note(
            .error, "\(what) \(subject)", "cannot intercept as intended; trying again now and then",
            [
                "what": "\(what)", "where": "\(subject)", "reason": "\(reason)",
            ])
    }

    /// The step succeeds again.
    mutating func succeeded(_ what: String, on subject: String) { logged["\(what) \(subject)"] = nil }

    /// No foreign table of this name exists any more.
    mutating func ownTable(_ family: String) { logged["table \(family)"] = nil }

    mutating func foreignTable(_ family: String) {
        note(
            .error, "table \(family)", "a table of this name is not ours; no bridge is served",
            [
                "table": "\(family) \(RuleTable.name)",
                "hint": "if nobody needs it: nft delete table \(family) \(RuleTable.name)",
            ])
    }

    mutating func damaged(_ file: String, _ problem: String) {
        logger.error(
            "the record of what is ours cannot be used, and is set aside; addresses of ours now count as the operator's",
            metadata: [
                "file": "\(file)", "problem": "\(problem)",
                "hint": "remove such an address by: ip address del \(MetadataAddress.v4)/32 dev BRIDGE",
            ])
    }

    mutating func tablesGone() {
        logger.warning("somebody removed our nftables tables; they are made again", metadata: ["table": "\(RuleTable.name)"])
    }

    /// Frames of guests that were dropped, by reason.
    mutating func dropped(_ counter: RuleSet.Counter, _ total: UInt64) {
        let key = counter.rawValue
        switch counter {
        case .spoofed:
            note(
                .warning, key, "frames that bore another guest's hardware address, or the metadata address, were dropped",
                ["frames": "\(total)"])
        case .rateLimited:
            note(
                .notice, key, "connections that guests began too fast were not answered",
                ["attempts": "\(total)", "option": "--connections-per-second"])
        case .fragmented:
            note(
                .warning, key, "fragments and extension headers to the metadata addresses were dropped", ["frames": "\(total)"])
        case .encapsulated:
            note(
                .warning, key, "frames with a second VLAN tag of number 0, or IP behind SNAP, were dropped",
                ["frames": "\(total)"])
        case .bpdu:
            note(.warning, key, "spanning tree messages of guests were dropped", ["frames": "\(total)"])
        case .mldQuery:
            note(.warning, key, "multicast queries of guests were dropped", ["frames": "\(total)"])
        case .notServed:
            note(.notice, key, "requests to a metadata address that nobody answers for were dropped", ["frames": "\(total)"])
        }
    }

    /// A port of a domain that has more of them than are served.
    mutating func tooManyPorts(of domain: String, on bridge: String) {
        note(
            .warning, "ports of \(domain) \(bridge)",
            "a domain has more interfaces on one bridge than are served; the others get no metadata",
            ["domain.name": "\(domain)", "bridge": "\(bridge)"])
    }

    /// A link that a domain names as its bridge, and that is not a bridge.
    mutating func notABridge(_ link: String) {
        note(
            .warning, "no bridge \(link)", "a running domain names a link as its bridge that is none; it is not served",
            ["link": "\(link)", "hint": "to serve it all the same, name it: --bridge \(link.shellWord)"])
    }

    /// A port that no rule can name.
    mutating func unnamable(_ port: String, on bridge: String) {
        note(
            .warning, "port \(port) \(bridge)", "nftables cannot name a port, so its guest is not served",
            ["port": "\(port)", "bridge": "\(bridge)", "hint": "give it a name without quotation marks, backslashes and stars"])
    }

    mutating func fewNeighbours(_ limit: Int, interfaces: Int) {
        note(
            .warning, "neighbours", "the kernel's neighbour table holds fewer entries than there are interfaces of guests",
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
        code == .notPermitted || code == .accessDenied ? "\(self); this needs root or the capability \(capability)" : "\(self)"
    }
}

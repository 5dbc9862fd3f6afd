import Common
import Kernel
import Logging

/// What the operator is told of the interception: each thing once, and again when it has changed.
struct InterceptionReport {
    private let logger: Logger
    private var told: [String: String] = [:]

    init(logger: Logger) {
        self.logger = logger
    }

    /// Guests of a bridge can connect, or can in another way than before.
    mutating func serves(_ bridge: ServedBridge, namedBy source: String, isGuarded: Bool) {
        var reason = ""
        if case .redirect(let why) = bridge.entry { reason = why }
        let facts: Logger.Metadata = [
            "bridge": "\(bridge.place.name)", "named.by": "\(source)", "interception": "\(bridge.modeName)",
            "addresses": "\(bridge.sockets.keys.map { "\($0.address) port \($0.port)" }.sorted().joined(separator: ", "))",
            "guard": "\(isGuarded ? "on" : "off")", "ports": "\(bridge.place.namesPorts ? "known" : "not told apart")",
        ]
        let merged = reason.isEmpty ? facts : facts.merging(["reason": "\(reason)"]) { $1 }
        note(.notice, "bridge \(bridge.place.name)", "guests of a bridge are served", merged)
    }

    /// A bridge went away.
    mutating func left(_ bridge: String) {
        told = told.filter { !$0.key.hasSuffix(" \(bridge)") }
        logger.notice("a bridge is gone; its guests are served when it is back", metadata: ["bridge": "\(bridge)"])
    }

    /// A bridge that is to be served is not there.
    mutating func missing(_ bridge: String, namedBy source: String) {
        note(
            .warning, "missing \(bridge)", "a bridge is not there; its guests are served as soon as it is",
            ["bridge": "\(bridge)", "named.by": "\(source)"])
    }

    mutating func found(_ bridge: String) { told["missing \(bridge)"] = nil }

    /// Networks that the operator named and the hypervisor does not have.
    mutating func missing(networks: [String]) {
        guard !networks.isEmpty else { return told["networks"] = nil }
        note(
            .warning, "networks", "networks of --networks are not active, or have no bridge",
            ["networks": "\(networks.joined(separator: ", "))", "hint": "virsh net-list --all"])
    }

    mutating func ipv6Disabled(on bridge: String) {
        note(
            .info, "ipv6 \(bridge)", "IPv6 is disabled on a bridge, and stays so; its guests are served by IPv4",
            ["bridge": "\(bridge)"])
    }

    mutating func putsBack(_ address: IPAddress, on bridge: String) {
        logger.warning(
            "an address of ours was removed from a bridge, and is put back",
            metadata: ["address": "\(address)", "bridge": "\(bridge)"])
    }

    /// Something that we do to a bridge, or to all, could not be done.
    mutating func failed(_ what: String, on place: String, _ reason: String) {
        note(
            .error, "\(what) \(place)", "cannot intercept as intended; trying again now and then",
            [
                "what": "\(what)", "where": "\(place)", "reason": "\(reason)",
            ])
    }

    /// It can be done now.
    mutating func succeeded(_ what: String, on place: String) { told["\(what) \(place)"] = nil }

    mutating func foreignTable(_ family: String) {
        note(
            .error, "table \(family)", "a table of this name is not ours; nothing is guarded, redirected or closed",
            [
                "table": "\(family) \(RuleSet.table)",
                "hint": "if nobody needs it: nft delete table \(family) \(RuleSet.table)",
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
        logger.warning("somebody removed our nftables tables; they are made again", metadata: ["table": "\(RuleSet.table)"])
    }

    mutating func forged(_ total: UInt64) {
        note(
            .warning, "forged", "frames that bore another guest's hardware address, or the metadata address, were dropped",
            ["frames": "\(total)"])
    }

    mutating func hurried(_ total: UInt64) {
        note(
            .notice, "hurried", "connections that guests began too fast were not answered",
            ["attempts": "\(total)", "option": "--connections-per-second"])
    }

    mutating func fewNeighbours(_ limit: Int, interfaces: Int) {
        note(
            .warning, "neighbours", "the kernel's neighbour table holds fewer entries than there are interfaces of guests",
            [
                "entries": "\(limit)", "interfaces": "\(interfaces)",
                "hint": "sysctl net.ipv4.neigh.default.gc_thresh3=\(interfaces * 2)",
            ])
    }

    /// Once for the same facts.
    private mutating func note(
        _ level: Logger.Level, _ key: String, _ message: Logger.Message, _ facts: Logger.Metadata
    ) {
        let text = "\(message) \(facts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })"
        guard told.updateValue(text, forKey: key) != text else { return }
        logger.log(level: level, message, metadata: facts)
    }
}

extension KernelError {
    /// What is wrong, and which capability (capabilities(7)) is missing where that is what it is.
    func naming(_ capability: String) -> String {
        code == .notPermitted || code == .accessDenied ? "\(self); this needs root or the capability \(capability)" : "\(self)"
    }
}

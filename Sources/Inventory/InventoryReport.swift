import Common
import Description
import Libvirt
import Logging

/// Logs a hypervisor's part of the inventory: each change of state once, and each unusable value of a domain's XML.
struct InventoryReport {
    private enum State: Equatable {
        case unknown, synchronised, away
        case partial(LibvirtError)
    }

    /// The most values of one domain to log; one domain can have hundreds of thousands.
    private static let mostFindings = 20

    /// What of a network a problem is about: either can end without the other.
    enum NetworkPart: Hashable {
        case description, leases
    }

    private struct NetworkPartName: Hashable {
        let network: LibvirtName
        let part: NetworkPart
    }

    private let uri: String
    private let isLocal: Bool
    private let logger: Logger
    private let health: HypervisorHealth
    private var state = State.unknown
    private var findings: [InstanceUUID: [Finding]] = [:]
    private var unusableDomains: [InstanceUUID: String] = [:]
    private var networkProblems: [NetworkPartName: String] = [:]
    /// Why no network could be read.
    private var networksProblem: String?
    private var allowance = LogAllowance()
    private let now: @Sendable () -> ContinuousClock.Instant

    /// - Parameter now: the time by which lines about a domain are counted.
    init(
        uri: String, isLocal: Bool, health: HypervisorHealth, logger: Logger,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        (self.uri, self.isLocal, self.health, self.logger, self.now) = (uri, isLocal, health, logger, now)
    }

    // MARK: The hypervisor

    mutating func connected(without missing: [EventKind: LibvirtError]) {
        health.connected()
        guard !missing.isEmpty else { return }
        logger.debug(
            "libvirt driver does not support all events; changes are found at the next resync",
            metadata: [
                "hypervisor.uri": "\(uri)", "events": "\(missing.keys.map(\.rawValue).sorted().joined(separator: ", "))",
            ])
    }

    mutating func synchronised(instances: Int) {
        health.synchronised()
        summarise(at: now())
        if state != .synchronised {
            logger.info("the inventory is complete", metadata: ["hypervisor.uri": "\(uri)", "instances": "\(instances)"])
        }
        state = .synchronised
    }

    mutating func lost(reason: String, instances: Int) {
        health.failed(reason, isConnected: false)
        guard state != .away else { return }
        state = .away
        logger.warning(
            "connection to libvirt lost; serving the last known state, retrying",
            metadata: [
                "hypervisor.uri": "\(uri)", "error": "\(reason)", "instances": "\(instances)",
            ])
    }

    mutating func failed(_ error: LibvirtError, connected: Bool, instances: Int) {
        health.failed("\(error)", isConnected: connected)
        guard connected else {
            if state == .unknown {
                state = .away
                logger.error(
                    isLocal
                        ? "libvirt unreachable; retrying" : "remote libvirt unreachable; retrying, local guests unaffected",
                    metadata: [
                        "hypervisor.uri": "\(uri)", "error": "\(error)",
                        "hint": "check that libvirt runs and this user may connect: virsh -r -c \(uri) list",
                    ])
            }
            return lost(reason: "\(error)", instances: instances)
        }
        guard state != .partial(error) else { return }
        state = .partial(error)
        logger.warning(
            "cannot list all domains; serving the last known state, retrying",
            metadata: [
                "hypervisor.uri": "\(uri)", "error": "\(error)", "instances": "\(instances)",
            ])
    }

    // MARK: Domains and networks

    mutating func assembled(_ domain: InstanceUUID, named name: String, findings: [Finding]) {
        unusableDomains[domain] = nil
        guard self.findings[domain, default: []] != findings else { return }
        self.findings[domain] = findings.isEmpty ? nil : findings
        // What is wrong in the configuration file is logged once, and not for each domain.
        let unusable = findings.filter { $0.weight == .unusable && $0.file == nil }
        for finding in unusable.prefix(Self.mostFindings) {
            log(.warning, "unusable value in a domain's metadata; it is not served", domain, name, ["error": "\(finding)"])
        }
        if unusable.count > Self.mostFindings {
            log(
                .warning, "more unusable values in a domain's metadata", domain, name,
                ["count": "\(unusable.count - Self.mostFindings)", "hint": "virt-metadata check \(domain)"])
        }
    }

    mutating func unusable(_ domain: InstanceUUID, named name: String, _ error: DescriptionError) {
        guard unusableDomains.updateValue("\(error)", forKey: domain) != "\(error)" else { return }
        log(.error, "invalid domain XML; the domain is not served", domain, name, ["error": "\(error)"])
    }

    mutating func unreadable(_ domain: InstanceUUID, _ error: LibvirtError) {
        guard unusableDomains.updateValue("\(error)", forKey: domain) != "\(error)" else { return }
        log(.error, "cannot read a domain; serving its last known state", domain, nil, ["error": "\(error)"])
    }

    /// Logs a line about a domain, unless there were too many about it or about all.
    private mutating func log(
        _ level: Logger.Level, _ message: Logger.Message, _ domain: InstanceUUID, _ name: String?, _ facts: Logger.Metadata
    ) {
        var subject: Logger.Metadata = ["domain.uuid": "\(domain)"]
        if let name { subject["domain.name"] = "\(name)" }
        if isGranted(
            .domain(domain), "a domain changes often with unusable values; not all of them are logged",
            subject.merging(["hint": "virt-metadata check \(domain)"]) { $1 })
        {
            logger.log(level: level, message, metadata: subject.merging(facts) { $1 })
        }
    }

    /// Whether a line may be logged. The first that may not is replaced by one that says so.
    private mutating func isGranted(
        _ subject: LogAllowance.Subject, _ denial: Logger.Message, _ facts: Logger.Metadata
    ) -> Bool {
        let now = now()
        summarise(at: now)
        switch allowance.take(subject, at: now) {
        case .granted: return true
        case .firstDenied: logger.warning(denial, metadata: facts)
        case .firstDeniedOfAll:
            logger.warning(
                "many domains or networks have unusable values; not all of them are logged",
                metadata: ["hypervisor.uri": "\(uri)", "hint": "virt-metadata check"])
        case .denied: break
        }
        return false
    }

    private mutating func summarise(at now: ContinuousClock.Instant) {
        guard let count = allowance.summarised(at: now) else { return }
        logger.warning(
            "lines about domains or networks with unusable values were not logged",
            metadata: ["hypervisor.uri": "\(uri)", "count": "\(count)"])
    }

    mutating func unusable(network: LibvirtName, _ error: DescriptionError) {
        note(.description, of: network, "invalid network XML", reason: "\(error)")
    }

    mutating func unreadable(_ part: NetworkPart, of network: LibvirtName, _ error: LibvirtError) {
        let message: Logger.Message =
            switch part {
            case .description: "cannot read a network; using its last known state"
            case .leases: "cannot read the DHCP leases of a network; using the last known ones"
            }
        note(part, of: network, message, reason: "\(error)")
    }

    mutating func usable(_ part: NetworkPart, of network: LibvirtName) {
        networkProblems[NetworkPartName(network: network, part: part)] = nil
    }

    /// No network could be read. Nobody who defines domains or networks can cause that, so the line does not count with those about them.
    mutating func unreadableNetworks(_ error: LibvirtError) {
        guard networksProblem != "\(error)" else { return }
        networksProblem = "\(error)"
        logger.warning(
            "cannot list networks; using their last known state",
            metadata: ["hypervisor.uri": "\(uri)", "error": "\(error)"])
    }

    mutating func forgotten(network: LibvirtName) {
        for part in [NetworkPart.description, .leases] { usable(part, of: network) }
    }

    /// All networks were listed: problems of networks that no longer exist are forgotten. Networks come and go in any number.
    mutating func read(networks: Set<LibvirtName>) {
        networksProblem = nil
        networkProblems = networkProblems.filter { networks.contains($0.key.network) }
    }

    /// Logs a message once for the same reason.
    private mutating func note(_ part: NetworkPart, of network: LibvirtName, _ message: Logger.Message, reason: String) {
        guard networkProblems.updateValue(reason, forKey: NetworkPartName(network: network, part: part)) != reason else { return }
        let subject: Logger.Metadata = ["network": "\(network)"]
        if isGranted(.network(network), "a network changes often with problems; not all of them are logged", subject) {
            logger.warning(message, metadata: subject.merging(["error": "\(reason)"]) { $1 })
        }
    }

    mutating func forgotten(_ domain: InstanceUUID) {
        findings[domain] = nil
        unusableDomains[domain] = nil
    }
}

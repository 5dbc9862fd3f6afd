import Common
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

    private let uri: String
    private let isLocal: Bool
    private let logger: Logger
    private let health: HypervisorHealth
    private var state = State.unknown
    private var findings: [InstanceUUID: [Finding]] = [:]
    private var unusableDomains: [InstanceUUID: String] = [:]
    private var networkProblems: [String: String] = [:]

    init(uri: String, isLocal: Bool, health: HypervisorHealth, logger: Logger) {
        (self.uri, self.isLocal, self.health, self.logger) = (uri, isLocal, health, logger)
    }

    // MARK: The hypervisor

    mutating func connected(without missing: [EventKind: LibvirtError]) {
        health.connected()
        guard !missing.isEmpty else { return }
        logger.debug(
            "the hypervisor has not all kinds of events; the sweep finds such changes",
            metadata: [
                "hypervisor.uri": "\(uri)", "events": "\(missing.keys.map(\.rawValue).sorted().joined(separator: ", "))",
            ])
    }

    mutating func synchronised(instances: Int) {
        health.synchronised()
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
            "the hypervisor is gone; the last inventory answers until it is back",
            metadata: [
                "hypervisor.uri": "\(uri)", "reason": "\(reason)", "instances": "\(instances)",
            ])
    }

    mutating func failed(_ error: LibvirtError, connected: Bool, instances: Int) {
        health.failed("\(error)", isConnected: connected)
        guard connected else {
            if state == .unknown {
                state = .away
                logger.error(
                    isLocal
                        ? "cannot reach the hypervisor; trying again until it answers"
                        : "cannot reach another host's hypervisor; nobody waits for its guests, and it is tried again",
                    metadata: [
                        "hypervisor.uri": "\(uri)", "reason": "\(error)",
                        "hint": "is libvirtd running, and may this user connect? try: virsh -r -c \(uri) list",
                    ])
            }
            return lost(reason: "\(error)", instances: instances)
        }
        guard state != .partial(error) else { return }
        state = .partial(error)
        logger.warning(
            "the hypervisor cannot be read whole; the last inventory stands",
            metadata: [
                "hypervisor.uri": "\(uri)", "reason": "\(error)", "instances": "\(instances)",
            ])
    }

    // MARK: Domains and networks

    mutating func assembled(_ domain: InstanceUUID, named name: String, findings: [Finding]) {
        unusableDomains[domain] = nil
        guard self.findings[domain, default: []] != findings else { return }
        self.findings[domain] = findings.isEmpty ? nil : findings
        let unusable = findings.filter { $0.weight == .unusable }
        for finding in unusable.prefix(Self.mostFindings) {
            logger.warning(
                "a value in the domain's metadata cannot be used and is left out",
                metadata: [
                    "domain": "\(name)", "finding": "\(finding)",
                ])
        }
        if unusable.count > Self.mostFindings {
            logger.warning(
                "the domain's metadata has more of these; `virt-metadata check` names all",
                metadata: [
                    "domain": "\(name)", "more": "\(unusable.count - Self.mostFindings)",
                ])
        }
    }

    mutating func unusable(_ domain: InstanceUUID, named name: String, _ error: DescriptionError) {
        guard unusableDomains.updateValue("\(error)", forKey: domain) != "\(error)" else { return }
        logger.error("a domain's XML cannot be used; it is not served", metadata: ["domain": "\(name)", "reason": "\(error)"])
    }

    mutating func unreadable(_ domain: InstanceUUID, _ error: LibvirtError) {
        guard unusableDomains.updateValue("\(error)", forKey: domain) != "\(error)" else { return }
        logger.error(
            "a domain cannot be read; what is known of it stands until it can",
            metadata: [
                "domain.uuid": "\(domain)", "reason": "\(error)",
            ])
    }

    mutating func unusable(network: String, _ error: DescriptionError) {
        note(network: network, "a network's XML cannot be used", reason: "\(error)")
    }

    /// - Parameter network: its name; `nil` for all of them.
    mutating func unreadable(network: String?, _ error: LibvirtError) {
        note(network: network ?? "all", "a network cannot be read; what is known of it stands until it can", reason: "\(error)")
    }

    /// Logs a message once for the same reason.
    private mutating func note(network: String, _ message: Logger.Message, reason: String) {
        guard networkProblems.updateValue(reason, forKey: network) != reason else { return }
        logger.warning(message, metadata: ["network": "\(network)", "reason": "\(reason)"])
    }

    mutating func forgotten(_ domain: InstanceUUID) {
        findings[domain] = nil
        unusableDomains[domain] = nil
    }
}

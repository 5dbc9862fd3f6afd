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
            "libvirt driver does not support all events; changes are found at the next resync",
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
            logger.warning(
                "unusable value in a domain's metadata; it is not served",
                metadata: [
                    "domain.name": "\(name)", "domain.uuid": "\(domain)", "error": "\(finding)",
                ])
        }
        if unusable.count > Self.mostFindings {
            logger.warning(
                "more unusable values in a domain's metadata",
                metadata: [
                    "domain.name": "\(name)", "domain.uuid": "\(domain)", "count": "\(unusable.count - Self.mostFindings)",
                    "hint": "virt-metadata check \(domain)",
                ])
        }
    }

    mutating func unusable(_ domain: InstanceUUID, named name: String, _ error: DescriptionError) {
        guard unusableDomains.updateValue("\(error)", forKey: domain) != "\(error)" else { return }
        logger.error(
            "invalid domain XML; the domain is not served",
            metadata: ["domain.name": "\(name)", "domain.uuid": "\(domain)", "error": "\(error)"])
    }

    mutating func unreadable(_ domain: InstanceUUID, _ error: LibvirtError) {
        guard unusableDomains.updateValue("\(error)", forKey: domain) != "\(error)" else { return }
        logger.error(
            "cannot read a domain; serving its last known state",
            metadata: [
                "domain.uuid": "\(domain)", "error": "\(error)",
            ])
    }

    mutating func unusable(network: String, _ error: DescriptionError) {
        note(network: network, "invalid network XML", reason: "\(error)")
    }

    /// - Parameter network: its name; `nil` for all of them.
    mutating func unreadable(network: String?, _ error: LibvirtError) {
        note(network: network ?? "all", "cannot read a network; using its last known state", reason: "\(error)")
    }

    /// Logs a message once for the same reason.
    private mutating func note(network: String, _ message: Logger.Message, reason: String) {
        guard networkProblems.updateValue(reason, forKey: network) != reason else { return }
        logger.warning(message, metadata: ["network": "\(network)", "error": "\(reason)"])
    }

    mutating func forgotten(_ domain: InstanceUUID) {
        findings[domain] = nil
        unusableDomains[domain] = nil
    }
}

import Common
package import Configuration
import Description
import Libvirt

/// Checks each hop from libvirt to a guest's reply, and reports where the path ends.
///
/// A check is a method here or in the files beside this one that returns a ``CheckResult``; `checks` names them, and `examine` calls
/// them, in the order of their dependencies. A check that depends on a failed one is reported as skipped.
package struct Doctor {
    package let configuration: Configuration
    /// The configuration file that the command line names, if it names one.
    private let file: String?
    let sources: HostSources

    package init(configuration: Configuration, file: String? = nil) {
        self.init(configuration: configuration, file: file, sources: HostSources())
    }

    init(configuration: Configuration, file: String? = nil, sources: HostSources) {
        (self.configuration, self.file, self.sources) = (configuration, file, sources)
    }

    /// The names of the checks of a domain, in order; at most nine letters each, which is the width of the column.
    static let checks = ["libvirt", "domain", "server", "smbios", "metadata", "network", "firewall", "port", "request"]

    private var local: String { configuration.connect.first ?? "" }

    /// A command of this program that finds the same domains.
    package func command(_ words: String) -> String {
        var options = file.map { "--config-file \($0.shellWord) " } ?? ""
        if case .flag? = configuration.sources["connect"] { options += "-c \(local.shellWord) " }
        return "virt-metadata \(options)\(words)"
    }

    // MARK: One domain

    /// The results for one domain, and for its host.
    package func examine(_ name: String) async -> [CheckResult] {
        let (libvirt, host) = await checkLibvirt()
        let (server, facts) = await checkServer()
        guard let host else { return Self.completed([libvirt, server], because: "libvirt cannot be reached") }
        host.server = facts
        let (domain, examined) = await checkDomain(name, host)
        if let examined {
            let stopped = examined.isRunning ? [] : [examined.instance]
            host.clones = DomainClones(await runningInstances(host) + stopped)
        }
        await host.hypervisor.disconnect()
        guard let examined else {
            return Self.completed([libvirt, domain, server], because: "there is no running domain to check")
        }
        guard examined.isRunning else {
            return Self.completed([libvirt, domain, server] + checks(ofStopped: examined), because: "the domain is not running")
        }
        return [libvirt, domain, server] + (await checks(of: examined))
    }

    /// The checks that a definition is enough for.
    private func checks(ofStopped examined: ExaminedDomain) -> [CheckResult] {
        let network = checkNetwork(examined).0
        guard examined.isEnabled else {
            return ["smbios", "metadata"].map { CheckResult(name: $0, skipped: "not enabled") } + [network]
        }
        return [checkTables(examined), checkMetadata(examined), network]
    }

    /// The checks of a running domain beyond its existence.
    private func checks(of examined: ExaminedDomain) async -> [CheckResult] {
        let (network, interfaces) = checkNetwork(examined)
        let results = [checkTables(examined), checkMetadata(examined), network]
        guard !interfaces.isEmpty else {
            let reason = "no interface is on a bridge that is served"
            return results + ["firewall", "port", "request"].map { CheckResult(name: $0, skipped: reason) }
        }
        return results + [
            checkFirewall(interfaces, examined), checkPorts(interfaces, examined), await checkRequest(examined),
        ]
    }

    /// All results in order, those that are missing as skipped.
    private static func completed(_ results: [CheckResult], because reason: String) -> [CheckResult] {
        checks.map { name in results.first { $0.name == name } ?? CheckResult(name: name, skipped: reason) }
    }

    // MARK: The host

    /// The results for the host and all its running domains, by one connection to libvirt and one dump of the rules.
    package func examineHost() async -> HostReport {
        var (libvirt, host) = await checkLibvirt()
        var (server, facts) = await checkServer()
        guard let host else { return HostReport(checks: [libvirt, server]) }
        (host.server, host.isOverview) = (facts, true)
        if facts.state == .running { server.diagnoses += Self.spoofedFrames(host) }
        var running: [DomainReference] = []
        do throws(LibvirtError) {
            running = try await host.hypervisor.runningDomains()
        } catch {
            libvirt.diagnoses.append(Self.diagnosis(of: error, at: host.uri))
        }
        var found: [(name: String, result: CheckResult, examined: ExaminedDomain?)] = []
        for reference in running.sorted(by: { ($0.name, $0.uuid.description) < ($1.name, $1.uuid.description) }) {
            let (result, examined) = await checkDomain("\(reference.uuid)", host, isListed: true)
            found.append((reference.name, result, examined))
        }
        await host.hypervisor.disconnect()
        host.clones = DomainClones(found.compactMap { $0.examined?.instance })
        libvirt.diagnoses += Self.unreadableNetworks(host)
        server.diagnoses += configuredNetworks(host, found.compactMap(\.examined))
        var domains: [HostReport.Domain] = []
        for (name, result, examined) in found {
            if let examined {
                domains.append(await report(examined, result))
            } else if result.severity != nil {
                domains.append(.init(name: name, isEnabled: true, checks: [result]))
            }
        }
        return HostReport(checks: [libvirt, server], domains: domains)
    }

    static let notEnabled = "not enabled: the domain has no SMBIOS identity and no <instance> metadata"

    private func report(_ examined: ExaminedDomain, _ domain: CheckResult) async -> HostReport.Domain {
        let name = examined.domain.name
        guard examined.isEnabled else {
            let note = Diagnosis.note(Self.notEnabled, command("enable \(examined.word)"))
            let results = [domain, CheckResult(name: "smbios", diagnoses: [note])]
            let all = Self.completed(results, because: "not enabled").filter { !["libvirt", "server"].contains($0.name) }
            return .init(name: name, isEnabled: false, checks: all)
        }
        return .init(name: name, isEnabled: true, checks: [domain] + (await checks(of: examined)))
    }
}

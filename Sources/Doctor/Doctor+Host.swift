import Admin
import Common
import Configuration
import Description
import JSON
package import Libvirt

extension Doctor {
    // MARK: libvirt

    /// Connects to libvirt, and reads the facts that all checks share.
    func checkLibvirt() async -> (CheckResult, ExaminedHost?) {
        let uri = configuration.connect.first ?? ""
        var hypervisor: Hypervisor?
        do throws(LibvirtError) {
            let connected = try await sources.connect(uri)
            hypervisor = connected
            let host = try await ExaminedHost(connected, at: uri, configuration, sources)
            return (CheckResult(name: "libvirt", detail: uri), host)
        } catch {
            await hypervisor?.disconnect()
            return (CheckResult(name: "libvirt", diagnoses: [Self.diagnosis(of: error, at: uri)]), nil)
        }
    }

    /// What a failed connection means, and the command that fixes it.
    ///
    /// - Parameter unit: the systemd unit of this host's libvirt daemon.
    package static func diagnosis(
        of error: LibvirtError, at uri: String, unit: String = LibvirtUnit.name()
    ) -> Diagnosis {
        // Without a host; another host's are tested by hand.
        let isLocal = uri.contains(":///") && !uri.contains("+ssh")
        let test = "virsh -c \(uri.shellWord) uri"
        if error.isDenied {
            let remedy = isLocal ? "run as root; or: sudo usermod -aG libvirt $USER, then log in again" : test
            return .error("libvirt at \(uri) denies access: \(error.message)", remedy).denied
        }
        guard error.code == .operationTimeout else {
            let remedy = isLocal && uri.hasPrefix("qemu") ? "sudo systemctl start \(unit)" : test
            return .error("cannot connect to libvirt at \(uri): \(error.message)", remedy)
        }
        let remedy = isLocal && uri.hasPrefix("qemu") ? "sudo systemctl restart \(unit)" : test
        return .error("libvirt at \(uri) accepts connections but does not respond", remedy)
    }

    // MARK: The domain

    /// - Parameters:
    ///   - name: the domain's name, UUID or ID.
    ///   - isListed: whether the domain ran a moment ago: then it is no problem that it has stopped.
    func checkDomain(
        _ name: String, _ host: ExaminedHost, isListed: Bool = false
    ) async -> (CheckResult, ExaminedDomain?) {
        let (uri, virsh) = (host.uri, "virsh -c \(host.uri.shellWord)")
        var result = CheckResult(name: "domain")
        do {
            guard let domain = try await host.hypervisor.editableDomains(name, namespace: InstanceElement.namespace).first else {
                if isListed { return (result, nil) }
                let names = try await host.hypervisor.allDomains().map(\.name)
                let advice = nearestWord(to: name, among: names).map { "; did you mean '\($0)'?" } ?? ""
                result.diagnoses = [.error("no domain '\(name)' at \(uri)\(advice)", "\(virsh) list --all")]
                return (result, nil)
            }
            guard let running = domain.running else {
                return isListed ? (result, nil) : try stopped(domain, host)
            }
            let defined = domain.defined.map { Array($0.xml.utf8) }
            let isEnabledByDefinition = try defined.map { try host.assembly.assemble($0).instance.enabledBy != nil } ?? false
            let assembled = try host.assembly.assemble(Array(running.xml.utf8), edited: configuration.edited ? defined : nil)
            result.detail = domain.name
            return (
                result,
                ExaminedDomain(
                    host: host, domain: domain, running: running, assembled: assembled,
                    isEnabledByDefinition: isEnabledByDefinition)
            )
        } catch let error as LibvirtError {
            result.diagnoses = [Self.diagnosis(of: error, at: uri)]
        } catch {
            result.diagnoses = [.error("invalid XML of domain '\(name)': \(error)", "\(virsh) edit \(name.shellWord)")]
        }
        return (result, nil)
    }

    /// The result for a domain that does not run, and its definition to be examined instead.
    private func stopped(_ domain: EditableDomain, _ host: ExaminedHost) throws -> (CheckResult, ExaminedDomain?) {
        var result = CheckResult(name: "domain")
        let (virsh, word) = ("virsh -c \(host.uri.shellWord)", domain.commandWord)
        let problem = "\(domain.name) is not running"
        guard let defined = domain.defined else {
            // It has stopped since it was found.
            result.diagnoses = [.error(problem)]
            return (result, nil)
        }
        let assembled = try host.assembly.assemble(Array(defined.xml.utf8))
        let isEnabled = assembled.instance.enabledBy != nil
        let examined = ExaminedDomain(
            host: host, domain: domain, running: defined, assembled: assembled, isEnabledByDefinition: isEnabled)
        // Without its networks it does not start.
        let starts = Self.inactiveNetworks(examined).map { "\(virsh) net-start \($0.text.shellWord)" }
        let remedy = (starts + ["\(virsh) start \(word)"]).joined(separator: "; ")
        result.diagnoses = [.error(problem, remedy)]
        // First, because only a start after it makes the guest request metadata.
        if !isEnabled { result.diagnoses.insert(.error(Self.notEnabled, command("enable \(word)")), at: 0) }
        return (result, examined)
    }

    /// The running domains as instances; one that cannot be read is left out.
    func runningInstances(_ host: ExaminedHost) async -> [Instance] {
        var instances: [Instance] = []
        for reference in (try? await host.hypervisor.runningDomains()) ?? [] {
            guard let found = try? await host.hypervisor.domain(uuid: reference.uuid, edited: configuration.edited) else {
                continue
            }
            let edited = found.inactiveXML.map { Array($0.utf8) }
            guard let assembled = try? host.assembly.assemble(Array(found.liveXML.utf8), edited: edited) else { continue }
            instances.append(assembled.instance)
        }
        return instances
    }

    // MARK: The server

    func checkServer() async -> (CheckResult, ExaminedHost.Server) {
        var (result, facts) = (CheckResult(name: "server"), ExaminedHost.Server())
        let client = AdminClient(configuration)
        do throws(AdminClient.Failure) {
            let health = try await client.get(["healthz"])
            facts.state = .running
            guard health.status == 200 else {
                let problem = "the server is not healthy: \(health.error ?? "status \(health.status)")"
                result.diagnoses = [.error(problem, "sudo systemctl restart virt-metadata")]
                return (result, facts)
            }
            Self.read(try await client.get(["status"]), into: &facts)
            let readiness = try await client.get(["readyz"])
            guard readiness.status == 200 else {
                let problem = "the server is not ready: \(readiness.error ?? "status \(readiness.status)")"
                result.diagnoses = [.warning(problem, "sudo journalctl -u virt-metadata")]
                return (result, facts)
            }
            result.detail = "running, all domains read"
        } catch {
            facts.state = error.isDenied ? .denied : .down
            result.diagnoses = [
                error.isDenied
                    ? Diagnosis.warning("cannot query the server: \(error.problem)", "run as root").denied
                    : .error(error.problem, error.remedy)
            ]
        }
        return (result, facts)
    }

    private static func read(_ status: AdminClient.Answer, into facts: inout ExaminedHost.Server) {
        guard status.status == 200, let document = try? JSONParsing.value(of: status.bytes, limit: longestStatus),
            document.text("selection") != "none", case .array(let bridges)? = document["bridges"]
        else { return }
        facts.bridges = Set(bridges.filter { $0["served"] == .bool(true) }.map { $0.text("name") })
        facts.isOptIn = document.text("selection") == "enabled"
    }

    /// Large hosts have thousands of bridges.
    private static let longestStatus = 64 << 20
}

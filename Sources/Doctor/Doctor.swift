import Admin
import Common
package import Configuration
import FoundationEssentials
import Glibc
import Inventory
import JSON
package import Libvirt

/// Checks the whole path from libvirt to a guest's answer, step by step, and reports where it ends.
///
/// A check is a method here or in the files beside this one that returns a ``CheckResult``; `checks` names them, and `examine` calls
/// them, in the order of their dependencies. A check that depends on a failed one is reported as skipped.
package struct Doctor {
    package let configuration: Configuration

    package init(configuration: Configuration) {
        self.configuration = configuration
    }

    /// The names of the checks of a domain, in order; at most nine letters each, which is the width of the column.
    static let checks = ["libvirt", "domain", "server", "smbios", "metadata", "network", "firewall", "port", "request"]

    private var local: String { configuration.connect.first ?? "" }

    /// The results for one domain, and for its host.
    package func examine(_ name: String) async -> [CheckResult] {
        let (libvirt, hypervisor) = await checkLibvirt()
        guard let hypervisor else {
            return Self.withSkipped([libvirt], "libvirt does not answer")
        }
        let (domain, examined) = await checkDomain(name, hypervisor)
        let server = await checkServer()
        guard let examined else {
            await hypervisor.disconnect()
            return Self.withSkipped([libvirt, domain, server], "the domain does not run here")
        }
        var results = [libvirt, domain, server, checkTables(examined), checkMetadata(examined)]
        await hypervisor.disconnect()
        results.append(checkNetwork(examined, isServing: server.severity != .error))
        results.append(checkFirewall(examined))
        results.append(checkPorts(examined))
        results.append(await checkRequest(examined, isServing: server.severity != .error))
        return results
    }

    /// The results for the host alone, and the names of the running domains.
    package func examineHost() async -> (results: [CheckResult], domains: [String]) {
        let (libvirt, hypervisor) = await checkLibvirt()
        let server = await checkServer()
        guard let hypervisor else { return ([libvirt, server], []) }
        let names = (try? await hypervisor.runningDomains().map(\.name)) ?? []
        await hypervisor.disconnect()
        return ([libvirt, server], names.sorted())
    }

    /// The results of the first checks, and all others as skipped.
    private static func withSkipped(_ results: [CheckResult], _ reason: String) -> [CheckResult] {
        results + checks.dropFirst(results.count).map { CheckResult(name: $0, skipped: reason) }
    }

    // MARK: libvirt and the domain

    private func checkLibvirt() async -> (CheckResult, Hypervisor?) {
        var result = CheckResult(name: "libvirt", detail: local)
        let hypervisor = Hypervisor(uri: local) { _ in }
        do throws(LibvirtError) {
            try await hypervisor.connect()
            return (result, hypervisor)
        } catch {
            result.diagnoses = [Self.diagnosis(of: error, at: local)]
            return (result, nil)
        }
    }

    package static func diagnosis(of error: LibvirtError, at uri: String) -> Diagnosis {
        if error.isDenied {
            return .error(
                "libvirt at \(uri) does not let this user in: \(error.message)",
                "run this as root, or: sudo usermod -aG libvirt USER, and log in again")
        }
        if error.code == .operationTimeout {
            return .error("libvirt at \(uri) accepts a connection and then says nothing", "sudo systemctl restart libvirtd")
        }
        return .error(
            "libvirt cannot be reached at \(uri): \(error.message)",
            "sudo systemctl start libvirtd; or say where it is by --connect URI")
    }

    private func checkDomain(_ name: String, _ hypervisor: Hypervisor) async -> (CheckResult, ExaminedDomain?) {
        var result = CheckResult(name: "domain")
        do {
            let found = try await hypervisor.editableDomains(name, namespace: InstanceElement.namespace)
            guard found.count <= 1 else {
                let names = found.map { "\($0.name) (\($0.uuid))" }.joined(separator: " and ")
                result.diagnoses = [.error("'\(name)' is \(names)", "say which by its UUID")]
                return (result, nil)
            }
            guard let domain = found.first else {
                let names = try await hypervisor.allDomains().map(\.name)
                let advice = nearestWord(to: name, among: names).map { "; is '\($0)' meant?" } ?? ""
                result.diagnoses = [.error("there is no domain '\(name)' at \(local)\(advice)", "virsh -c \(local) list --all")]
                return (result, nil)
            }
            guard let running = domain.running else {
                result.diagnoses = [.error("\(domain.name) does not run", "virsh -c \(local) start \(domain.commandWord)")]
                return (result, nil)
            }
            let networks = try await hypervisor.networks()
            let assembly = try InstanceAssembly(
                networks: networks.map { Array($0.xml.utf8) }, defaults: configuration.defaults, readsBare: false)
            let assembled = try assembly.assemble(Array(running.xml.utf8))
            result.detail = domain.name
            return (
                result,
                ExaminedDomain(
                    uri: local, domain: domain, running: running, assembled: assembled, networks: networks,
                    leases: await hypervisor.leasedAddresses(on: networks))
            )
        } catch let error as LibvirtError {
            result.diagnoses = [Self.diagnosis(of: error, at: local)]
        } catch {
            let remedy = "virsh -c \(local) edit \(name.shellWord)"
            result.diagnoses = [.error("the XML of '\(name)' cannot be used: \(error)", remedy)]
        }
        return (result, nil)
    }

    // MARK: The server

    private func checkServer() async -> CheckResult {
        var result = CheckResult(name: "server")
        let client = AdminClient(configuration)
        do throws(AdminClient.Failure) {
            let health = try await client.get(["healthz"])
            guard health.status == 200 else {
                result.diagnoses = [.error(health.error ?? "the server is not well", "sudo systemctl restart virt-metadata")]
                return result
            }
            let readiness = try await client.get(["readyz"])
            guard readiness.status == 200 else {
                result.diagnoses = [
                    .warning(
                        "the server is not ready: \(readiness.error ?? "it does not say why")", "sudo journalctl -u virt-metadata"
                    )
                ]
                return result
            }
            result.detail = "it runs, and has read all domains"
        } catch {
            result.diagnoses = [
                error.isDenied
                    ? .warning("the server cannot be asked: \(error.problem)", "sudo virt-metadata doctor")
                    : .error("no server answers: \(error.problem)", "sudo systemctl start virt-metadata")
            ]
        }
        return result
    }

    private func checkRequest(_ examined: ExaminedDomain, isServing: Bool) async -> CheckResult {
        var result = CheckResult(name: "request")
        guard isServing else { return CheckResult(name: "request", skipped: "no server answers") }
        let client = AdminClient(configuration)
        let (uuid, path) = (examined.domain.uuid.description, "/latest/meta-data/instance-id")
        do throws(AdminClient.Failure) {
            let answer = try await client.get(["instances", uuid, "get"], query: [("path", path)])
            guard answer.status == 200 else {
                result.diagnoses = [
                    .error(
                        "the server does not answer this guest: \(answer.error ?? "\(answer.status) for \(path)")",
                        "sudo journalctl -u virt-metadata")
                ]
                return result
            }
            let log = try await client.get(["instances", uuid, "requests"])
            let requests = (try? JSONParsing.value(of: log.bytes))?["requests"]
            guard case .array(let list)? = requests, let last = list.last else {
                result.diagnoses = [
                    .note(
                        "the server would answer, but the guest has asked for nothing since the server started",
                        "look at the guest's console: virsh -c \(examined.uri) console \(examined.domain.commandWord)")
                ]
                return result
            }
            result.detail = "asked for \(last.text("target")) \(Age.text(last.number("age"))) ago, and got \(last.text("status"))"
        } catch {
            return CheckResult(name: "request", skipped: error.problem)
        }
        return result
    }
}

/// The domain that is examined.
struct ExaminedDomain {
    let uri: String
    let domain: EditableDomain
    /// The domain as it runs.
    let running: EditableDomain.Part
    let assembled: InstanceAssembly.Assembled
    /// The host's active networks.
    let networks: [NetworkDescription]
    /// The DHCP leases of all clients.
    let leases: [MACAddress: [IPAddress]]

    var instance: Instance { assembled.instance }
}

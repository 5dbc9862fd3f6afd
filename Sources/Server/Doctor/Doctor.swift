import Common
import FoundationEssentials
import Glibc
import Inventory
import JSON
import Kernel
import Libvirt

/// Walks the whole path from libvirt to a guest's answer, step by step, and says where it ends.
///
/// A check is a method here or in the files beside this one that gives a ``CheckResult``; `examine` and `examineHost` are the lists of them,
/// in the order of what rests on what. A check that cannot be made because of what was found before says so.
struct Doctor {
    let configuration: Configuration

    private var local: String { configuration.connect.first ?? "" }

    /// What is found of one domain, and of its host.
    func examine(_ name: String) async -> [CheckResult] {
        let (libvirt, hypervisor) = await checkLibvirt()
        guard let hypervisor else {
            return [libvirt]
                + Self.skipped(
                    ["domain", "server", "smbios", "metadata", "network", "firewall", "port", "request"],
                    "libvirt does not answer")
        }
        let (domain, patient) = await checkDomain(name, hypervisor)
        let server = await checkServer()
        guard let patient else {
            await hypervisor.disconnect()
            return [libvirt, domain, server]
                + Self.skipped(["smbios", "metadata", "network", "firewall", "port", "request"], "the domain does not run here")
        }
        var results = [libvirt, domain, server, checkTables(patient), checkMetadata(patient)]
        await hypervisor.disconnect()
        results.append(checkNetwork(patient, isServing: server.severity != .error))
        results.append(checkFirewall(patient))
        results.append(checkPorts(patient))
        results.append(await checkRequest(patient, isServing: server.severity != .error))
        return results
    }

    /// What is found of the host alone, and the names of the domains that run.
    func examineHost() async -> (results: [CheckResult], domains: [String]) {
        let (libvirt, hypervisor) = await checkLibvirt()
        let server = await checkServer()
        guard let hypervisor else { return ([libvirt, server], []) }
        let names = (try? await hypervisor.runningDomains().map(\.name)) ?? []
        await hypervisor.disconnect()
        return ([libvirt, server], names.sorted())
    }

    private static func skipped(_ names: [String], _ reason: String) -> [CheckResult] {
        names.map { CheckResult(name: $0, skipped: reason) }
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

    static func diagnosis(of error: LibvirtError, at uri: String) -> Diagnosis {
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

    private func checkDomain(_ name: String, _ hypervisor: Hypervisor) async -> (CheckResult, Patient?) {
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
                result.diagnoses = [.error("\(domain.name) does not run", "virsh -c \(local) start \(domain.name)")]
                return (result, nil)
            }
            let networks = try await hypervisor.networks()
            let assembly = try InstanceAssembly(
                networks: networks.map { Array($0.xml.utf8) }, defaults: configuration.defaults, readsBare: false)
            let assembled = try assembly.assemble(Array(running.xml.utf8))
            result.detail = domain.name
            return (
                result,
                Patient(
                    uri: local, domain: domain, running: running, assembled: assembled, networks: networks,
                    leases: await hypervisor.leasedAddresses(on: networks))
            )
        } catch let error as LibvirtError {
            result.diagnoses = [Self.diagnosis(of: error, at: local)]
        } catch {
            result.diagnoses = [.error("the XML of '\(name)' cannot be used: \(error)", "virsh -c \(local) edit \(name)")]
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

    private func checkRequest(_ patient: Patient, isServing: Bool) async -> CheckResult {
        var result = CheckResult(name: "request")
        guard isServing else { return CheckResult(name: "request", skipped: "no server answers") }
        let client = AdminClient(configuration)
        let (uuid, path) = (patient.domain.uuid, "/latest/meta-data/instance-id")
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
                        "look at the guest's console: virsh -c \(patient.uri) console \(patient.domain.name)")
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
struct Patient {
    let uri: String
    let domain: EditableDomain
    /// The domain as it runs.
    let running: EditableDomain.Part
    let assembled: InstanceAssembly.Assembled
    /// The host's active networks.
    let networks: [NetworkDescription]
    /// What DHCP gave, to whomever.
    let leases: [MACAddress: [IPAddress]]

    var instance: Instance { assembled.instance }
}

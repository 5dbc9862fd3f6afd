import Common
import Configuration
import Description
import Libvirt

/// Finds domains to change at all hypervisors of the configuration.
struct DomainFinder {
    /// A hypervisor with a connection that can change domains.
    struct Host {
        let uri: String
        let hypervisor: Hypervisor
        let assembly: InstanceAssembly
    }

    private let uris: [String]
    private let hosts: [Host]
    /// Why the others cannot be reached.
    private let failures: [String]

    /// - Parameter defaults: what is told to many, by which the profiles of domains are checked.
    /// - Throws: `CommandFailure` where no hypervisor can be reached.
    init(_ uris: [String], _ defaults: InstanceDefaults) async throws(CommandFailure) {
        var (hosts, failures): ([Host], [String]) = ([], [])
        for uri in uris {
            let hypervisor = Hypervisor(uri: uri, access: .writing) { _ in }
            do throws(LibvirtError) {
                try await hypervisor.connect()
                let assembly = try await hypervisor.networks().assembly(defaults: defaults)
                hosts.append(Host(uri: uri, hypervisor: hypervisor, assembly: assembly))
            } catch {
                failures.append(DomainEditor.explanation(of: error, at: uri))
            }
        }
        guard !hosts.isEmpty else { throw CommandFailure(failures.joined(separator: "; ")) }
        for failure in failures { VirtMetadata.printError("virt-metadata: \(failure)") }
        (self.uris, self.hosts, self.failures) = (uris, hosts, failures)
    }

    /// Whether every hypervisor could be reached.
    var isComplete: Bool { failures.isEmpty }

    /// The domain that an argument names.
    ///
    /// - Parameter text: a name, a UUID, or the ID of a running domain.
    /// - Throws: `CommandFailure` where there is none, or more than one.
    func domain(_ text: String) async throws(CommandFailure) -> (host: Host, domain: EditableDomain) {
        var found: [(host: Host, domain: EditableDomain)] = []
        var (names, failures): (Set<String>, [String]) = ([], failures)
        for host in hosts {
            do throws(LibvirtError) {
                let domains = try await host.hypervisor.editableDomains(text, namespace: InstanceElement.namespace)
                found += domains.map { (host, $0) }
                if domains.isEmpty { names.formUnion(try await host.hypervisor.allDomains().map(\.name)) }
            } catch {
                failures.append(DomainEditor.explanation(of: error, at: host.uri))
            }
        }
        guard found.count <= 1 else {
            let all = found.map { "\($0.domain.name) (\($0.domain.uuid)) at \($0.host.uri)" }.joined(separator: " and ")
            let advice = Set(found.map(\.host.uri)).count > 1 ? "select one with --connect URI" : "select one by its UUID"
            throw CommandFailure("'\(text)' is ambiguous: \(all): \(advice)")
        }
        if let only = found.first { return only }
        let nearest = nearestWord(to: text, among: names).map { "; did you mean '\($0)'?" }
        let hint = nearest ?? (uris.count == 1 ? "; `virsh -c \(uris[0].shellWord) list --all` lists the domains" : "")
        throw CommandFailure(
            (failures + ["no domain '\(text)' at \(hosts.map(\.uri).joined(separator: " or "))\(hint)"])
                .joined(separator: "; "))
    }

    /// The UUIDs and names of all domains, by name.
    func all() async throws(CommandFailure) -> [DomainReference] {
        var all: [DomainReference] = []
        for host in hosts {
            do throws(LibvirtError) {
                all += try await host.hypervisor.allDomains()
            } catch {
                throw CommandFailure(DomainEditor.explanation(of: error, at: host.uri))
            }
        }
        return all.sorted { ($0.name, "\($0.uuid)") < ($1.name, "\($1.uuid)") }
    }
}

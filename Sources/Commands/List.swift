import Admin
import ArgumentParser
import Common
import Configuration
import Glibc
import Inventory
import JSON
import Libvirt
import Netlink

/// `virt-metadata list`: lists all domains and the state of their metadata.
struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List all domains: their data source, addresses and last request.",
        discussion: """
            IDENTITY is the cloud that the definition's SMBIOS entries stand for; DATASOURCE is what cloud-init from 24.2 on would \
            choose by what the running domain shows, and in brackets what Debian 12's 22.4.2 would, where that differs. Addresses \
            are those of the domain's XML, and what libvirt's DHCP gave. The last request is the running server's word, if it can \
            be asked, which is root's.

            EXAMPLES
                sudo virt-metadata list
                virt-metadata list --json
            """)

    @Flag(help: "Print JSON; /usr/share/doc/virt-metadata/admin.md describes it.")
    var json = false

    @OptionGroup var settings: CommandSettings

    /// A domain, and the server's entry for it.
    private struct Row {
        let name: String
        let uuid: String
        let uri: String
        let state: String
        let identity: String?
        let tables: DatasourceDetection?
        let addresses: [String]
        /// The server's entry; `nil` where the server has none.
        let known: JSONValue?

        var datasource: String {
            func names(_ version: DatasourceDetection.Version) -> String {
                let found = tables?.datasources(for: version).map(\.rawValue) ?? []
                return found.isEmpty ? "none" : found.joined(separator: ",")
            }
            let (newer, older) = (names(.newer), names(.older))
            return newer == older ? newer : "\(newer) (\(DatasourceDetection.Version.older.rawValue): \(older))"
        }

        var lastRequest: String {
            guard let known else { return "-" }
            guard let last = known["last_request"], case .object = last else { return "never" }
            return "\(last.text("status")) \(Age.text(last.number("age"))) ago"
        }

        var json: JSONValue {
            let versions = DatasourceDetection.Version.allCases.map { version in
                let found = tables?.datasources(for: version).map { JSONValue.string($0.rawValue) } ?? []
                return JSONMember(version.rawValue, .array(found))
            }
            return .object([
                JSONMember("name", .string(name)), JSONMember("uuid", .string(uuid)), JSONMember("hypervisor", .string(uri)),
                JSONMember("state", .string(state)), JSONMember("identity", identity.map(JSONValue.string) ?? .null),
                JSONMember("datasources", .object(versions)), JSONMember("addresses", .array(addresses.map(JSONValue.string))),
                JSONMember("last_request", known?["last_request"] ?? .null),
            ])
        }
    }

    func run() async throws {
        let configuration = try settings.load()
        let known = await knownInstances(configuration)
        var (rows, failures): ([Row], [String]) = ([], [])
        for uri in configuration.connect {
            do throws(LibvirtError) {
                rows += try await Self.rows(at: uri, configuration, known)
            } catch {
                failures.append(DomainEditor.explanation(of: error, at: uri))
            }
        }
        if failures.count == configuration.connect.count { throw CommandFailure(failures.joined(separator: "; ")) }
        for failure in failures { VirtMetadata.printError("virt-metadata: \(failure)") }
        rows.sort { ($0.name, $0.uuid) < ($1.name, $1.uuid) }
        if json {
            let document = JSONValue.object([JSONMember("domains", .array(rows.map(\.json)))])
            return try FileDescriptorOutput.show(Array((JSONEncoding.text(document) + "\n").utf8))
        }
        let table = TextTable(
            ["DOMAIN", "STATE", "IDENTITY", "DATASOURCE", "ADDRESSES", "LAST REQUEST"],
            rows.map {
                [$0.name, $0.state, $0.identity ?? "-", $0.datasource, $0.addresses.joined(separator: ","), $0.lastRequest]
            })
        try FileDescriptorOutput.write(Array(table.text(on: Terminal(STDOUT_FILENO)).utf8), to: STDOUT_FILENO)
    }

    /// The server's instances, by UUID; empty where no server can be reached, which is no error here.
    private func knownInstances(_ configuration: Configuration) async -> [String: JSONValue] {
        guard let answer = try? await AdminClient(configuration).get(["instances"]),
            case .array(let instances)? = (try? JSONParsing.value(of: answer.bytes, limit: Self.longest))?["instances"]
        else { return [:] }
        return Dictionary(instances.map { ($0.text("uuid"), $0) }) { first, _ in first }
    }

    private static let longest = 64 << 20

    private static func rows(
        at uri: String, _ configuration: Configuration, _ known: [String: JSONValue]
    ) async throws(LibvirtError) -> [Row] {
        let hypervisor = Hypervisor(uri: uri) { _ in }
        try await hypervisor.connect()
        let active = try await hypervisor.networks()
        let networks = active.map { Array($0.xml.utf8) }
        let leases = await hypervisor.leasedAddresses(on: active)
        // A network that cannot be read costs its guests' addresses, and no more.
        let assembly =
            (try? InstanceAssembly(networks: networks, defaults: configuration.defaults, readsBare: false))
            ?? (try? InstanceAssembly(defaults: configuration.defaults, readsBare: false))
        var rows: [Row] = []
        for domain in try await hypervisor.allDomains() {
            guard let found = try await hypervisor.domain(domain, edited: true) else { continue }
            let xml = Array(found.liveXML.utf8)
            let definition = try? DomainDefinition(found.inactiveXML ?? found.liveXML, element: nil)
            let assembled = try? assembly?.assemble(xml)
            let uuid = found.uuid.description
            rows.append(
                Row(
                    name: found.name, uuid: uuid, uri: uri,
                    state: found.isRunning ? found.isPaused ? "paused" : "running" : "shut off",
                    identity: definition?.enabledIdentity ?? definition?.presentIdentity?.rawValue,
                    tables: try? DatasourceDetection(xml),
                    addresses: addresses(of: assembled?.instance, leases, known[uuid]), known: known[uuid]))
        }
        await hypervisor.disconnect()
        return rows
    }

    /// The addresses from the domain's XML, from DHCP, and from the server.
    private static func addresses(
        of instance: Instance?, _ leases: [MACAddress: [IPAddress]], _ known: JSONValue?
    ) -> [String] {
        var addresses: [String] = []
        for interface in instance?.interfaces ?? [] {
            addresses += (interface.knownAddresses + (leases[interface.mac] ?? [])).map { "\($0)" }
        }
        if case .array(let interfaces)? = known?["interfaces"] {
            for case .array(let more)? in interfaces.map({ $0["addresses"] }) {
                for case .string(let address) in more { addresses.append(address) }
            }
        }
        var seen: Set<String> = []
        return addresses.filter { seen.insert($0).inserted }
    }
}

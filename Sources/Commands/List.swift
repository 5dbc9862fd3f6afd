import Admin
import ArgumentParser
import Common
import Configuration
import Description
import Glibc
import JSON
import Libvirt
import Netlink

/// `virt-metadata list`: lists all domains and the state of their metadata.
struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List all domains: identity, datasource, addresses and last request.",
        discussion: """
            IDENTITY: cloud type advertised in SMBIOS. DATASOURCE: what cloud-init >= 24.2 will select (22.4.2 in brackets if \
            different), by SMBIOS and the kernel command line. SERVED: whether the server serves a bridge of the running domain. \
            ADDRESSES: from the domain's XML and libvirt's DHCP leases. LAST REQUEST: since the domain's last start. SERVED and \
            LAST REQUEST need root and a running server.

            Notes on seed disks, and on identifiers that two domains share, follow the table.

            Exit status: 0 success; 1 a domain cannot be read (the others are listed), or no hypervisor can be reached; 2 usage or \
            configuration error.

            EXAMPLES
                sudo virt-metadata list
                virt-metadata list -o json
                virt-metadata list --names
            """)

    @Flag(help: "Print only the names, one per line.")
    var names = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var settings: SettingsOptions<HostSettings>

    func validate() throws {
        if names, output.format != .table {
            throw ValidationError("--names and -o \(output.format.rawValue) contradict each other: use one of them")
        }
    }

    /// A domain, and the server's entry for it.
    private struct Row {
        let name: String
        let uuid: String
        let uri: String
        let state: String
        let identity: String?
        /// Whether the running domain or its definition has an SMBIOS identity or the operator's element.
        let isEnabled: Bool
        /// Whether the server serves a bridge of the running domain; `nil` where no server can be queried.
        let isServed: Bool?
        let tables: DatasourceDetection?
        let addresses: [String]
        /// The server's entry; `nil` where the server has none.
        let known: JSONValue?
        /// The sentences of `doctor` on its seed disks.
        let seeds: [String]
        let instance: Instance?

        var datasource: String {
            func names(_ version: DatasourceDetection.Version) -> String {
                let found = tables?.datasources(for: version).map(\.rawValue) ?? []
                return found.isEmpty ? "none" : found.joined(separator: ",")
            }
            let (newer, older) = (names(.newer), names(.older))
            return newer == older ? newer : "\(newer) (\(DatasourceDetection.Version.older.rawValue): \(older))"
        }

        /// Whether the server serves the running domain, for the table.
        var served: String { state == "shut off" ? "-" : isServed == true ? "yes" : "no" }

        var lastRequest: String {
            guard let known else { return "-" }
            guard let last = known["last_request"], case .object = last else { return "never" }
            // That of an earlier run says nothing about the guest that runs now.
            if last["earlier_run"] == .bool(true) { return "none since start" }
            return "\(last.text("status")) \(Age.text(last.number("age"))) ago"
        }

        /// What an operator should know besides: seed disks, and what the domain shares with others.
        func notes(_ clones: DomainClones) -> [String] { seeds + (instance.map { clones.clones(of: $0).map(\.problem) } ?? []) }

        func json(_ clones: DomainClones) -> JSONValue {
            let versions = DatasourceDetection.Version.allCases.map { version in
                let found = tables?.datasources(for: version).map { JSONValue.string($0.rawValue) } ?? []
                return JSONMember(version.rawValue, .array(found))
            }
            return .object([
                JSONMember("name", .string(name)), JSONMember("uuid", .string(uuid)), JSONMember("hypervisor", .string(uri)),
                JSONMember("state", .string(state)), JSONMember("identity", identity.map(JSONValue.string) ?? .null),
                JSONMember("datasources", .object(versions)), JSONMember("addresses", .array(addresses.map(JSONValue.string))),
                JSONMember("last_request", known?["last_request"] ?? .null), JSONMember("enabled", .bool(isEnabled)),
                JSONMember("served", isServed.map(JSONValue.bool) ?? .null),
                JSONMember("notes", .array(notes(clones).map(JSONValue.string))),
            ])
        }
    }

    func run() async throws {
        let configuration = try settings.load()
        if names {
            let all = try await Self.collect(configuration) { uri throws(LibvirtError) in try await Self.names(at: uri) }
            let lines = all.sorted().map { "\($0.cleaned())\n" }.joined()
            return try FileDescriptorOutput.write(Array(lines.utf8), to: STDOUT_FILENO)
        }
        let known = await serverFacts(configuration)
        let found = try await Self.collect(configuration) { uri throws(LibvirtError) in
            try await Self.rows(at: uri, configuration, known)
        }
        var rows = found.compactMap { try? $0.get() }
        rows.sort { ($0.name, $0.uuid) < ($1.name, $1.uuid) }
        let clones = DomainClones(rows.compactMap(\.instance))
        try output.print(.object([JSONMember("domains", .array(rows.map { $0.json(clones) }))])) { terminal in
            let hasServer = known.bridges != nil
            return TextTable(
                ["DOMAIN", "STATE", "IDENTITY", "DATASOURCE"] + (hasServer ? ["SERVED"] : []) + ["ADDRESSES", "LAST REQUEST"],
                rows.map {
                    [$0.name, $0.state, $0.identity ?? "-", $0.datasource] + (hasServer ? [$0.served] : [])
                        + [$0.addresses.joined(separator: ","), $0.lastRequest]
                }
            ).text(on: terminal)
        }
        if output.format == .table {
            for row in rows {
                for note in row.notes(clones) { VirtMetadata.printError("\(row.name): \(note)") }
            }
        }
        let unreadable = found.compactMap { if case .failure(let problem) = $0 { problem } else { nil } }
        for domain in unreadable { VirtMetadata.printError("virt-metadata: \(domain.name): \(domain.problem)") }
        guard unreadable.isEmpty else { throw ExitCode(1) }
    }

    /// The items of all hypervisors. One that cannot be reached is reported, and fails the command if it is the only one.
    private static func collect<Item>(
        _ configuration: Configuration, _ read: (String) async throws(LibvirtError) -> [Item]
    ) async throws(CommandFailure) -> [Item] {
        var (items, failures): ([Item], [String]) = ([], [])
        for uri in configuration.connect {
            do throws(LibvirtError) {
                items += try await read(uri)
            } catch {
                failures.append(DomainEditor.explanation(of: error, at: uri))
            }
        }
        if failures.count == configuration.connect.count { throw CommandFailure(failures.joined(separator: "; ")) }
        for failure in failures { VirtMetadata.printError("virt-metadata: \(failure)") }
        return items
    }

    private static func names(at uri: String) async throws(LibvirtError) -> [String] {
        let hypervisor = Hypervisor(uri: uri) { _ in }
        try await hypervisor.connect()
        let names = try await hypervisor.allDomains().map(\.name)
        await hypervisor.disconnect()
        return names
    }

    /// What the running server knows.
    private struct ServerFacts {
        /// Its entries of domains, by UUID.
        var instances: [String: JSONValue] = [:]
        /// The bridges that it serves; `nil` where they are not known.
        var bridges: Set<String>?
    }

    /// Empty where no server can be reached, which is not an error here.
    private func serverFacts(_ configuration: Configuration) async -> ServerFacts {
        let client = AdminClient(configuration)
        func list(_ name: String, of path: String) async -> [JSONValue]? {
            guard let answer = try? await client.get([path]), answer.status == 200,
                case .array(let values)? = (try? JSONParsing.value(of: answer.bytes, limit: Self.longest))?[name]
            else { return nil }
            return values
        }
        guard let instances = await list("instances", of: "instances") else { return ServerFacts() }
        let served = await list("bridges", of: "status")?.filter { $0["served"] == .bool(true) }
        return ServerFacts(
            instances: Dictionary(instances.map { ($0.text("uuid"), $0) }) { first, _ in first },
            bridges: served.map { Set($0.map { $0.text("name") }) })
    }

    private static let longest = 64 << 20

    /// A domain that cannot be read does not keep the others from being listed.
    private static func rows(
        at uri: String, _ configuration: Configuration, _ server: ServerFacts
    ) async throws(LibvirtError) -> [Result<Row, UnreadableDomain>] {
        let hypervisor = Hypervisor(uri: uri) { _ in }
        try await hypervisor.connect()
        let active = try await hypervisor.networks()
        let leases = await hypervisor.leasedAddresses(on: active.described)
        let assembly = active.assembly(defaults: configuration.defaults)
        var rows: [Result<Row, UnreadableDomain>] = []
        for domain in try await hypervisor.allDomains() {
            guard let found = try await hypervisor.read(domain, edited: true) else { continue }
            rows.append(found.map { row(of: $0, at: uri, assembly, leases, server) })
        }
        await hypervisor.disconnect()
        return rows
    }

    private static func row(
        of found: DomainDescription, at uri: String, _ assembly: InstanceAssembly, _ leases: [MACAddress: [IPAddress]],
        _ server: ServerFacts
    ) -> Row {
        let xml = Array(found.liveXML.utf8)
        let definition = try? DomainDefinition(found.inactiveXML ?? found.liveXML, element: nil)
        let assembled = try? assembly.assemble(xml)
        let defined = found.inactiveXML.flatMap { try? assembly.assemble(Array($0.utf8)) }
        let uuid = found.uuid.description
        let bridges = Set(assembled?.instance.interfaces.compactMap(\.bridge) ?? [])
        // Any medium in a drive may be a seed; only names that say so are worth a line here.
        let seeds = SeedDisk.find(in: xml).filter(\.isNamedLikeSeed).map(\.problem)
        return Row(
            name: found.name, uuid: uuid, uri: uri,
            state: found.isRunning ? found.isPaused ? "paused" : "running" : "shut off",
            identity: definition?.enabledIdentity ?? definition?.presentIdentity?.rawValue,
            isEnabled: [assembled, defined].contains { $0?.instance.enabledBy != nil },
            isServed: server.bridges.map { found.isRunning && !$0.isDisjoint(with: bridges) },
            tables: try? DatasourceDetection(xml),
            addresses: addresses(of: assembled?.instance, leases, server.instances[uuid]), known: server.instances[uuid],
            seeds: seeds, instance: assembled?.instance)
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

import ArgumentParser
import Common
import Configuration
import FoundationEssentials
import Glibc
import Host
import Inventory
import Libvirt

/// `virt-metadata check`: reports every unusable value in domains' XML.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate domains' metadata and report every unusable value.",
        discussion: """
            Each argument is a file of domain XML if such a file exists, otherwise a domain; - is the standard input. Without \
            arguments all domains are checked. Each finding is printed with its line.

            Exit status: 0 all values are usable, notes included; 1 a value is unusable, or a file or domain cannot be read; 2 usage or \
            configuration error.

            EXAMPLES
                virt-metadata check
                virt-metadata check web.xml
                virsh dumpxml web | virt-metadata check -
            """)

    @Argument(
        help: ArgumentHelp("Files of domain XML, domains, or -. Default: all domains.", valueName: "file-or-domain"),
        completion: .filesAndDomains)
    var subjects: [String] = []

    @OptionGroup var output: OutputOptions
    @OptionGroup var settings: CommandSettings

    /// A checked file or domain.
    private struct Result {
        let name: String
        var findings: [Finding] = []
        /// Why it could not be checked: a `DescriptionError` where it is not a domain's XML.
        var error: (any Error)?

        var isUsable: Bool { error == nil && !findings.contains { $0.weight == .unusable } }

        /// The lines for the standard output stream: none where it could not be read.
        var text: String {
            var lines = findings.map { "\(name): \($0)" }
            if let error = error as? DescriptionError { lines.append("\(name): \(error)") }
            if isUsable { lines.append("\(name): OK") }
            return lines.map { "\($0.cleaned())\n" }.joined()
        }

        var json: JSONValue {
            .object([
                JSONMember("name", .string(name)), JSONMember("usable", .bool(isUsable)),
                JSONMember("error", error.map { .string("\($0)") } ?? .null),
                JSONMember("findings", .array(findings.map(Self.json))),
            ])
        }

        private static func json(_ finding: Finding) -> JSONValue {
            .object([
                JSONMember("line", .integer(Int64(finding.line))), JSONMember("element", .string(finding.element)),
                JSONMember("result", .string(finding.weight == .unusable ? "error" : "note")),
                JSONMember("problem", .string(finding.problem)),
            ])
        }
    }

    func run() async throws {
        let source = DomainSource(try settings.load())
        var results: [Result] = []
        if subjects.isEmpty {
            for uri in source.uris { results += await Self.checkAll(at: uri, source) }
        } else {
            for subject in subjects { results.append(await Self.check(subject, source)) }
        }
        try output.print(.object([JSONMember("results", .array(results.map(\.json)))])) { _ in results.map(\.text).joined() }
        for case let (name, error?) in results.map({ ($0.name, $0.error) }) where !(error is DescriptionError) {
            VirtMetadata.printError("virt-metadata: \(name): \(error)")
        }
        guard results.allSatisfy(\.isUsable) else { throw ExitCode(1) }
    }

    // MARK: One file or domain

    /// The largest file that is read.
    private static let longestFile = 64 << 20

    /// What cannot be read does not keep the others from being checked.
    private static func check(_ subject: String, _ source: DomainSource) async -> Result {
        do {
            return Result(name: subject, findings: try await findings(in: subject, source))
        } catch {
            return Result(name: subject, error: error)
        }
    }

    private static func findings(in subject: String, _ source: DomainSource) async throws -> [Finding] {
        if subject == "-" || FileManager.default.fileExists(atPath: subject) {
            let bytes: [UInt8]
            do throws(KernelError) {
                bytes = try FileDescriptors.contents(of: subject == "-" ? nil : subject, mostBytes: longestFile)
            } catch {
                throw CommandFailure("cannot be read: \(error.message)")
            }
            return try InstanceAssembly(defaults: source.defaults).assemble(bytes).findings
        }
        do {
            let found = try await source.domain(subject)
            return try found.assembly.assemble(found.xml, edited: found.edited).findings
        } catch let error as CommandFailure {
            throw CommandFailure("no such file, and \(error)")
        }
    }

    // MARK: All domains

    private static func checkAll(at uri: String, _ source: DomainSource) async -> [Result] {
        var results: [Result] = []
        let hypervisor = Hypervisor(uri: uri) { _ in }
        do {
            try await hypervisor.connect()
            let networks = try await hypervisor.networks().map { Array($0.xml.utf8) }
            let assembly = try InstanceAssembly(networks: networks, defaults: source.defaults, readsBare: false)
            for domain in try await hypervisor.allDomains().sorted(by: { $0.name < $1.name }) {
                guard let found = try await hypervisor.domain(domain, edited: source.edited) else { continue }
                results.append(check(found, assembly))
            }
        } catch let error as LibvirtError {
            results.append(Result(name: uri, error: CommandFailure(error.message)))
        } catch {
            results.append(Result(name: uri, error: error))
        }
        await hypervisor.disconnect()
        return results
    }

    private static func check(_ found: DomainDescription, _ assembly: InstanceAssembly) -> Result {
        do throws(DescriptionError) {
            let assembled = try assembly.assemble(Array(found.liveXML.utf8), edited: found.inactiveXML.map { Array($0.utf8) })
            return Result(name: found.name, findings: assembled.findings)
        } catch {
            return Result(name: found.name, error: error)
        }
    }
}

import ArgumentParser
import Common
import Configuration
import Description
import FoundationEssentials
import Glibc
import Host
import Libvirt

/// `virt-metadata check`: reports every unusable value in domains' XML.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate domains' metadata and report every unusable value.",
        discussion: """
            Each argument is a file of domain XML if such a file exists, otherwise a domain; - is the standard input. Without \
            arguments all domains are checked. A file of network XML is checked too, and describes the network of domains in the \
            other files. Each finding is printed with its line. A note is about a value that is served, but with which a guest may \
            fail at its first boot. A warning is about user data that is served, but that cloud-init does not use at all, such as \
            invalid YAML.

            Exit status: 0 all values are usable, notes and warnings included; 1 a value is unusable, or a file or domain cannot be \
            read; 2 usage or configuration error.

            EXAMPLES
                virt-metadata check
                virt-metadata check web.xml
                virsh dumpxml web | virt-metadata check -
                virt-metadata check web.xml network.xml
                virt-metadata check web --explain
            """)

    @Argument(
        help: ArgumentHelp(
            "Files of domain XML, domains, or - for the standard input. Default: all domains.", valueName: "file-or-domain"),
        completion: .filesAndDomains)
    var subjects: [String] = []

    @Flag(
        help: """
            Show where every value comes from: the domain's element, a profile, the defaults, libvirt, or another value. User data, \
            files and other values that may be secret are shown by their sizes.
            """)
    var explain = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var settings: CommandSettings

    /// A checked file or domain.
    private struct Result {
        let name: String
        var findings: [Finding] = []
        /// Why it could not be checked: a `DescriptionError` where it is not a domain's XML.
        var error: (any Error)?
        /// For comparison with the others.
        var instance: Instance?
        /// The values with their sources, if they were asked for.
        var explanation: CheckExplanation?

        var isUsable: Bool { error == nil && !findings.contains { $0.weight == .unusable } }

        /// Values that the guest will not use are not in order, though they are served.
        private var verdict: String {
            let warnings = findings.count(where: \.isWarning)
            guard warnings > 0 else { return "OK" }
            return "\(counted(warnings, "warning")); all values are served"
        }

        /// The lines for the standard output stream: none where it could not be read.
        func text(on terminal: Terminal) -> String {
            var lines = findings.map { "\(name): \($0)" }
            if let error = error as? DescriptionError { lines.append("\(name): \(error)") }
            if isUsable { lines.append("\(name): \(verdict)") }
            return lines.map { "\($0.cleaned())\n" }.joined() + (explanation?.table(on: terminal) ?? "")
        }

        var json: JSONValue {
            .object(
                [
                    JSONMember("name", .string(name)), JSONMember("usable", .bool(isUsable)),
                    JSONMember("error", error.map { .string("\($0)") } ?? .null),
                    JSONMember("findings", .array(findings.map(Self.json))),
                ] + (explanation.map { [JSONMember("values", $0.json)] } ?? []))
        }

        private static func json(_ finding: Finding) -> JSONValue {
            .object(
                // Only a finding in a configuration file has one.
                (finding.file.map { [JSONMember("file", .string($0))] } ?? []) + [
                    JSONMember("line", .integer(Int64(finding.line))), JSONMember("element", .string(finding.element)),
                    JSONMember("result", .string(finding.weight == .unusable ? "error" : "note")),
                    JSONMember("problem", .string(finding.problem)),
                ])
        }
    }

    func run() async throws {
        let configuration = try settings.load()
        let source = DomainSource(configuration)
        let examination = Examination(policy: explain ? configuration.sessions : nil)
        var results: [Result] = []
        if subjects.isEmpty {
            for uri in source.uris { results += await Self.checkAll(at: uri, source, examination) }
        } else {
            let files = Files(subjects)
            for subject in subjects { results.append(await Self.check(subject, files, source, examination)) }
        }
        let clones = DomainClones(results.compactMap(\.instance))
        for index in results.indices {
            guard let instance = results[index].instance else { continue }
            results[index].findings = clones.findings(on: instance) + results[index].findings
        }
        try output.print(.object([JSONMember("results", .array(results.map(\.json)))])) { terminal in
            results.map { $0.text(on: terminal) }.joined()
        }
        for case let (name, error?) in results.map({ ($0.name, $0.error) }) where !(error is DescriptionError) {
            VirtMetadata.printError("virt-metadata: \(name): \(error)")
        }
        guard results.allSatisfy(\.isUsable) else { throw ExitCode(1) }
    }

    /// How a domain is examined.
    private struct Examination {
        /// The server's session policy, if the values are to be explained.
        let policy: SessionPolicy?

        func result(
            _ name: String, _ assembly: InstanceAssembly, _ xml: [UInt8], edited: [UInt8]? = nil
        ) throws(DescriptionError) -> Result {
            guard let policy else {
                let assembled = try assembly.assemble(xml, edited: edited)
                return Result(name: name, findings: assembled.findings, instance: assembled.instance)
            }
            let explained = try assembly.explain(xml, edited: edited, policy: policy)
            return Result(
                name: name, findings: explained.assembled.findings, instance: explained.assembled.instance,
                explanation: CheckExplanation(values: explained.values))
        }
    }

    // MARK: One file or domain

    /// The largest file that is read.
    private static let longestFile = 64 << 20

    /// The arguments that are files, read once: networks among them are used for the domains.
    private struct Files {
        private(set) var contents: [String: Swift.Result<[UInt8], CommandFailure>] = [:]
        private(set) var networks: [[UInt8]] = []

        init(_ subjects: [String]) {
            for subject in subjects where subject == "-" || FileManager.default.fileExists(atPath: subject) {
                guard contents[subject] == nil else { continue }
                do throws(KernelError) {
                    let bytes = try FileDescriptors.contents(of: subject == "-" ? nil : subject, mostBytes: longestFile)
                    contents[subject] = .success(bytes)
                    // An unusable one is reported as itself.
                    if NetworkCheck.isNetwork(bytes), (try? NetworkCheck.findings(in: bytes)) != nil { networks.append(bytes) }
                } catch {
                    contents[subject] = .failure(CommandFailure("cannot be read: \(error.message)"))
                }
            }
        }
    }

    /// What cannot be read does not keep the others from being checked.
    private static func check(
        _ subject: String, _ files: Files, _ source: DomainSource, _ examination: Examination
    ) async -> Result {
        do {
            if let bytes = try files.contents[subject]?.get() {
                guard !NetworkCheck.isNetwork(bytes) else {
                    return Result(name: subject, findings: try NetworkCheck.findings(in: bytes))
                }
                let assembly = try InstanceAssembly(networks: files.networks, defaults: source.defaults)
                return try examination.result(subject, assembly, bytes)
            }
            let found = try await found(subject, source)
            return try examination.result(subject, found.assembly, found.xml, edited: found.edited)
        } catch {
            return Result(name: subject, error: error)
        }
    }

    private static func found(_ subject: String, _ source: DomainSource) async throws -> DomainSource.Found {
        do {
            return try await source.domain(subject)
        } catch let error as CommandFailure {
            throw CommandFailure("no such file, and \(error)")
        }
    }

    // MARK: All domains

    private static func checkAll(
        at uri: String, _ source: DomainSource, _ examination: Examination
    ) async -> [Result] {
        var results: [Result] = []
        let hypervisor = Hypervisor(uri: uri) { _ in }
        do throws(LibvirtError) {
            try await hypervisor.connect()
            let assembly = try await hypervisor.networks().assembly(defaults: source.defaults)
            for domain in try await hypervisor.allDomains().sorted(by: { $0.name < $1.name }) {
                switch try await hypervisor.read(domain, edited: source.edited) {
                case .success(let found): results.append(check(found, assembly, examination))
                case .failure(let unreadable):
                    results.append(Result(name: unreadable.name, error: CommandFailure(unreadable.problem)))
                case nil: continue
                }
            }
        } catch {
            results.append(Result(name: uri, error: CommandFailure(error.message)))
        }
        await hypervisor.disconnect()
        return results
    }

    private static func check(
        _ found: DomainDescription, _ assembly: InstanceAssembly, _ examination: Examination
    ) -> Result {
        do throws(DescriptionError) {
            return try examination.result(
                found.name, assembly, Array(found.liveXML.utf8), edited: found.inactiveXML.map { Array($0.utf8) })
        } catch {
            return Result(name: found.name, error: error)
        }
    }
}

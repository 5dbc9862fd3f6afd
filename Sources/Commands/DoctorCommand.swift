import ArgumentParser
import Common
import Doctor
import Glibc
import JSON

/// `virt-metadata doctor`: diagnoses why a guest gets no metadata.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say why a guest does not get its metadata, and what mends it.",
        discussion: """
            The whole path is walked: libvirt, the domain, the server, SMBIOS, metadata, bridge, firewall, port, and a request as that \
            guest. What is wrong first is named first, with the command that mends it. Without a domain, the host is looked at, and \
            one line tells how each running domain is.

            The exit status is 0 where nothing is wrong, 1 where there are only warnings, and 3 where there is an error. As root all \
            can be seen.

            EXAMPLES
                sudo virt-metadata doctor web
                sudo virt-metadata doctor --json
            """)

    /// The command's exit status, by the worst diagnosis.
    private static let statuses: [Diagnosis.Severity: Int32] = [.note: 0, .warning: 1, .error: 3]

    @Argument(help: "The domain's name, UUID or number.")
    var domain: String?

    @Flag(help: "Print JSON; /usr/share/doc/virt-metadata/admin.md describes it.")
    var json = false

    @OptionGroup var settings: CommandSettings

    func run() async throws {
        let doctor = Doctor(configuration: try settings.load())
        var (results, domains): ([CheckResult], [(name: String, results: [CheckResult])]) = ([], [])
        if let domain {
            results = await doctor.examine(domain)
        } else {
            let (host, names) = await doctor.examineHost()
            results = host
            for name in names {
                domains.append((name, await doctor.examine(name).filter { !["libvirt", "server"].contains($0.name) }))
            }
        }
        if json {
            try FileDescriptorOutput.show(Array((JSONEncoding.text(document(results, domains)) + "\n").utf8))
        } else {
            try FileDescriptorOutput.write(Array(page(results, domains).utf8), to: STDOUT_FILENO)
        }
        let worst = (results + domains.flatMap(\.results)).compactMap(\.severity).max()
        let status = worst.flatMap { Self.statuses[$0] } ?? 0
        if status != 0 { throw ExitCode(status) }
    }

    private func document(_ results: [CheckResult], _ domains: [(name: String, results: [CheckResult])]) -> JSONValue {
        .object([
            JSONMember("domain", domain.map(JSONValue.string) ?? .null), JSONMember("checks", .array(results.flatMap(\.json))),
            JSONMember(
                "domains",
                .array(
                    domains.map {
                        .object([JSONMember("name", .string($0.name)), JSONMember("checks", .array($0.results.flatMap(\.json)))])
                    })),
        ])
    }

    private func page(_ results: [CheckResult], _ domains: [(name: String, results: [CheckResult])]) -> String {
        let terminal = Terminal(STDOUT_FILENO)
        var text = results.map { Self.lines($0, on: terminal) }.joined()
        for (name, results) in domains {
            let worst = results.flatMap(\.diagnoses).filter { $0.severity > .note }.max { $0.severity < $1.severity }
            let first = results.flatMap(\.diagnoses).first { $0.severity == worst?.severity }
            let verdict =
                first.map { "\(Self.mark($0.severity, on: terminal)) \($0.problem.cleaned())" } ?? terminal.coloured("ok", .green)
            text += "\(name.cleaned()): \(verdict)\n"
        }
        return text
    }

    private static func mark(_ severity: Diagnosis.Severity, on terminal: Terminal) -> String {
        switch severity {
        case .error: terminal.coloured("ERROR", .red)
        case .warning: terminal.coloured("warning", .yellow)
        case .note: terminal.coloured("note", .cyan)
        }
    }

    private static func lines(_ result: CheckResult, on terminal: Terminal) -> String {
        let name = result.name + String(repeating: " ", count: max(0, 9 - result.name.count))
        if let skipped = result.skipped { return "\(name) skipped: \(skipped.cleaned())\n" }
        if result.diagnoses.isEmpty {
            return "\(name) \(terminal.coloured("ok", .green))\(result.detail.isEmpty ? "" : ": \(result.detail.cleaned())")\n"
        }
        return result.diagnoses.map { diagnosis in
            let remedy = diagnosis.remedy.map { "          → \($0.cleaned())\n" } ?? ""
            return "\(name) \(mark(diagnosis.severity, on: terminal)): \(diagnosis.problem.cleaned())\n\(remedy)"
        }.joined()
    }
}

import ArgumentParser
import Common
import Configuration
import Doctor
import Glibc

/// `virt-metadata doctor`: diagnoses why a guest gets no metadata.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Diagnose why a guest gets no metadata.",
        discussion: """
            Checks each hop from libvirt to the guest: libvirt, the domain, the server, SMBIOS, metadata, bridge, firewall, port and \
            the guest's requests. Problems are printed with the command that fixes them. Without a domain, the host and all running \
            domains are checked. Run as root for full results. Nothing is changed.

            Exit status: 0 no problem; 1 warnings; 2 usage or configuration error; 3 errors. A domain that was never enabled is not \
            a problem unless it is the argument. With --nagios: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.

            EXAMPLES
                sudo virt-metadata doctor web
                sudo virt-metadata doctor
                sudo virt-metadata doctor -o json
                sudo virt-metadata doctor --nagios
            """)

    /// The command's exit status, by the worst diagnosis.
    private static let statuses: [Diagnosis.Severity: Int32] = [.note: 0, .warning: 1, .error: 3]

    @Argument(help: "The domain's name, UUID or ID.", completion: .domains)
    var domain: String?

    @Flag(help: "Print a summary line and a line for each problem, and exit as a Nagios plugin does.")
    var nagios = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var settings: SettingsOptions<HostSettings>

    func validate() throws {
        if nagios, output.format != .table {
            throw ValidationError("--nagios and -o \(output.format.rawValue) contradict each other: use one of them")
        }
    }

    func run() async throws {
        guard nagios else {
            let doctor = Doctor(configuration: try settings.load(), file: settings.file)
            let report = await report(by: doctor)
            try output.print(document(report)) { terminal in
                report.checks.map { Self.lines($0, on: terminal) }.joined()
                    + report.domains.map { Self.line($0, doctor, on: terminal) }.joined()
            }
            let status = report.diagnoses.map(\.severity).max().flatMap { Self.statuses[$0] } ?? 0
            if status != 0 { throw ExitCode(status) }
            return
        }
        let result: NagiosResult
        do throws(ConfigurationError) {
            let doctor = Doctor(configuration: try settings.load(), file: settings.file)
            result = NagiosResult(of: await report(by: doctor), isHost: domain == nil)
        } catch {
            result = NagiosResult(.unknown, "\(error)")
        }
        try FileDescriptorOutput.write(Array(result.text.utf8), to: STDOUT_FILENO)
        if result.status != .ok { throw ExitCode(result.status.rawValue) }
    }

    private func report(by doctor: Doctor) async -> HostReport {
        guard let domain else { return await doctor.examineHost() }
        return HostReport(checks: await doctor.examine(domain))
    }

    // MARK: Printing

    private func document(_ report: HostReport) -> JSONValue {
        let domains = report.domains.map { domain in
            JSONValue.object([
                JSONMember("name", .string(domain.name)), JSONMember("enabled", .bool(domain.isEnabled)),
                JSONMember("checks", .array(domain.checks.flatMap(\.json))),
            ])
        }
        return .object([
            JSONMember("domain", domain.map(JSONValue.string) ?? .null),
            JSONMember("checks", .array(report.checks.flatMap(\.json))), JSONMember("domains", .array(domains)),
        ])
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
        return result.diagnoses.map { "\(name) \(text(of: $0, on: terminal))" }.joined()
    }

    private static func text(of diagnosis: Diagnosis, on terminal: Terminal) -> String {
        let remedy = diagnosis.remedy.map { "          → \($0.cleaned())\n" } ?? ""
        return "\(mark(diagnosis.severity, on: terminal)): \(diagnosis.problem.cleaned())\n\(remedy)"
    }

    /// A domain in one line, or its worst problem with the remedy.
    private static func line(_ domain: HostReport.Domain, _ doctor: Doctor, on terminal: Terminal) -> String {
        let name = domain.name.cleaned()
        guard domain.isEnabled else { return "\(name): not enabled\n" }
        let problems = domain.checks.flatMap(\.diagnoses).filter { $0.severity > .note }
        guard let first = problems.first(where: { $0.severity == problems.map(\.severity).max() }) else {
            return "\(name): \(terminal.coloured("ok", .green))\n"
        }
        let rest = problems.count - 1
        let more = rest > 0 ? "          \(rest) more: \(doctor.command("doctor \(domain.name.shellWord)").cleaned())\n" : ""
        return "\(name): \(text(of: first, on: terminal))\(more)"
    }
}

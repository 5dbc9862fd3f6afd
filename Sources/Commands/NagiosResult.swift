import Common
import Doctor

/// A report as a monitoring plugin's output: a summary line with performance data, then the problems.
///
/// https://nagios-plugins.org/doc/guidelines.html, Plugin Output for Nagios and Plugin Return Codes.
struct NagiosResult {
    enum Status: Int32 {
        case ok, warning, critical, unknown
    }

    let status: Status
    private let summary: String
    private var data = ""
    private var details: [String] = []

    init(_ status: Status, _ summary: String) {
        (self.status, self.summary) = (status, summary)
    }

    /// - Parameter isHost: whether the host's domains were checked, and not one domain.
    init(of report: HostReport, isHost: Bool) {
        let denied = report.diagnoses.filter(\.isDenied)
        let others = report.diagnoses.filter { !$0.isDenied }
        let errors = others.count { $0.severity == .error }
        let warnings = others.count { $0.severity == .warning }
        status = errors > 0 ? .critical : !denied.isEmpty ? .unknown : warnings > 0 ? .warning : .ok
        let enabled = report.domains.count(where: \.isEnabled)
        let count = { (number: Int, noun: String) in "\(number) \(noun)\(number == 1 ? "" : "s")" }
        let domains = isHost ? ", \(count(enabled, "enabled domain")), \(report.domains.count - enabled) not enabled" : ""
        let reason = denied.first.map { ": \($0.problem)" } ?? ""
        summary = "\(count(errors, "error")), \(count(warnings, "warning"))\(domains)\(reason)"
        data = "errors=\(errors) warnings=\(warnings)" + (isHost ? " domains=\(report.domains.count) enabled=\(enabled)" : "")
        details = Self.details(of: report.checks, "") + report.domains.flatMap { Self.details(of: $0.checks, "\($0.name): ") }
    }

    private static func details(of checks: [CheckResult], _ name: String) -> [String] {
        checks.flatMap { check in
            check.diagnoses.filter { $0.severity > .note }.map { diagnosis in
                let remedy = diagnosis.remedy.map { " (fix: \($0))" } ?? ""
                return "\(name)\(check.name) \(diagnosis.severity.label): \(diagnosis.problem)\(remedy)"
            }
        }
    }

    /// The lines; a vertical bar separates performance data, so texts have none.
    var text: String {
        let lines = (["VIRT-METADATA \("\(status)".uppercased()) - \(summary)"] + details).map {
            $0.cleaned().replacing("|", with: "/")
        }
        return lines[0] + (data.isEmpty ? "" : " | \(data)") + "\n" + lines.dropFirst().map { "\($0)\n" }.joined()
    }
}

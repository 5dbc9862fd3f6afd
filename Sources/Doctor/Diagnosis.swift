package import Common

/// A problem that keeps a guest from its metadata, or might, and its remedy.
package struct Diagnosis: Sendable, Equatable {
    package enum Severity: Int, Sendable, Comparable {
        case note, warning, error

        package static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }

        package var label: String {
            switch self {
            case .note: "note"
            case .warning: "warning"
            case .error: "error"
            }
        }
    }

    package let severity: Severity
    /// What is wrong, and where.
    package let problem: String
    /// What to do: a command where there is one.
    package let remedy: String?
    /// Whether the check could not be made because this user lacks a permission.
    package var isDenied = false

    package static func error(_ problem: String, _ remedy: String? = nil) -> Diagnosis {
        Diagnosis(severity: .error, problem: problem, remedy: remedy)
    }

    package static func warning(_ problem: String, _ remedy: String? = nil) -> Diagnosis {
        Diagnosis(severity: .warning, problem: problem, remedy: remedy)
    }

    package static func note(_ problem: String, _ remedy: String? = nil) -> Diagnosis {
        Diagnosis(severity: .note, problem: problem, remedy: remedy)
    }

    /// The same, about a missing permission.
    var denied: Diagnosis {
        var denied = self
        denied.isDenied = true
        return denied
    }
}

/// The result of one check.
package struct CheckResult: Sendable {
    package let name: String
    /// The problems found; empty where there are none.
    package var diagnoses: [Diagnosis] = []
    /// Why the check was skipped; `nil` where it was made.
    package var skipped: String?
    /// What is in order, briefly.
    package var detail = ""

    package init(name: String, diagnoses: [Diagnosis] = [], skipped: String? = nil, detail: String = "") {
        (self.name, self.diagnoses, self.skipped, self.detail) = (name, diagnoses, skipped, detail)
    }

    package var severity: Diagnosis.Severity? { diagnoses.map(\.severity).max() }

    package var json: [JSONValue] {
        func row(_ result: String, _ problem: String?, _ remedy: String?) -> JSONValue {
            .object([
                JSONMember("check", .string(name)), JSONMember("result", .string(result)),
                JSONMember("problem", problem.map(JSONValue.string) ?? .null),
                JSONMember("remedy", remedy.map(JSONValue.string) ?? .null),
            ])
        }
        if let skipped { return [row("skipped", skipped, nil)] }
        if diagnoses.isEmpty { return [row("ok", nil, nil)] }
        return diagnoses.map { row($0.severity.label, $0.problem, $0.remedy) }
    }
}

/// The results for a host and its running domains.
package struct HostReport: Sendable {
    /// A running domain.
    package struct Domain: Sendable {
        package let name: String
        /// Whether the running domain or its definition has an SMBIOS identity or the operator's element. Only then all checks are made.
        package let isEnabled: Bool
        package let checks: [CheckResult]

        package init(name: String, isEnabled: Bool, checks: [CheckResult]) {
            (self.name, self.isEnabled, self.checks) = (name, isEnabled, checks)
        }
    }

    package let checks: [CheckResult]
    /// Ordered by name.
    package let domains: [Domain]

    package init(checks: [CheckResult], domains: [Domain] = []) {
        (self.checks, self.domains) = (checks, domains)
    }

    /// All problems, those of the host first.
    package var diagnoses: [Diagnosis] { (checks + domains.flatMap(\.checks)).flatMap(\.diagnoses) }
}

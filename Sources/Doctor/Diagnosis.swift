package import Common

/// A problem that keeps a guest from its metadata, or might, and its remedy.
package struct Diagnosis: Sendable, Equatable {
    package enum Severity: Int, Sendable, Comparable {
        case note, warning, error

        package static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }

        var label: String {
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

    package static func error(_ problem: String, _ remedy: String? = nil) -> Diagnosis {
        Diagnosis(severity: .error, problem: problem, remedy: remedy)
    }

    package static func warning(_ problem: String, _ remedy: String? = nil) -> Diagnosis {
        Diagnosis(severity: .warning, problem: problem, remedy: remedy)
    }

    package static func note(_ problem: String, _ remedy: String? = nil) -> Diagnosis {
        Diagnosis(severity: .note, problem: problem, remedy: remedy)
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

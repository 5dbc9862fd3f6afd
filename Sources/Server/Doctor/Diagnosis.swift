import Common

/// Something that keeps a guest from its metadata, or might, and what mends it.
struct Diagnosis: Sendable, Equatable {
    /// How much it matters.
    enum Severity: Int, Sendable, Comparable {
        case note, warning, error

        static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }

        var word: String {
            switch self {
            case .note: "note"
            case .warning: "warning"
            case .error: "error"
            }
        }
    }

    let severity: Severity
    /// What is wrong, and where.
    let problem: String
    /// What to do: a command where there is one.
    let remedy: String?

    static func error(_ problem: String, _ remedy: String? = nil) -> Diagnosis {
        Diagnosis(severity: .error, problem: problem, remedy: remedy)
    }

    static func warning(_ problem: String, _ remedy: String? = nil) -> Diagnosis {
        Diagnosis(severity: .warning, problem: problem, remedy: remedy)
    }

    static func note(_ problem: String, _ remedy: String? = nil) -> Diagnosis {
        Diagnosis(severity: .note, problem: problem, remedy: remedy)
    }
}

/// What became of one check.
struct CheckResult: Sendable {
    /// The check's name.
    let name: String
    /// What was found; empty where all is well.
    var diagnoses: [Diagnosis] = []
    /// Why it was not made; `nil` where it was.
    var skipped: String?
    /// What is well, in a few words.
    var detail = ""

    /// The worst of it.
    var severity: Diagnosis.Severity? { diagnoses.map(\.severity).max() }

    var json: [JSONValue] {
        func row(_ result: String, _ problem: String?, _ remedy: String?) -> JSONValue {
            .object([
                JSONMember("check", .string(name)), JSONMember("result", .string(result)),
                JSONMember("problem", problem.map(JSONValue.string) ?? .null),
                JSONMember("remedy", remedy.map(JSONValue.string) ?? .null),
            ])
        }
        if let skipped { return [row("skipped", skipped, nil)] }
        if diagnoses.isEmpty { return [row("ok", nil, nil)] }
        return diagnoses.map { row($0.severity.word, $0.problem, $0.remedy) }
    }
}

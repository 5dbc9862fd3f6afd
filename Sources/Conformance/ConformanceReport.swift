import Common
import JSON

/// The result as text, TAP 14, JUnit's XML or JSON.
package struct ConformanceReport {
    package enum Format: String, Sendable, CaseIterable {
        case text, tap, junit, json
    }

    private let result: ConformanceResult
    private let isStrict: Bool

    package init(_ result: ConformanceResult, isStrict: Bool) { (self.result, self.isStrict) = (result, isStrict) }

    package func text(as format: Format) -> String {
        switch format {
        case .text: plain
        case .tap: tap
        case .junit: junit
        case .json: JSONEncoding.text(json) + "\n"
        }
    }

    // MARK: Text

    private var plain: String {
        var lines: [String] = []
        for check in result.checks {
            let name = "\(check.rule.profile.rawValue) \(check.rule.name)"
            switch check.outcome {
            case .holds: continue
            case .skipped(let reason): lines.append("skip  \(name): \(reason.cleaned())")
            case .fails(let problem):
                lines += [
                    "\(result.isFailure(check, isStrict: isStrict) ? "FAIL" : "warn")  \(name): \(check.rule.summary)",
                    "      found: \(problem.cleaned())", "      client: \(check.rule.client)",
                    "      source: \(check.rule.source)",
                ]
            case .notChecked: lines.append("----  \(name): not checked")
            }
        }
        if let bailOut = result.bailOut { lines.append("stopped: \(bailOut)") }
        let names = Profile.allCases.filter { result.profiles.contains($0) }.map(\.rawValue).joined(separator: ", ")
        lines.append("\(result.url.cleaned()) (\(names)): \(summary)")
        return lines.map { $0 + "\n" }.joined()
    }

    private var summary: String {
        let failed = result.checks.count { result.isFailure($0, isStrict: isStrict) }
        let warned = result.checks.count {
            if case .fails = $0.outcome { !result.isFailure($0, isStrict: isStrict) } else { false }
        }
        let held = result.checks.count { $0.outcome == .holds }
        let open = result.checks.count - failed - warned - held
        let verdict = result.conforms(isStrict: isStrict) ? "conforms" : "does not conform"
        return "\(verdict): \(held) rules hold, \(failed) fail, \(warned) warn, \(open) not checked"
    }

    // MARK: TAP

    private var tap: String {
        var lines = ["TAP version 14", "1..\(result.checks.count)"]
        for (index, check) in result.checks.enumerated() {
            let title = "\(index + 1) - \(check.rule.name)"
            switch check.outcome {
            case .holds: lines.append("ok \(title)")
            case .skipped(let reason): lines.append("ok \(title) # SKIP \(Self.tapText(reason))")
            case .notChecked: lines.append("not ok \(title)")
            case .fails(let problem):
                let isFailure = result.isFailure(check, isStrict: isStrict)
                lines += [
                    "not ok \(title)\(isFailure ? "" : " # TODO SHOULD")", "  ---", "  message: \(Self.yaml(problem))",
                    "  rule: \(Self.yaml(check.rule.summary))", "  client: \(Self.yaml(check.rule.client))",
                    "  source: \(Self.yaml(check.rule.source))", "  ...",
                ]
            }
        }
        if let bailOut = result.bailOut { lines.append("Bail out! \(bailOut)") }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func tapText(_ text: String) -> String { text.cleaned().replacing("#", with: "\\#") }

    /// A double-quoted scalar: JSON is YAML.
    private static func yaml(_ text: String) -> String { JSONEncoding.text(.string(text)) }

    // MARK: JUnit

    private var junit: String {
        let failures = result.checks.count { result.isFailure($0, isStrict: isStrict) }
        let open = result.checks.count { $0.outcome == .notChecked }
        let skipped = result.checks.count { if case .skipped = $0.outcome { true } else { false } }
        let total = result.checks.reduce(Duration.zero) { $0 + $1.time }
        let counts = "tests=\"\(result.checks.count)\" failures=\"\(failures)\" errors=\"\(open)\""
        var lines = [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<testsuites \(counts) time=\"\(Self.seconds(total))\">",
            "  <testsuite name=\"\(Self.xml(result.url))\" \(counts) skipped=\"\(skipped)\" time=\"\(Self.seconds(total))\">",
        ]
        for check in result.checks {
            let head =
                "    <testcase classname=\"\(check.rule.profile.rawValue)\" name=\"\(check.rule.name)\" time=\"\(Self.seconds(check.time))\""
            switch check.outcome {
            case .holds: lines.append(head + "/>")
            case .skipped(let reason): lines.append("\(head)><skipped message=\"\(Self.xml(reason))\"/></testcase>")
            case .notChecked:
                lines.append(
                    "\(head)><error message=\"\(Self.xml(result.bailOut ?? "not checked"))\" type=\"bail-out\"/></testcase>")
            case .fails(let problem):
                let detail = "\(check.rule.summary)\nclient: \(check.rule.client)\nsource: \(check.rule.source)"
                lines.append(
                    result.isFailure(check, isStrict: isStrict)
                        ? "\(head)><failure message=\"\(Self.xml(problem))\" type=\"\(check.rule.level.rawValue)\">\(Self.xml(detail))</failure></testcase>"
                        : "\(head)><system-out>SHOULD: \(Self.xml(problem))\n\(Self.xml(detail))</system-out></testcase>")
            }
        }
        lines += ["  </testsuite>", "</testsuites>"]
        return lines.map { $0 + "\n" }.joined()
    }

    private static func seconds(_ duration: Duration) -> String {
        let milliseconds = Int(duration / .milliseconds(1))
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.utf8.count))\(rest)"
    }

    /// XML 1.0 has no control characters but tab and line breaks, not even escaped.
    private static func xml(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            case "\n", "\t": String(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0x7F || scalar.value == 0xFFFE || scalar.value == 0xFFFF:
                "\u{FFFD}"
            default: String(scalar)
            }
        }.joined()
    }

    // MARK: JSON

    private var json: JSONValue {
        let checks = result.checks.map { check in
            let (outcome, detail): (String, String?) =
                switch check.outcome {
                case .holds: ("holds", nil)
                case .fails(let problem): (result.isFailure(check, isStrict: isStrict) ? "fails" : "warns", problem)
                case .skipped(let reason): ("skipped", reason)
                case .notChecked: ("not-checked", nil)
                }
            return JSONValue.object(
                Self.members(of: check.rule) + [
                    JSONMember("outcome", .string(outcome)), JSONMember("detail", detail.map { .string($0) } ?? .null),
                    JSONMember("seconds", .real(check.time / .seconds(1))),
                ])
        }
        let profiles = Profile.allCases.filter { result.profiles.contains($0) }
        return .object([
            JSONMember("url", .string(result.url)), JSONMember("profiles", .array(profiles.map { .string($0.rawValue) })),
            JSONMember("strict", .bool(isStrict)), JSONMember("conforms", .bool(result.conforms(isStrict: isStrict))),
            JSONMember("stopped", result.bailOut.map { .string($0) } ?? .null), JSONMember("rules", .array(checks)),
        ])
    }

    private static func members(of rule: Rule) -> [JSONMember] {
        [
            JSONMember("name", .string(rule.name)), JSONMember("profile", .string(rule.profile.rawValue)),
            JSONMember("level", .string(rule.level.rawValue)), JSONMember("summary", .string(rule.summary)),
            JSONMember("client", .string(rule.client)), JSONMember("source", .string(rule.source)),
        ]
    }

    // MARK: Rules

    /// The list of all rules.
    package static func rules(as format: Format) -> String {
        if format == .json {
            return JSONEncoding.text(.object([JSONMember("rules", .array(Rule.all.map { .object(members(of: $0)) }))])) + "\n"
        }
        return Rule.all.map { rule in
            "\(rule.name)  \(rule.profile.rawValue)  \(rule.level.rawValue)\n    \(rule.summary)\n    client: \(rule.client)\n    source: \(rule.source)\n"
        }.joined()
    }
}

import Common

/// A scenario that is chosen by its name, with parameters: `spot`, or `spot,action=hibernate,delay=10s`.
///
/// It is a text in the language of scenario files, so that it can be printed, changed and given as a file.
package struct BuiltInScenario: Sendable {
    package struct Parameter: Sendable {
        /// What its values may be.
        enum Form: Sendable {
            /// A duration; the shortest that makes sense.
            case duration(least: Duration)
            case choice([String])
            case count(ClosedRange<Int>)
            /// Letters, digits and a few marks, which need no quotation in YAML.
            case word
        }

        package let name: String
        package let initial: String
        package let about: String
        let form: Form
    }

    package let name: String
    /// One sentence.
    package let about: String
    package let parameters: [Parameter]
    let write: @Sendable (Values) -> String

    /// The values of parameters, which were checked.
    struct Values: Sendable {
        let texts: [String: String]

        subscript(_ name: String) -> String { texts[name] ?? "" }

        func duration(_ name: String) -> Duration { (try? ScenarioDuration.read(self[name][...])) ?? .zero }

        func number(_ name: String) -> Int { Int(self[name]) ?? 0 }
    }

    /// The text of a scenario that is chosen on the command line; `nil` where the first word is no name of one.
    ///
    /// - Throws: ``EmulatorError`` for an unknown parameter, or a wrong value.
    package static func text(of choice: String) throws(EmulatorError) -> (name: String, yaml: String)? {
        let parts = choice.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard let scenario = all.first(where: { $0.name == parts[0] }) else { return nil }
        return (scenario.name, try scenario.text(with: parts.dropFirst()))
    }

    /// A sentence about a choice that is neither a name nor a file.
    package static func advice(for choice: String) -> String {
        let names = all.map(\.name)
        let near = nearestWord(to: choice, among: names).map { "; did you mean '\($0)'?" } ?? ""
        return "expected a file, or \(ScenarioReading.list(names, "or"))\(near)"
    }

    /// All scenarios with their parameters, as a text.
    package static var list: String {
        all.map { scenario in
            let parameters = scenario.parameters.map { "    \($0.name)=\($0.initial)    \($0.about)\($0.choices)\n" }
            return "\(scenario.name)    \(scenario.about)\n" + parameters.joined()
        }.joined(separator: "\n")
    }

    private func text(with assignments: some Collection<String>) throws(EmulatorError) -> String {
        var texts = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.initial) })
        var given: Set<String> = []
        for assignment in assignments {
            let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, let parameter = parameters.first(where: { $0.name == parts[0] }) else {
                let names = parameters.map(\.name)
                let near = nearestWord(to: parts[0], among: names).map { "; did you mean '\($0)'?" } ?? ""
                throw EmulatorError(
                    "scenario \(name): invalid parameter '\(assignment.cleaned())': expected NAME=VALUE, with "
                        + "\(ScenarioReading.list(names, "or"))\(near)")
            }
            guard given.insert(parts[0]).inserted else {
                throw EmulatorError("scenario \(name): parameter '\(parts[0])' is given twice")
            }
            try parameter.check(parts[1], in: name)
            texts[parts[0]] = parts[1]
        }
        return write(Values(texts: texts))
    }
}

extension BuiltInScenario.Parameter {
    /// The words that it may be; empty for other values.
    fileprivate var choices: String {
        if case .choice(let words) = form { " (\(ScenarioReading.list(words, "or")))" } else { "" }
    }

    fileprivate func check(_ text: String, in scenario: String) throws(EmulatorError) {
        let expected: String
        switch form {
        case .duration(let least):
            if let duration = try? ScenarioDuration.read(text[...]), duration >= least { return }
            expected = "\(ScenarioDuration.expected)\(least > .zero ? ", at least \(ScenarioDuration.text(least))" : "")"
        case .choice(let choices):
            if choices.contains(text) { return }
            expected = ScenarioReading.list(choices, "or")
        case .count(let range):
            if let number = Int(text), range.contains(number) { return }
            expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .word:
            let marks = "._:-/+@"
            let isWord = text.utf8.allSatisfy { byte in
                (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || (0x30...0x39).contains(byte) || marks.utf8.contains(byte)
            }
            if isWord, !text.isEmpty, text.utf8.count <= 128, !"@-:".contains(text.prefix(1)) { return }
            expected = "letters, digits and \(marks)"
        }
        throw EmulatorError("scenario \(scenario): invalid value '\(text.cleaned())' for '\(name)': expected \(expected)")
    }

    static func duration(_ name: String, _ initial: String, _ about: String, least: Duration = .zero) -> Self {
        Self(name: name, initial: initial, about: about, form: .duration(least: least))
    }

    static func choice(_ name: String, _ choices: [String], _ about: String) -> Self {
        Self(name: name, initial: choices[0], about: about, form: .choice(choices))
    }
}

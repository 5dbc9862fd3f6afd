import Common

/// An error in a scenario, in faults or in expectations: the file, the line, what is wrong, and what was expected.
package struct ScenarioProblem: Error, Equatable, CustomStringConvertible {
    /// The file's name, or what else the text came from, such as `scenario spot`.
    package let source: String
    /// Counted from 1; `nil` where the error concerns the whole file.
    package let line: Int?
    package let problem: String

    package init(_ source: String, line: Int? = nil, _ problem: String) {
        (self.source, self.line, self.problem) = (source, line, problem)
    }

    package var description: String {
        let location = line.map { "\(source):\($0)" } ?? source
        return "\(location): \(problem.cleaned())"
    }
}

/// All errors of a file, at least one, in the order of its lines.
package struct ScenarioProblems: Error, CustomStringConvertible {
    /// How many are collected; one mistake may cause many.
    package static let most = 20

    package let problems: [ScenarioProblem]

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

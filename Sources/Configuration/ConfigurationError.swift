/// A configuration that cannot be used: the location, the problem, and the expected value.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// A file with its line, an environment variable, or a flag; `nil` where the problem names it.
    package let location: String?
    package let problem: String

    package init(location: String? = nil, problem: String) {
        (self.location, self.problem) = (location, problem)
    }

    /// The line in the file of the location; 0 without one.
    var line: Int { location?.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

    /// In one line, whatever text it quotes.
    package var description: String {
        let text = location.map { "\($0): \(problem)" } ?? problem
        return text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: "\\n")
    }
}

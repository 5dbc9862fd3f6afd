/// A configuration that cannot be used: the location, the problem, and the expected value.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// A file with its line, an environment variable, or a flag.
    package let location: String
    package let problem: String

    package init(location: String, problem: String) {
        (self.location, self.problem) = (location, problem)
    }

    /// In one line, whatever text it quotes.
    package var description: String {
        "\(location): \(problem)".split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: "\\n")
    }
}

/// A configuration that cannot be used: where it is wrong, what is wrong there, and what would be right.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// Where: a file with its line, an environment variable, or a flag.
    let place: String
    let problem: String

    /// In one line, whatever it quotes.
    var description: String {
        "\(place): \(problem)".split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: "\\n")
    }
}

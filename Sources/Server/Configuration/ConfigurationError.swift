/// A configuration that cannot be used: where it is wrong, what is wrong there, and what would be right.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// Where: a file with its line, an environment variable, or a flag.
    let place: String
    let problem: String

    var description: String { "\(place): \(problem)" }
}

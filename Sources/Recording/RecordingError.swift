/// Why a recording cannot be read or written.
package struct RecordingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file, and the member of its JSON if one is wrong: `web/recording.json: responses[3].file`.
    package let location: String
    /// What is wrong and what was expected.
    package let problem: String

    package init(_ location: String, _ problem: String) { (self.location, self.problem) = (location, problem) }

    package var description: String { "\(location): \(problem)" }
}

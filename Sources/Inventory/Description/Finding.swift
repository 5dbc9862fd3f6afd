/// A value in a domain's XML that is unusable, or that needs a note for the operator.
package struct Finding: Sendable, Equatable {
    /// Whether the value is served.
    package enum Weight: Sendable {
        /// The value is not served.
        case unusable
        /// The value is served as written.
        case note
    }

    /// Whether the value is served.
    package let weight: Weight
    /// The line of the XML, or of the file; from 1.
    package let line: Int
    /// The element, as a path below `<metadata>` or `<domain>`.
    package let element: String
    /// What is wrong, and what to do.
    package let problem: String
    /// The configuration file, for a value that is told to many; `nil` for the domain's XML.
    package let file: String?

    init(_ weight: Weight, line: Int, element: String, _ problem: String, file: String? = nil) {
        (self.weight, self.line, self.element, self.problem, self.file) = (weight, line, element, problem, file)
    }
}

extension [Finding] {
    /// In the order of their lines; those of files after those of the domain.
    func ordered() -> [Finding] { sorted { ($0.file ?? "", $0.line) < ($1.file ?? "", $1.line) } }
}

extension Finding: CustomStringConvertible {
    /// `line 12: tags/tag: …`, or `config.yaml:12: profiles: web: tags/tag: …`, for logs and terminals.
    package var description: String {
        "\(file.map { "\($0):\(line)" } ?? "line \(line)"): \(element): \(weight == .note ? "note: " : "")\(problem)"
    }
}

/// A value for display: truncated, with control characters escaped.
func shown(_ text: String) -> String {
    let longest = 40
    let escaped = text.unicodeScalars.prefix(longest).map { isControl($0) ? $0.escaped(asASCII: true) : String($0) }.joined()
    return text.unicodeScalars.count > longest ? escaped + "…" : escaped
}

/// Something in a domain's XML that an operator should know of: a value that cannot be used, or one that nothing shows.
public struct Finding: Sendable, Equatable {
    /// How much it matters.
    public enum Weight: Sendable {
        /// The value is left out: whoever wrote it does not get what they asked for.
        case unusable
        /// All is as written, but there is something to know.
        case note
    }

    /// How much it matters.
    public let weight: Weight
    /// The line of the XML it stands in, from 1.
    public let line: Int
    /// Which element it is about, as a path below `<metadata>` or `<domain>`.
    public let element: String
    /// What is wrong, and what to do.
    public let problem: String

    init(_ weight: Weight, line: Int, element: String, _ problem: String) {
        (self.weight, self.line, self.element, self.problem) = (weight, line, element, problem)
    }
}

extension Finding: CustomStringConvertible {
    /// `line 12: tags/tag: …`, for logs and terminals.
    public var description: String { "line \(line): \(element): \(weight == .note ? "note: " : "")\(problem)" }
}

/// A value for the operator's eyes: cut short, control characters as their escapes.
func shown(_ text: String) -> String {
    let longest = 40
    let escaped = text.unicodeScalars.prefix(longest).map { isControl($0) ? $0.escaped(asASCII: true) : String($0) }.joined()
    return text.unicodeScalars.count > longest ? escaped + "…" : escaped
}

/// An error in XML, JSON or YAML text, with its location: one type, so that all formats are reported alike.
package struct ParseError: Error, Sendable, Equatable {
    /// The kind of error. A format adds its own kinds in its module.
    package struct Code: RawRepresentable, Sendable, Hashable {
        /// The name of the kind, for logs.
        package let rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The text is not well formed: it is empty, incomplete, or continues after its end.
        package static let malformed = Code(rawValue: "malformed")
        /// The text exceeds the size limit and was not parsed.
        package static let tooLarge = Code(rawValue: "too-large")
        /// Values or elements are nested deeper than the limit.
        package static let tooDeep = Code(rawValue: "too-deep")
        /// There are more values, elements, attributes or namespaces than the limit.
        package static let tooMany = Code(rawValue: "too-many")
        /// The text is not UTF-8, or declares another encoding.
        package static let encoding = Code(rawValue: "encoding")
        /// A mapping has two entries with the same name.
        package static let duplicateName = Code(rawValue: "duplicate-name")
    }

    package let code: Code
    /// Counted from 1; `nil` if the error concerns the whole text.
    package let line: Int?
    /// Counted from 1, if known: in characters for JSON, in bytes for XML.
    package let column: Int?
    /// One sentence, without the location and without a full stop.
    package let problem: String

    /// - Parameter problem: without the location, which ``description`` adds.
    package init(_ code: Code, line: Int? = nil, column: Int? = nil, problem: String) {
        (self.code, self.line, self.column, self.problem) = (code, line, column, problem)
    }
}

extension ParseError: CustomStringConvertible {
    /// One line: `line 3, column 7: the problem`.
    package var description: String {
        switch (line, column) {
        case (let line?, let column?): "line \(line), column \(column): \(problem)"
        case (let line?, nil): "line \(line): \(problem)"
        default: problem
        }
    }
}

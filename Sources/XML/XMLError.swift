/// Why a document could not be read or rewritten, and where.
public struct XMLError: Error, Sendable, Equatable {
    /// The kind of an ``XMLError``.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The word for this kind, as logs show it.
        public let rawValue: String

        /// Names a kind.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// It is not well-formed XML 1.0 with namespaces.
        public static let malformed = Code(rawValue: "malformed")
        /// It has more bytes than the limit; nothing of it was parsed.
        public static let tooLarge = Code(rawValue: "too-large")
        /// Its elements are nested deeper than ``XMLDocument/maximumDepth``.
        public static let tooDeep = Code(rawValue: "too-deep")
        /// A tag has more than ``XMLDocument/maximumAttributes``, or an element more than ``XMLDocument/maximumNamespaces`` in scope.
        public static let tooMany = Code(rawValue: "too-many")
        /// It has a document type declaration, which nothing here needs and which brings entities.
        public static let documentType = Code(rawValue: "document-type")
        /// It is not UTF-8, or declares that it is not.
        public static let encoding = Code(rawValue: "encoding")
        /// An element of our namespace stands beside elements that would have to move into it.
        public static let alreadyNamespaced = Code(rawValue: "already-namespaced")
        /// It says in two ways what can be said once, or in a way that no rewriting keeps.
        public static let ambiguous = Code(rawValue: "ambiguous")
    }

    /// What kind of failure it is.
    public let code: Code
    /// The line, counted from 1; `nil` when the document as a whole is meant.
    public let line: Int?
    /// The column, counted in bytes from 1, where it is known.
    public let column: Int?
    /// One sentence's worth of reason, without a position and without a final stop.
    public let message: String

    /// Puts an error together.
    public init(_ code: Code, line: Int? = nil, column: Int? = nil, message: String) {
        (self.code, self.line, self.column, self.message) = (code, line, column, message)
    }
}

extension XMLError: CustomStringConvertible {
    /// One line: `line 3, column 7: the reason`.
    public var description: String {
        switch (line, column) {
        case (let line?, let column?): "line \(line), column \(column): \(message)"
        case (let line?, nil): "line \(line): \(message)"
        default: message
        }
    }
}

/// Why a JSON text could not be read, and where.
public struct JSONError: Error, Sendable, Equatable {
    /// The kind of a ``JSONError``.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The word for this kind, as logs show it.
        public let rawValue: String

        /// Names a kind.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// It is not JSON (RFC 8259), or not only JSON: it is empty, breaks off, or goes on after its value.
        public static let malformed = Code(rawValue: "malformed")
        /// It has more bytes than the limit; nothing of it was parsed.
        public static let tooLarge = Code(rawValue: "too-large")
        /// It is nested deeper than ``JSONParsing/maximumDepth``.
        public static let tooDeep = Code(rawValue: "too-deep")
        /// It is not UTF-8.
        public static let encoding = Code(rawValue: "encoding")
        /// An object has two members of one name, of which a reader could only keep one.
        public static let duplicateName = Code(rawValue: "duplicate-name")
        /// A number is beyond 64-bit integers or beyond a double.
        public static let numberOutOfRange = Code(rawValue: "number-out-of-range")
        /// A string or a name holds U+0000, which nothing that reads our documents carries on safely.
        public static let nullCharacter = Code(rawValue: "null-character")
    }

    /// What kind of failure it is.
    public let code: Code
    /// The line, counted from 1; `nil` when the text as a whole is meant.
    public let line: Int?
    /// The column, counted in characters from 1, where it is known.
    public let column: Int?
    /// One sentence's worth of reason, without a position and without a final stop.
    public let message: String

    /// Puts an error together.
    public init(_ code: Code, line: Int? = nil, column: Int? = nil, message: String) {
        (self.code, self.line, self.column, self.message) = (code, line, column, message)
    }
}

extension JSONError: CustomStringConvertible {
    /// One line: `line 3, column 7: the reason`.
    public var description: String {
        switch (line, column) {
        case (let line?, let column?): "line \(line), column \(column): \(message)"
        case (let line?, nil): "line \(line): \(message)"
        default: message
        }
    }
}

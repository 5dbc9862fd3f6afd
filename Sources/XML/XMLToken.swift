/// A token of a document's bytes: the only type that knows where a tag, a comment or a text ends.
///
/// Tokens follow each other without gaps, so a document is the concatenation of its tokens. This is not a parser: input that is
/// not well formed may be split incorrectly, within the bounds of the document, and libxml2 rejects it.
struct XMLToken {
    enum Kind {
        case text
        case cdata
        case comment
        /// A processing instruction, or the XML declaration.
        case instruction
        /// `<!…>` that is neither a comment nor CDATA, such as a document type declaration.
        case declaration
        case startTag
        /// `<name/>`, a complete element.
        case emptyTag
        case endTag
    }

    let kind: Kind
    let range: Range<Int>
    /// The number of `=` outside quotation marks in a tag or declaration: in a well-formed tag, the number of its attributes.
    let equalsSigns: Int

    /// The token at an offset, which must be less than the number of bytes.
    init(at start: Int, in bytes: borrowing Span<UInt8>) {
        let rest = start + 1
        if bytes[start] != UInt8(ascii: "<") {
            var end = rest
            while end < bytes.count, bytes[end] != UInt8(ascii: "<") { end += 1 }
            self.init(.text, start..<end)
        } else if let end = Self.end(after: "!--", "-->", at: rest, in: bytes) {
            self.init(.comment, start..<end)
        } else if let end = Self.end(after: "![CDATA[", "]]>", at: rest, in: bytes) {
            self.init(.cdata, start..<end)
        } else if let end = Self.end(after: "?", "?>", at: rest, in: bytes) {
            self.init(.instruction, start..<end)
        } else {
            self.init(tagAt: start, in: bytes)
        }
    }

    /// A tag ends at the first `>` outside quotation marks (XML 1.0, productions 10, 40, 42 and 44).
    private init(tagAt start: Int, in bytes: borrowing Span<UInt8>) {
        var (offset, quote, equalsSigns) = (start + 1, UInt8(0), 0)
        while offset < bytes.count, quote != 0 || bytes[offset] != UInt8(ascii: ">") {
            let byte = bytes[offset]
            if quote != 0 {
                if byte == quote { quote = 0 }
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
            } else if byte == UInt8(ascii: "=") {
                equalsSigns += 1
            }
            offset += 1
        }
        let kind: Kind =
            switch start + 1 < bytes.count ? bytes[start + 1] : 0 {
            case UInt8(ascii: "/"): .endTag
            case UInt8(ascii: "!"): .declaration
            default: bytes[offset - 1] == UInt8(ascii: "/") ? .emptyTag : .startTag
            }
        self.init(kind, start..<min(offset + 1, bytes.count), equalsSigns)
    }

    private init(_ kind: Kind, _ range: Range<Int>, _ equalsSigns: Int = 0) {
        (self.kind, self.range, self.equalsSigns) = (kind, range, equalsSigns)
    }

    /// The end of a token that begins with `opening`: the end of the document if it is not closed, `nil` if another token begins
    /// here.
    private static func end(
        after opening: StaticString, _ closing: StaticString, at start: Int, in bytes: borrowing Span<UInt8>
    ) -> Int? {
        guard matches(opening, at: start, in: bytes) else { return nil }
        var offset = start + opening.utf8CodeUnitCount
        while offset < bytes.count {
            if matches(closing, at: offset, in: bytes) { return offset + closing.utf8CodeUnitCount }
            offset += 1
        }
        return offset
    }

    private static func matches(_ text: StaticString, at offset: Int, in bytes: borrowing Span<UInt8>) -> Bool {
        guard offset + text.utf8CodeUnitCount <= bytes.count else { return false }
        // Safe: the index is less than the number of bytes of the literal.
        for index in 0..<text.utf8CodeUnitCount where unsafe bytes[offset + index] != text.utf8Start[index] { return false }
        return true
    }
}

extension XMLToken {
    /// An attribute, or a pseudo-attribute of an instruction (XML 1.0, productions 41 and 23).
    struct Attribute {
        let name: Range<Int>
        /// The text between the quotation marks.
        let value: Range<Int>
        /// From the white space before the name to the end of the closing quotation mark.
        let range: Range<Int>
    }

    /// The name of a start tag including its prefix, or the target of an instruction.
    func name(in bytes: borrowing Span<UInt8>) -> Range<Int> {
        let start = range.lowerBound + (kind == .instruction ? 2 : 1)
        return start..<Self.endOfName(at: start, before: range.upperBound, in: bytes)
    }

    /// An attribute of a start tag or instruction, by its name including the prefix.
    func attribute(_ wanted: String, in bytes: borrowing Span<UInt8>) -> Attribute? {
        var offset = name(in: bytes).upperBound
        while let attribute = attribute(at: offset, in: bytes) {
            if Self.isEqual(attribute.name, wanted, in: bytes) { return attribute }
            offset = attribute.range.upperBound
        }
        return nil
    }

    /// The attribute after the name or after another attribute; `nil` after the last.
    func attribute(at start: Int, in bytes: borrowing Span<UInt8>) -> Attribute? {
        var offset = start
        while offset < range.upperBound, Self.isBlank(bytes[offset]) { offset += 1 }
        let nameStart = offset
        offset = Self.endOfName(at: offset, before: range.upperBound, in: bytes)
        let name = nameStart..<offset
        guard !name.isEmpty else { return nil }
        while offset < range.upperBound, !Self.isQuote(bytes[offset]) { offset += 1 }
        guard offset < range.upperBound else { return nil }
        let (quote, valueStart) = (bytes[offset], offset + 1)
        offset = valueStart
        while offset < range.upperBound, bytes[offset] != quote { offset += 1 }
        guard offset < range.upperBound else { return nil }
        return Attribute(name: name, value: valueStart..<offset, range: start..<offset + 1)
    }

    private static func endOfName(at start: Int, before end: Int, in bytes: borrowing Span<UInt8>) -> Int {
        var offset = start
        while offset < end, !endsName(bytes[offset]) { offset += 1 }
        return offset
    }

    private static func isEqual(_ range: Range<Int>, _ text: String, in bytes: borrowing Span<UInt8>) -> Bool {
        let wanted = text.utf8Span.span
        guard range.count == wanted.count else { return false }
        for index in wanted.indices where bytes[range.lowerBound + index] != wanted[index] { return false }
        return true
    }

    static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }

    private static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") }

    private static func endsName(_ byte: UInt8) -> Bool {
        isBlank(byte) || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=")
            || byte == UInt8(ascii: "?")
    }
}

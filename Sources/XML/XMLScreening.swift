import Common

/// Checks of a document's bytes before libxml2 parses them: size, valid UTF-8, and no other declared encoding.
///
/// libxml2 then never converts the encoding, so the offsets that it reports are offsets into these bytes.
enum XMLScreening {
    static func check(_ bytes: borrowing Span<UInt8>, limit: Int) throws(ParseError) {
        // libxml2's sizes are C ints.
        guard bytes.count <= min(limit, Int(Int32.max)) else {
            throw ParseError(.tooLarge, problem: "the document has \(bytes.count) bytes: expected at most \(limit)")
        }
        guard bytes.count > 0 else { throw ParseError(.malformed, problem: "the document is empty") }
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: copy bytes)
        } catch {
            throw failure(.encoding, at: error.byteOffsets.lowerBound, of: bytes, "the document is not valid UTF-8")
        }
        if let offset = firstNUL(in: bytes) {
            throw failure(.malformed, at: offset, of: bytes, "U+0000 is not allowed in XML")
        }
        if let encoding = declaredEncoding(of: bytes), !["UTF-8", "UTF8", "ASCII", "US-ASCII"].contains(encoding.uppercased()) {
            throw ParseError(.encoding, line: 1, problem: "unsupported encoding \(encoding): expected UTF-8")
        }
        try checkAttributes(of: bytes)
    }

    /// libxml2 compares each attribute of a tag with all others: four megabytes of attributes would take minutes.
    private static func checkAttributes(of bytes: borrowing Span<UInt8>) throws(ParseError) {
        let limit = XMLDocument.maximumAttributes
        var offset = 0
        while offset < bytes.count {
            let token = XMLToken(at: offset, in: bytes)
            guard token.equalsSigns <= limit else {
                throw failure(.tooMany, at: offset, of: bytes, "the tag has more than \(limit) attributes")
            }
            offset = token.range.upperBound
        }
    }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The value of `encoding` in an XML declaration (XML 1.0, production 23), if there is one.
    ///
    /// A declaration is short; a later one is left to the parser, which reads UTF-8 whatever the declaration says.
    private static func declaredEncoding(of document: borrowing Span<UInt8>) -> String? {
        let bytes = document.extracting(0..<min(document.count, 256))
        let isMarked = bytes.count > 3 && (0..<3).allSatisfy { bytes[$0] == byteOrderMark[$0] }
        let declaration = XMLToken(at: isMarked ? 3 : 0, in: bytes)
        guard declaration.kind == .instruction, text(declaration.name(in: bytes), of: bytes) == "xml" else { return nil }
        return declaration.attribute("encoding", in: bytes).map { text($0.value, of: bytes) }
    }

    private static func text(_ range: Range<Int>, of bytes: borrowing Span<UInt8>) -> String {
        String(decoding: range.map { bytes[$0] }, as: UTF8.self)
    }

    private static func firstNUL(in bytes: borrowing Span<UInt8>) -> Int? {
        for index in bytes.indices where bytes[index] == 0 { return index }
        return nil
    }

    private static func failure(
        _ code: ParseError.Code, at offset: Int, of bytes: borrowing Span<UInt8>, _ problem: String
    ) -> ParseError {
        var (line, column) = (1, 1)
        for index in 0..<offset {
            (line, column) = bytes[index] == UInt8(ascii: "\n") ? (line + 1, 1) : (line, column + 1)
        }
        return ParseError(code, line: line, column: column, problem: problem)
    }
}

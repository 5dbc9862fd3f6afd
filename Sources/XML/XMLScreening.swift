/// What is asked of the bytes before a parser sees them: their number, and that they are UTF-8 and say nothing else.
///
/// It means that libxml2 never converts an encoding, so an offset it reports is an offset into these very bytes.
enum XMLScreening {
    static func check(_ bytes: borrowing Span<UInt8>, limit: Int) throws(XMLError) {
        // libxml2 takes the number of bytes as a C int.
        guard bytes.count <= min(limit, Int(Int32.max)) else {
            throw XMLError(.tooLarge, message: "the document has \(bytes.count) bytes; \(limit) are allowed")
        }
        guard bytes.count > 0 else { throw XMLError(.malformed, message: "the document is empty") }
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: copy bytes)
        } catch {
            throw failure(.encoding, at: error.byteOffsets.lowerBound, of: bytes, "the document is not valid UTF-8")
        }
        if let offset = firstNUL(in: bytes) {
            throw failure(.malformed, at: offset, of: bytes, "the character U+0000 cannot stand in XML")
        }
        if let encoding = declaredEncoding(of: bytes), !["UTF-8", "UTF8", "ASCII", "US-ASCII"].contains(encoding.uppercased()) {
            throw XMLError(.encoding, line: 1, message: "the document declares the encoding \(encoding); only UTF-8 is read")
        }
        try checkAttributes(of: bytes)
    }

    private static func checkAttributes(of bytes: borrowing Span<UInt8>) throws(XMLError) {
        let limit = XMLDocument.maximumAttributes
        guard let offset = XMLTagScan.firstTag(in: bytes, withMoreThan: limit) else { return }
        throw failure(.tooMany, at: offset, of: bytes, "the tag has more than \(limit) attributes")
    }

    /// The value of `encoding` in an XML declaration (XML 1.0, production 23), if there is one.
    private static func declaredEncoding(of bytes: borrowing Span<UInt8>) -> String? {
        // A declaration is short; a longer one is left to the parser, which reads these bytes as UTF-8 whatever it says.
        let head = (0..<min(bytes.count, 256)).map { bytes[$0] }
        var text = String(decoding: head, as: UTF8.self)[...]
        if text.first == "\u{FEFF}" { text.removeFirst() }
        guard text.hasPrefix("<?xml"), let end = text.firstIndex(of: ">") else { return nil }
        let words = text[..<end].split { $0.isWhitespace || $0 == "=" || $0 == "?" }
        guard let place = words.firstIndex(of: "encoding"), place + 1 < words.count else { return nil }
        return String(words[place + 1].filter { $0 != "'" && $0 != "\"" })
    }

    private static func firstNUL(in bytes: borrowing Span<UInt8>) -> Int? {
        for index in bytes.indices where bytes[index] == 0 { return index }
        return nil
    }

    private static func failure(
        _ code: XMLError.Code, at offset: Int, of bytes: borrowing Span<UInt8>, _ message: String
    ) -> XMLError {
        var (line, column) = (1, 1)
        for index in 0..<offset {
            (line, column) = bytes[index] == UInt8(ascii: "\n") ? (line + 1, 1) : (line, column + 1)
        }
        return XMLError(code, line: line, column: column, message: message)
    }
}

/// A look over the tags of a document for one with too many attributes: libxml2 compares each with each, and four megabytes of
/// them would keep it busy for minutes.
///
/// It knows no more of XML than where a tag begins and ends. What is not well-formed it may misread; the parser refuses that.
enum XMLTagScan {
    /// Where the first tag begins that has more attributes than allowed, as an offset; `nil` if none has.
    static func firstTag(in bytes: borrowing Span<UInt8>, withMoreThan limit: Int) -> Int? {
        var place = 0
        while place < bytes.count {
            let start = place
            place += 1
            guard bytes[start] == UInt8(ascii: "<") else { continue }
            if let end = Self.end(after: "!--", "-->", at: place, in: bytes)
                ?? Self.end(after: "![CDATA[", "]]>", at: place, in: bytes) ?? Self.end(after: "?", "?>", at: place, in: bytes)
            {
                place = end
                continue
            }
            var (attributes, quote) = (0, UInt8(0))
            while place < bytes.count, quote != 0 || bytes[place] != UInt8(ascii: ">") {
                let byte = bytes[place]
                if quote != 0 {
                    if byte == quote { quote = 0 }
                } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                    quote = byte
                } else if byte == UInt8(ascii: "=") {
                    attributes += 1
                    if attributes > limit { return start }
                }
                place += 1
            }
        }
        return nil
    }

    /// Where what begins with `opening` ends; the end of the document if it never does, `nil` if something else begins here.
    private static func end(
        after opening: StaticString, _ closing: StaticString, at place: Int, in bytes: borrowing Span<UInt8>
    ) -> Int? {
        guard stands(opening, at: place, in: bytes) else { return nil }
        var place = place + opening.utf8CodeUnitCount
        while place < bytes.count {
            if stands(closing, at: place, in: bytes) { return place + closing.utf8CodeUnitCount }
            place += 1
        }
        return place
    }

    private static func stands(_ text: StaticString, at place: Int, in bytes: borrowing Span<UInt8>) -> Bool {
        guard place + text.utf8CodeUnitCount <= bytes.count else { return false }
        for index in 0..<text.utf8CodeUnitCount where unsafe bytes[place + index] != text.utf8Start[index] { return false }
        return true
    }
}

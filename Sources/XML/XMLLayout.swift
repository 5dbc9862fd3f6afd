/// How an element is laid out for a person's eyes: each element on a line of its own, but for those that hold text.
///
/// It is for showing alone: blanks come between elements where there were none, or others.
public enum XMLLayout {
    private enum Token {
        case start, end, empty, other, text
    }

    /// Lays out an element.
    ///
    /// - Parameters:
    ///   - fragment: an element that can be parsed.
    ///   - indentation: what stands before each line but the first.
    public static func laidOut(_ fragment: String, indentation: String) -> String {
        let bytes = Array(fragment.utf8)
        var tokens: [(kind: Token, range: Range<Int>)] = []
        var place = 0
        while place < bytes.count {
            let token = token(at: place, in: bytes)
            let isBlank = token.kind == .text && token.range.allSatisfy { EditedXML.isBlank(bytes[$0]) }
            if !isBlank || isLeafText(after: tokens.last?.kind, at: token.range.upperBound, in: bytes) { tokens.append(token) }
            place = token.range.upperBound
        }
        return text(of: tokens, bytes, indentation)
    }

    private static func text(of tokens: [(kind: Token, range: Range<Int>)], _ bytes: [UInt8], _ indentation: String) -> String {
        var (text, depth, last) = ("", 0, Token?.none)
        for (kind, range) in tokens {
            if kind == .end { depth -= 1 }
            let isTogether = last == nil || kind == .text || last == .text || (last == .start && kind == .end)
            if !isTogether { text += "\n" + indentation + String(repeating: "  ", count: depth) }
            text += String(decoding: bytes[range], as: UTF8.self)
            if kind == .start { depth += 1 }
            last = kind
        }
        return text
    }

    /// Blanks that are all that an element holds are its text.
    private static func isLeafText(after last: Token?, at place: Int, in bytes: [UInt8]) -> Bool {
        last == .start && bytes[place...].starts(with: "</".utf8)
    }

    private static func token(at place: Int, in bytes: [UInt8]) -> (kind: Token, range: Range<Int>) {
        let rest = bytes[place...]
        if rest.starts(with: "<!--".utf8) { return (.other, place..<end(of: "-->", from: place + 4, in: bytes)) }
        if rest.starts(with: "<?".utf8) { return (.other, place..<end(of: "?>", from: place + 2, in: bytes)) }
        if rest.starts(with: "<![CDATA[".utf8) { return (.text, place..<end(of: "]]>", from: place + 9, in: bytes)) }
        if rest.starts(with: "</".utf8) { return (.end, place..<end(of: ">", from: place + 2, in: bytes)) }
        if rest.first == UInt8(ascii: "<") {
            let tag = StartTag(at: place, in: bytes)
            return (tag.isEmptyElement ? .empty : .start, place..<min(tag.end, bytes.count))
        }
        return (.text, place..<(rest.firstIndex(of: UInt8(ascii: "<")) ?? bytes.count))
    }

    private static func end(of mark: String, from place: Int, in bytes: [UInt8]) -> Int {
        var place = place
        while place < bytes.count, !bytes[place...].starts(with: mark.utf8) { place += 1 }
        return min(bytes.count, place + mark.utf8.count)
    }
}

/// A readable layout of an element: each element on a line of its own, except those that contain text.
///
/// For display only: it changes the white space between elements.
package enum XMLLayout {
    /// Formats an element.
    ///
    /// - Parameters:
    ///   - fragment: a well-formed element.
    ///   - indentation: the prefix of each line except the first.
    package static func laidOut(_ fragment: String, indentation: String) -> String {
        let bytes = Array(fragment.utf8)
        var tokens: [XMLToken] = []
        var offset = 0
        while offset < bytes.count {
            let token = XMLToken(at: offset, in: bytes.span)
            let isBlank = token.kind == .text && token.range.allSatisfy { XMLToken.isBlank(bytes[$0]) }
            if !isBlank || isLeafText(after: tokens.last?.kind, at: token.range.upperBound, in: bytes) { tokens.append(token) }
            offset = token.range.upperBound
        }
        return text(of: tokens, bytes, indentation)
    }

    private static func text(of tokens: [XMLToken], _ bytes: [UInt8], _ indentation: String) -> String {
        var (text, depth, last) = ("", 0, XMLToken.Kind?.none)
        for token in tokens {
            if token.kind == .endTag { depth -= 1 }
            let staysOnLine =
                last == nil || isText(token.kind) || isText(last) || (last == .startTag && token.kind == .endTag)
            if !staysOnLine { text += "\n" + indentation + String(repeating: "  ", count: depth) }
            text += String(decoding: bytes[token.range], as: UTF8.self)
            if token.kind == .startTag { depth += 1 }
            last = token.kind
        }
        return text
    }

    private static func isText(_ kind: XMLToken.Kind?) -> Bool { kind == .text || kind == .cdata }

    /// White space that is the only content of an element is its text.
    private static func isLeafText(after last: XMLToken.Kind?, at offset: Int, in bytes: [UInt8]) -> Bool {
        last == .startTag && bytes[offset...].starts(with: "</".utf8)
    }
}

/// Escapes text so that a parser returns it unchanged.
package enum XMLEscaping {
    /// Whether XML 1.0 allows a character (production 2).
    package static func canHold(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    /// Escapes a text as element content.
    ///
    /// - Parameter text: only characters that XML allows.
    package static func content(_ text: String) -> String {
        escaped(text, alsoWhiteSpace: false)
    }

    /// Escapes a text as an attribute value, in quotation marks of either kind.
    ///
    /// - Parameter text: only characters that XML allows.
    package static func attribute(_ text: String) -> String {
        escaped(text, alsoWhiteSpace: true)
    }

    private static func escaped(_ text: String, alsoWhiteSpace: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            // A parser would convert it to a line feed (XML 1.0, 2.11).
            case "\r": result += "&#13;"
            case "'" where alsoWhiteSpace: result += "&apos;"
            case "\"" where alsoWhiteSpace: result += "&quot;"
            // A parser would convert them to spaces (XML 1.0, 3.3.3).
            case "\n" where alsoWhiteSpace: result += "&#10;"
            case "\t" where alsoWhiteSpace: result += "&#9;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

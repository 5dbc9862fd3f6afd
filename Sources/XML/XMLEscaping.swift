/// How a text is written into a document so that a parser gives it back.
public enum XMLEscaping {
    /// Whether XML 1.0 can hold a character at all (production 2).
    public static func canHold(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    /// A text as the content of an element.
    ///
    /// - Parameter text: only characters that XML can hold.
    public static func content(_ text: String) -> String {
        escaped(text, alsoWhiteSpace: false)
    }

    /// A text as the value of an attribute, between quotes of either kind.
    ///
    /// - Parameter text: only characters that XML can hold.
    public static func attribute(_ text: String) -> String {
        escaped(text, alsoWhiteSpace: true)
    }

    private static func escaped(_ text: String, alsoWhiteSpace: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            // A parser would make a line feed of it (XML 1.0, 2.11).
            case "\r": result += "&#13;"
            case "'" where alsoWhiteSpace: result += "&apos;"
            case "\"" where alsoWhiteSpace: result += "&quot;"
            // A parser would make spaces of them (XML 1.0, 3.3.3).
            case "\n" where alsoWhiteSpace: result += "&#10;"
            case "\t" where alsoWhiteSpace: result += "&#9;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

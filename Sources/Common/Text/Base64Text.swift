import FoundationEssentials

/// Base64 (RFC 4648 §4) as people and programs write it: with white space anywhere.
package enum Base64Text {
    /// The decoded bytes; `nil` for any other text. The text must be padded to a multiple of four characters, and end with its padding:
    /// Foundation's decoder takes `====` for a byte.
    package static func decoded(_ text: some Sequence<UInt8>) -> [UInt8]? {
        let digits = text.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        let padding = digits.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard digits.count % 4 == 0, padding <= 2, digits.dropLast(padding).allSatisfy(isDigit) else { return nil }
        return Data(base64Encoded: String(decoding: digits, as: UTF8.self)).map(Array.init)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }
}

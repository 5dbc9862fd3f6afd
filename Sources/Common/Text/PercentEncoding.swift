/// Percent-encoding of URLs (RFC 3986 §2.1).
package enum PercentEncoding {
    /// The text with every octet encoded except the unreserved ones: letters, digits and `-._~` (RFC 3986 §2.3).
    package static func encoded(_ text: String) -> String {
        var octets: [UInt8] = []
        octets.reserveCapacity(text.utf8.count)
        for octet in text.utf8 {
            if isUnreserved(octet) {
                octets.append(octet)
            } else {
                octets += [UInt8(ascii: "%"), digit(octet >> 4), digit(octet & 0xF)]
            }
        }
        return String(decoding: octets, as: UTF8.self)
    }

    /// The text with its escapes decoded; invalid UTF-8 becomes U+FFFD.
    package static func decoded(_ text: Substring) -> String {
        let octets = Array(text.utf8)
        return String(decoding: decoded(octets.span, refusing: nil) ?? octets, as: UTF8.self)
    }

    /// Decodes `%XX`; a `%` without two hexadecimal digits is kept.
    ///
    /// - Parameter refused: an octet that must not be encoded, such as the slash between the names of a path.
    /// - Returns: `nil` if that octet is encoded.
    package static func decoded(_ octets: borrowing Span<UInt8>, refusing refused: UInt8?) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(octets.count)
        var index = 0
        while index < octets.count {
            if octets[index] == UInt8(ascii: "%"), index + 2 < octets.count, let high = value(octets[index + 1]),
                let low = value(octets[index + 2])
            {
                let octet = high << 4 | low
                if octet == refused { return nil }
                decoded.append(octet)
                index += 3
            } else {
                decoded.append(octets[index])
                index += 1
            }
        }
        return decoded
    }

    /// The number of octets that ``encoded(_:)`` returns.
    package static func encodedLength(of text: String) -> Int {
        text.utf8.reduce(0) { $0 + (isUnreserved($1) ? 1 : 3) }
    }

    private static func isUnreserved(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    /// The value of a hexadecimal digit.
    private static func value(_ octet: UInt8) -> UInt8? {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): octet - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): octet - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): octet - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

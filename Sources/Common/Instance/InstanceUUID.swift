/// The 128 bits by which libvirt knows a domain and by which a guest sees itself in its SMBIOS tables.
public struct InstanceUUID: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64

    /// Reads 32 hexadecimal digits in either case; hyphens may stand anywhere between them, as libvirt allows (RFC 9562 §4).
    public init?(_ text: String) {
        let digits = text.filter { $0 != "-" }
        guard digits.utf8.count == 32, digits.allSatisfy(\.isHexDigit),
            let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.suffix(16), radix: 16)
        else { return nil }
        (self.high, self.low) = (high, low)
    }

    /// The 16 octets, in the order of the digits.
    public var octets: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - 8 * UInt64($0 & 7))) }
    }

    /// The 32 digits in lower case, without hyphens.
    public var digits: String {
        [high, low].map { half in
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }.joined()
    }
}

extension InstanceUUID: CustomStringConvertible {
    /// The lower-case form with hyphens, `8-4-4-4-12`.
    public var description: String {
        let digits = Array(digits)
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }
}

/// The 128-bit UUID of a domain, or of the guest's SMBIOS tables.
package struct InstanceUUID: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64

    /// Parses 32 hexadecimal digits in upper or lower case, with hyphens anywhere between them, as libvirt allows (RFC 9562 §4).
    package init?(_ text: String) {
        let digits = text.filter { $0 != "-" }
        guard digits.utf8.count == 32, digits.allSatisfy(\.isHexDigit),
            let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.suffix(16), radix: 16)
        else { return nil }
        (self.high, self.low) = (high, low)
    }

    /// Parses 16 octets in the order of the digits, as libvirt's functions return them; `nil` for any other count.
    package init?(octets: some Collection<UInt8>) {
        guard octets.count == 16 else { return nil }
        high = octets.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = octets.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The 16 octets, in the order of the digits.
    package var octets: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - 8 * UInt64($0 & 7))) }
    }

    /// The 32 digits in lower case, without hyphens.
    package var digits: String {
        [high, low].map { half in
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }.joined()
    }
}

extension InstanceUUID: CustomStringConvertible {
    /// The lower-case form with hyphens, `8-4-4-4-12`.
    package var description: String {
        let digits = Array(digits)
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }
}

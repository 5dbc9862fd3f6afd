import Glibc

/// An IPv4 or IPv6 address; an IPv4-mapped IPv6 address is stored as its IPv4 address.
package struct IPAddress: Sendable, Hashable {
    package enum Family: Sendable, Hashable {
        case v4, v6
    }

    package let family: Family
    /// The 128 bits, the first octet highest; an IPv4 address has its 32 in the low half.
    private let high: UInt64
    private let low: UInt64
    /// The link of a link-local IPv6 address, such as `eth0` in `fe80::1%eth0`; `nil` for IPv4.
    package let zone: String?

    /// Parses 4 or 16 octets in network byte order; `nil` for any other count. `::ffff:a.b.c.d` becomes `a.b.c.d`.
    package init?(octets: some Collection<UInt8>, zone: String? = nil) {
        var (high, low) = (UInt64(0), UInt64(0))
        for octet in octets {
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(octet)
        }
        switch octets.count {
        case 4: self.init(v4: UInt32(truncatingIfNeeded: low))
        case 16 where high == 0 && low >> 32 == 0xFFFF: self.init(v4: UInt32(truncatingIfNeeded: low))
        case 16: self.init(high: high, low: low, zone: zone)
        default: return nil
        }
    }

    /// An IPv4 address from its number, the first octet in the highest bits.
    package init(v4 number: UInt32) {
        family = .v4
        (high, low, zone) = (0, UInt64(number), nil)
    }

    private init(high: UInt64, low: UInt64, zone: String?) {
        family = .v6
        (self.high, self.low, self.zone) = (high, low, zone)
    }

    /// Parses the text forms of RFC 4291 and dotted IPv4 as `inet_pton(3)` does; an IPv6 address may have a zone after `%`.
    package init?(_ text: String) {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.map(String.init), !address.utf8.contains(0) else { return nil }
        let zone = parts.count == 2 ? String(parts[1]) : nil
        guard zone != "" else { return nil }
        if let octets = Self.octets(of: address, family: AF_INET, count: 4), zone == nil {
            self.init(octets: octets)
        } else if let octets = Self.octets(of: address, family: AF_INET6, count: 16) {
            self.init(octets: octets, zone: zone)
        } else {
            return nil
        }
    }

    /// The octets in network byte order: 4 or 16.
    package var octets: [UInt8] {
        let all = [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * UInt64($0))) } }
        return family == .v4 ? Array(all.suffix(4)) : all
    }

    /// Whether the address is in `fe80::/10`, and so is valid on one link only.
    package var isLinkLocal: Bool {
        family == .v6 && high >> 54 == 0xFE80 >> 6
    }

    /// Whether it stands for every address of its family: `0.0.0.0` or `::`.
    package var isUnspecified: Bool { high == 0 && low == 0 }

    package var withoutZone: IPAddress {
        family == .v4 ? self : IPAddress(high: high, low: low, zone: nil)
    }

    /// Whether the first `length` bits of both addresses are equal; false for addresses of different families.
    func sharesPrefix(of length: Int, with other: IPAddress) -> Bool {
        guard family == other.family else { return false }
        let mask = mask(of: length)
        return (high ^ other.high) & mask.high == 0 && (low ^ other.low) & mask.low == 0
    }

    /// The address without a zone, all bits after the first `length` set to zero.
    func keepingPrefix(of length: Int) -> IPAddress {
        let mask = mask(of: length)
        return family == .v4
            ? IPAddress(v4: UInt32(truncatingIfNeeded: low & mask.low))
            : IPAddress(high: high & mask.high, low: low & mask.low, zone: nil)
    }

    /// The netmask of a prefix length for this family.
    private func mask(of length: Int) -> (high: UInt64, low: UInt64) {
        let bits = length + (family == .v4 ? 96 : 0)
        let half = { (bits: Int) in bits <= 0 ? UInt64(0) : ~UInt64(0) << UInt64(64 - min(64, bits)) }
        return (half(bits), half(bits - 64))
    }

    private static func octets(of text: String, family: Int32, count: Int) -> [UInt8]? {
        var octets = [UInt8](repeating: 0, count: count)
        // Safe: inet_pton(3) writes at most the 4 or 16 octets that the family has.
        return unsafe inet_pton(family, text, &octets) == 1 ? octets : nil
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted IPv4, or IPv6 in the form of RFC 5952, with its zone if it has one.
    package var description: String {
        // Documents have many of them, and inet_ntop(3) takes several times as long.
        if family == .v4 { return "\(low >> 24).\(low >> 16 & 0xFF).\(low >> 8 & 0xFF).\(low & 0xFF)" }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // Safe: inet_ntop(3) reads the octets of the family and writes at most the given number of bytes.
        _ = unsafe inet_ntop(AF_INET6, octets, &text, socklen_t(text.count))
        let address = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return zone.map { "\(address)%\($0)" } ?? address
    }
}

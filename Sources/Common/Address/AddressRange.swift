/// A range of addresses that share a prefix, written as `10.0.0.0/8` or `fd00::/8` (CIDR, RFC 4632).
package struct AddressRange: Sendable, Hashable {
    /// The address before the slash.
    package let address: IPAddress
    /// The number of leading bits that belong to the prefix: 0 to 32, or 0 to 128.
    package let prefixLength: Int

    /// Parses `ADDRESS/LENGTH`, or a bare address, which is a range of one address; `nil` for any other text.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)), address.zone == nil else { return nil }
        let bits = address.family == .v4 ? 32 : 128
        if parts.count == 2 {
            // `::ffff:192.0.2.0/24` is not 192.0.2.0/24: the length counts the bits of the IPv6 address.
            let isMapped = address.family == .v4 && first.contains(":")
            guard !isMapped, parts[1].allSatisfy(\.isNumber), let length = Int(parts[1]), (0...bits).contains(length) else {
                return nil
            }
            self.init(address: address, prefixLength: length)
        } else {
            self.init(address: address, prefixLength: bits)
        }
    }

    /// The range of an address and a prefix length; `nil` if the length does not fit the address family.
    package init?(_ address: IPAddress, prefixLength: Int) {
        guard (0...(address.family == .v4 ? 32 : 128)).contains(prefixLength) else { return nil }
        self.init(address: address, prefixLength: prefixLength)
    }

    private init(address: IPAddress, prefixLength: Int) {
        (self.address, self.prefixLength) = (address, prefixLength)
    }

    /// The same range, written with its lowest address.
    package var canonical: AddressRange {
        AddressRange(address: address.keepingPrefix(of: prefixLength), prefixLength: prefixLength)
    }

    /// Whether the range contains an address; the zone is ignored.
    package func contains(_ other: IPAddress) -> Bool {
        address.sharesPrefix(of: prefixLength, with: other)
    }
}

extension AddressRange: CustomStringConvertible {
    /// `ADDRESS/LENGTH`.
    package var description: String { "\(address)/\(prefixLength)" }
}

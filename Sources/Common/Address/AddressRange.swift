/// A range of addresses that share a prefix, written as `10.0.0.0/8` or `fd00::/8` (CIDR, RFC 4632).
public struct AddressRange: Sendable, Hashable {
    /// The address before the slash.
    public let address: IPAddress
    /// How many leading bits count: 0 to 32, or 0 to 128.
    public let prefixLength: Int

    /// Reads `ADDRESS/LENGTH`, or a bare address, which is a range of one; `nil` if it is neither.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)), address.zone == nil else { return nil }
        let bits = address.family == .v4 ? 32 : 128
        if parts.count == 2 {
            guard parts[1].allSatisfy(\.isNumber), let length = Int(parts[1]), (0...bits).contains(length) else { return nil }
            self.init(address: address, prefixLength: length)
        } else {
            self.init(address: address, prefixLength: bits)
        }
    }

    /// The range of an address and the leading bits of it that count; `nil` for more bits than its family has, or fewer than none.
    public init?(_ address: IPAddress, prefixLength: Int) {
        guard (0...(address.family == .v4 ? 32 : 128)).contains(prefixLength) else { return nil }
        self.init(address: address, prefixLength: prefixLength)
    }

    private init(address: IPAddress, prefixLength: Int) {
        (self.address, self.prefixLength) = (address, prefixLength)
    }

    /// The same range, named by its lowest address.
    public var canonical: AddressRange {
        AddressRange(address: address.keepingPrefix(of: prefixLength), prefixLength: prefixLength)
    }

    /// Whether an address lies in this range; a zone does not matter.
    public func contains(_ other: IPAddress) -> Bool {
        address.sharesPrefix(of: prefixLength, with: other)
    }
}

extension AddressRange: CustomStringConvertible {
    /// `ADDRESS/LENGTH`.
    public var description: String { "\(address)/\(prefixLength)" }
}

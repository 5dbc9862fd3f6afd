/// The hardware address of one network interface: 48 bits, as IEEE 802 defines them.
public struct MACAddress: Sendable, Hashable {
    /// The six octets as one number, the first octet highest.
    public let bits: UInt64

    /// Takes the low 48 bits of a number.
    public init(bits: UInt64) {
        self.bits = bits & 0xFFFF_FFFF_FFFF
    }

    /// Reads six octets in the order of the wire; `nil` for any other count.
    public init?(octets: some Sequence<UInt8>) {
        var bits: UInt64 = 0
        var count = 0
        for octet in octets {
            bits = bits << 8 | UInt64(octet)
            count += 1
        }
        guard count == 6 else { return nil }
        self.bits = bits
    }

    /// Reads six pairs of hexadecimal digits between colons or hyphens, in either case, as libvirt and the kernel write them.
    ///
    /// `52:54:00:1a:2b:3c` and `52-54-00-1A-2B-3C` are read; `52:54:0:1a:2b:3c` and `5254001a2b3c` are not.
    public init?(_ text: String) {
        let pairs = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "-" }
        guard pairs.count == 6, pairs.allSatisfy({ $0.utf8.count == 2 && $0.allSatisfy(\.isHexDigit) }) else { return nil }
        self.init(octets: pairs.compactMap { UInt8($0, radix: 16) })
    }

    /// The octets in the order of the wire.
    public var octets: [UInt8] {
        (0..<6).map { UInt8(truncatingIfNeeded: bits >> (40 - 8 * UInt64($0))) }
    }

    /// Neither all zero, which loopback and unfinished neighbour entries show, nor a group address (IEEE 802: lowest bit of
    /// the first octet).
    public var namesOneInterface: Bool {
        bits != 0 && bits & 0x0100_0000_0000 == 0
    }
}

extension MACAddress: CustomStringConvertible {
    /// Lower-case pairs between colons, as cloud-init compares them.
    public var description: String {
        octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

/// The MAC address of a network interface: 48 bits (IEEE 802).
package struct MACAddress: Sendable, Hashable {
    /// The six octets as one number, the first octet in the highest bits.
    package let bits: UInt64

    /// Uses the low 48 bits of a number.
    package init(bits: UInt64) {
        self.bits = bits & 0xFFFF_FFFF_FFFF
    }

    /// Parses six octets in network byte order; `nil` for any other count.
    package init?(octets: some Sequence<UInt8>) {
        var bits: UInt64 = 0
        var count = 0
        for octet in octets {
            bits = bits << 8 | UInt64(octet)
            count += 1
        }
        guard count == 6 else { return nil }
        self.bits = bits
    }

    /// Parses six pairs of hexadecimal digits, separated by colons or hyphens, in upper or lower case, as libvirt and the kernel
    /// write them.
    ///
    /// `52:54:00:1a:2b:3c` and `52-54-00-1A-2B-3C` are valid; `52:54:0:1a:2b:3c` and `5254001a2b3c` are not.
    package init?(_ text: String) {
        let pairs = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "-" }
        guard pairs.count == 6, pairs.allSatisfy({ $0.utf8.count == 2 && $0.allSatisfy(\.isHexDigit) }) else { return nil }
        self.init(octets: pairs.compactMap { UInt8($0, radix: 16) })
    }

    /// Parses six groups of one or two hexadecimal digits, separated by colons, as libvirt reads them (`virMacAddrParse`): what follows white space
    /// is ignored.
    package static func ofLibvirt(_ text: String) -> MACAddress? {
        let groups = text.prefix { $0.isASCII && $0 > " " }.split(separator: ":", omittingEmptySubsequences: false)
        guard groups.count == 6, groups.allSatisfy({ (1...2).contains($0.utf8.count) && $0.allSatisfy(\.isHexDigit) }) else {
            return nil
        }
        return MACAddress(octets: groups.compactMap { UInt8($0, radix: 16) })
    }

    /// The octets in network byte order.
    package var octets: [UInt8] {
        (0..<6).map { UInt8(truncatingIfNeeded: bits >> (40 - 8 * UInt64($0))) }
    }

    /// False for the all-zero address, which loopback and incomplete neighbour entries have, and for group addresses (IEEE 802:
    /// lowest bit of the first octet).
    package var namesOneInterface: Bool {
        bits != 0 && bits & 0x0100_0000_0000 == 0
    }
}

extension MACAddress: CustomStringConvertible {
    /// Lower-case pairs separated by colons, the form that cloud-init compares.
    package var description: String {
        octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

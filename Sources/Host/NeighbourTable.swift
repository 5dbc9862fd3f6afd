import Common

/// The content of a `NeighbourFile`, which describes the format: addresses, and the MAC address of each.
struct NeighbourTable: Sendable, Equatable {
    /// A line that cannot be parsed.
    struct MalformedLine: Error, Equatable {
        /// Counted from 1.
        let number: Int
        let message: String
    }

    /// `nil` for an address that is listed with two MAC addresses, so that no guest is mistaken for another.
    private var entries: [IPAddress: MACAddress?] = [:]

    /// Parses a whole file.
    init(_ text: String) throws(MalformedLine) {
        var number = 0
        // In Swift a carriage return with its line feed is one character, which is a newline.
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            let columns = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard !columns.isEmpty, !columns.starts(with: ["IP", "address"]) else { continue }
            guard let (address, mac) = try Self.entry(columns, line: number) else { continue }
            if let known = entries[address] {
                entries[address] = .some(known == mac ? mac : nil)
            } else {
                entries[address] = .some(mac)
            }
        }
    }

    /// The MAC address of an address, regardless of its zone; `nil` where the table has none, or two.
    func mac(of address: IPAddress) -> MACAddress? {
        entries[address.withoutZone] ?? nil
    }

    /// One line; `nil` where it identifies no interface: no flags (an incomplete entry), a MAC address that is zero or a group,
    /// or another hardware type than Ethernet (`ARPHRD_ETHER`, 1).
    private static func entry(_ columns: [Substring], line: Int) throws(MalformedLine) -> (IPAddress, MACAddress)? {
        guard columns.count == 6 else {
            throw MalformedLine(number: line, message: "\(columns.count) columns: expected 6")
        }
        guard let address = IPAddress(String(columns[0])) else {
            throw MalformedLine(number: line, message: "'\(columns[0])' is not a valid IP address")
        }
        guard let hardware = hexadecimal(columns[1]), let flags = hexadecimal(columns[2]) else {
            throw MalformedLine(number: line, message: "'\(columns[1]) \(columns[2])': expected two hexadecimal numbers with 0x")
        }
        guard hardware == 1, flags != 0 else { return nil }
        guard let mac = MACAddress(String(columns[3])) else {
            throw MalformedLine(number: line, message: "'\(columns[3])' is not a valid MAC address")
        }
        return mac.namesOneInterface ? (address.withoutZone, mac) : nil
    }

    /// A number such as `0x1`.
    private static func hexadecimal(_ text: Substring) -> UInt32? {
        guard text.hasPrefix("0x"), text.dropFirst(2).allSatisfy(\.isHexDigit) else { return nil }
        return UInt32(text.dropFirst(2), radix: 16)
    }
}

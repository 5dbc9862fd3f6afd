/// The kinds of addresses that are no machine's (RFC 6890).
extension IPAddress {
    /// Why no guest can have the address, or reach a machine by it; `nil` if it may.
    package var reasonAgainstMachine: String? {
        let octets = octets
        let isMulticast = family == .v4 ? (224...239).contains(octets[0]) : octets[0] == 0xFF
        let isLoopback = family == .v4 ? octets[0] == 127 : octets.dropLast().allSatisfy { $0 == 0 } && octets[15] == 1
        if octets.allSatisfy({ $0 == 0 }) { return "is the unspecified address" }
        if family == .v4, octets.allSatisfy({ $0 == 0xFF }) { return "is the broadcast address" }
        if isMulticast { return "is a multicast address" }
        return isLoopback ? "is a loopback address" : nil
    }
}

extension InterfaceAddress {
    /// Why no interface of a guest can have the address; `nil` if one can.
    package var reasonAgainstInterface: String? {
        address.reasonAgainstMachine
            ?? (prefixLength == 0 ? "has the prefix length 0, so that every address is on the link" : nil)
    }

    /// Why an address in the subnet is not one of a machine's there; `nil` if it may be. RFC 3021 has no such addresses in a /31.
    package func reasonAgainstMember(_ other: IPAddress) -> String? {
        guard let subnet, other.family == .v4, subnet.address.family == .v4, subnet.prefixLength < 31, subnet.contains(other)
        else {
            return nil
        }
        if other == subnet.address { return "is the address of its network \(subnet)" }
        let octets = zip(subnet.address.octets, 0...3).map { octet, index in
            octet | UInt8(truncatingIfNeeded: 0xFF >> min(8, max(0, subnet.prefixLength - 8 * index)))
        }
        return other.octets == octets ? "is the broadcast address of its network \(subnet)" : nil
    }
}

import Common

/// The addresses that a network's DHCP server keeps for single guests: by MAC address, by host name, or by the identifier of a DHCPv6
/// client (DUID, RFC 8415 §11).
struct DHCPHosts: Sendable, Equatable {
    private var byMAC: [MACAddress: [IPAddress]] = [:]
    private var byName: [String: [IPAddress]] = [:]
    /// Identifiers that contain a MAC address of the guest, or the UUID of its SMBIOS; others cannot be foreseen.
    private var byHardware: [MACAddress: [IPAddress]] = [:]
    private var byUUID: [InstanceUUID: [IPAddress]] = [:]

    /// Adds an address for a MAC address. dnsmasq takes the last entry of those for one client.
    mutating func add(_ address: IPAddress, for mac: MACAddress) { Self.set(address, &byMAC[mac, default: []]) }

    mutating func add(_ address: IPAddress, named name: String) { Self.set(address, &byName[name.lowercased(), default: []]) }

    /// Adds an address for a client's identifier, as libvirt writes it: octets in hexadecimal, separated by colons.
    mutating func add(_ address: IPAddress, identifier: String) {
        let octets = identifier.split(separator: ":", omittingEmptySubsequences: false).map { UInt8($0, radix: 16) }
        let known = octets.compactMap(\.self)
        guard known.count == octets.count, known.count >= 10 else { return }
        switch (known[0], known[1]) {
        // A time and an Ethernet address.
        case (0, 1) where known.count == 14 && known[2...3] == [0, 1]: hardware(known.suffix(6), address)
        case (0, 3) where known.count == 10 && known[2...3] == [0, 1]: hardware(known.suffix(6), address)
        case (0, 4) where known.count == 18:
            // SMBIOS has the first three fields in reverse order, and firmware copies them so.
            let digits = Array(known.suffix(16))
            let reversed = digits[0..<4].reversed() + digits[4..<6].reversed() + digits[6..<8].reversed() + digits[8...]
            for uuid in Set([InstanceUUID(octets: digits), InstanceUUID(octets: Array(reversed))].compactMap(\.self)) {
                Self.set(address, &byUUID[uuid, default: []])
            }
        default: break
        }
    }

    private mutating func hardware(_ octets: ArraySlice<UInt8>, _ address: IPAddress) {
        guard let mac = MACAddress(octets: octets) else { return }
        Self.set(address, &byHardware[mac, default: []])
    }

    /// One address of each family, IPv4 first.
    private static func set(_ address: IPAddress, _ addresses: inout [IPAddress]) {
        addresses = (addresses.filter { $0.family != address.family } + [address]).sorted { $0.family == .v4 && $1.family == .v6 }
    }

    /// The addresses for a MAC address.
    func addresses(of mac: MACAddress) -> [IPAddress] { byMAC[mac] ?? [] }

    /// The addresses for a guest by what it tells the server itself: its host name, without or with its domain, or its identifier.
    ///
    /// - Parameters:
    ///   - hardware: the MAC addresses of all interfaces of the guest; its identifier contains that of any.
    ///   - mac: the interface's own one, which is preferred.
    func addresses(named name: String, uuid: InstanceUUID, hardware: [MACAddress], on mac: MACAddress) -> [IPAddress] {
        if byName.isEmpty, byHardware.isEmpty, byUUID.isEmpty { return [] }
        let full = name.lowercased()
        let short = String(full.prefix { $0 != "." })
        let identified =
            byHardware[mac] ?? byUUID[uuid] ?? hardware.lazy.compactMap { byHardware[$0] }.first ?? []
        var addresses: [IPAddress] = []
        for address in [byName[full] ?? [], byName[short] ?? [], identified].joined() { Self.set(address, &addresses) }
        return addresses
    }
}

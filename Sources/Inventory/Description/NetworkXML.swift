import Common
import XML

/// What a libvirt network's XML says of the links its guests have (https://libvirt.org/formatnetwork.html).
struct NetworkXML: Sendable, Equatable {
    let name: String
    let uuid: String
    let bridge: String?
    let mtu: Int?
    let offersDHCP: Bool
    let reservations: [MACAddress: IPAddress]
    /// The subnets in which the host has an address.
    let ranges: [AddressRange]

    /// Reads the root element of a network's XML.
    init(_ network: XMLElement) throws(DescriptionError) {
        guard network.name == "network", let name = network.first("name")?.trimmedText, !name.isEmpty else {
            throw DescriptionError(line: network.line, "there is no <network> with a <name>")
        }
        self.name = name
        uuid = network.first("uuid")?.trimmedText ?? name
        bridge = network.first("bridge")?.attribute("name")
        mtu = (network.first("mtu")?.attribute("size")).flatMap { Int($0) }
        ranges = network.all("ip").compactMap(Self.range)
        let subnets = network.all("ip").filter { ["ipv4", nil].contains($0.attribute("family")) }
        // Where the host has no address, whoever else is on that link gives the addresses, and as a rule by DHCP.
        offersDHCP = subnets.isEmpty || subnets.contains { $0.first("dhcp") != nil }
        let hosts = subnets.compactMap { $0.first("dhcp") }.flatMap { $0.all("host") }
        reservations = Dictionary(
            hosts.compactMap { host in
                guard let mac = host.attribute("mac").flatMap(MACAddress.init),
                    let address = host.attribute("ip").flatMap({ IPAddress($0) })
                else { return nil }
                return (mac, address)
            }, uniquingKeysWith: { first, _ in first })
    }
    /// The subnet of an `<ip>`: its address with a prefix, or with the mask that has as many leading ones. Without either the class of
    /// the address counts, as libvirt has it, and that is nobody's intention: then there is none.
    private static func range(_ element: XMLElement) -> AddressRange? {
        guard let address = element.attribute("address").flatMap({ IPAddress($0) }) else { return nil }
        let mask = element.attribute("netmask").flatMap { IPAddress($0) }
        let length =
            element.attribute("prefix").flatMap { Int($0) }
            ?? mask.map { $0.octets.reduce(0) { $0 + $1.nonzeroBitCount } }
        return length.flatMap { AddressRange(address, prefixLength: $0) }?.canonical
    }
}

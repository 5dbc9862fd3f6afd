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

    /// Reads the root element of a network's XML.
    init(_ network: XMLElement) throws(DescriptionError) {
        guard network.name == "network", let name = network.first("name")?.trimmedText, !name.isEmpty else {
            throw DescriptionError(line: network.line, "there is no <network> with a <name>")
        }
        self.name = name
        uuid = network.first("uuid")?.trimmedText ?? name
        bridge = network.first("bridge")?.attribute("name")
        mtu = (network.first("mtu")?.attribute("size")).flatMap { Int($0) }
        let ranges = network.all("ip").filter { ["ipv4", nil].contains($0.attribute("family")) }
        // Where the host has no address, whoever else is on that link gives the addresses, and as a rule by DHCP.
        offersDHCP = ranges.isEmpty || ranges.contains { $0.first("dhcp") != nil }
        let hosts = ranges.compactMap { $0.first("dhcp") }.flatMap { $0.all("host") }
        reservations = Dictionary(
            hosts.compactMap { host in
                guard let mac = host.attribute("mac").flatMap(MACAddress.init),
                    let address = host.attribute("ip").flatMap({ IPAddress($0) })
                else { return nil }
                return (mac, address)
            }, uniquingKeysWith: { first, _ in first })
    }
}

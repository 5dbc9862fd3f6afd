import Common
import XML

/// The parts of a libvirt network's XML that concern its guests' interfaces (https://libvirt.org/formatnetwork.html).
struct NetworkXML: Sendable, Equatable {
    let bridge: String?
    let mtu: Int?
    let reservations: [MACAddress: IPAddress]
    /// The facts for its guests' interfaces.
    let reference: NetworkReference

    var name: String { reference.name }
    var offersDHCP: Bool { reference.offersDHCP }

    /// Parses the root element of a network's XML.
    init(_ network: XMLElement) throws(DescriptionError) {
        guard network.name == "network", let name = network.first("name")?.trimmedText, !name.isEmpty else {
            throw DescriptionError(line: network.line, "there is no <network> with a <name>")
        }
        bridge = network.first("bridge")?.attribute("name")
        mtu = (network.first("mtu")?.attribute("size")).flatMap { Int($0) }
        let subnets = network.all("ip").filter { ["ipv4", nil].contains($0.attribute("family")) }
        // Where the host has no address, another machine on the network assigns the addresses, usually by DHCP.
        let offersDHCP = subnets.isEmpty || subnets.contains { $0.first("dhcp") != nil }
        let hosts = subnets.compactMap { $0.first("dhcp") }.flatMap { $0.all("host") }
        reservations = Dictionary(
            hosts.compactMap { host in
                guard let mac = host.attribute("mac").flatMap(MACAddress.init),
                    let address = host.attribute("ip").flatMap({ IPAddress($0) })
                else { return nil }
                return (mac, address)
            }, uniquingKeysWith: { first, _ in first })
        var reference = NetworkReference(
            name: name, uuid: network.first("uuid")?.trimmedText ?? name, offersDHCP: offersDHCP)
        reference.hostAddresses = network.all("ip").compactMap(Self.address)
        reference.leadsOut = network.first("forward").map { $0.attribute("mode") != "none" } ?? false
        reference.routes = network.all("route").compactMap(Self.route)
        let resolver = network.first("dns")
        reference.resolvesNames = resolver?.attribute("enable") != "no"
        reference.nameServers = resolver?.all("forwarder").compactMap { $0.attribute("addr").flatMap { IPAddress($0) } } ?? []
        // libvirt advertises the prefix, and leases addresses where the network has a DHCP range.
        let ipv6 = network.all("ip").filter { $0.attribute("family") == "ipv6" }
        reference.ipv6 = ipv6.isEmpty ? nil : ipv6.contains { $0.first("dhcp") != nil } ? .stateful : .slaac
        self.reference = reference
    }

    private static func route(_ element: XMLElement) -> Route? {
        guard let destination = address(element)?.subnet, let gateway = element.attribute("gateway").flatMap({ IPAddress($0) })
        else { return nil }
        return Route(to: destination, by: gateway)
    }

    /// The address of an `<ip>` or a `<route>`, with the prefix length from `prefix` or `netmask`; `nil` without either: then libvirt
    /// uses the class of the address, which no operator intends.
    private static func address(_ element: XMLElement) -> InterfaceAddress? {
        guard let address = element.attribute("address").flatMap({ IPAddress($0) }) else { return nil }
        let mask = element.attribute("netmask").flatMap { IPAddress($0) }
        let length =
            element.attribute("prefix").flatMap { Int($0) }
            ?? mask.map { $0.octets.reduce(0) { $0 + $1.nonzeroBitCount } }
        return InterfaceAddress(address, prefixLength: length)
    }
}

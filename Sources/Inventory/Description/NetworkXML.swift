import Common
import XML

/// The parts of a libvirt network's XML that concern its guests' interfaces (https://libvirt.org/formatnetwork.html).
struct NetworkXML: Sendable, Equatable {
    let bridge: String?
    let mtu: Int?
    /// The mode of `<forward>`; `nil` without the element.
    let forwardMode: String?
    let reservations: [MACAddress: IPAddress]
    /// The facts for its guests' interfaces.
    let reference: NetworkReference

    /// Whether the network attaches its guests to the host's devices or to a LAN, without a bridge.
    var isBridgeless: Bool {
        bridge == nil && ["bridge", "private", "vepa", "passthrough", "hostdev"].contains(forwardMode)
    }
    /// Whether guests get no IPv6 address although the host has one: dnsmasq and guests do SLAAC with prefixes of 64 bits only.
    let lacksSLAAC: Bool

    var name: String { reference.name }
    var offersDHCP: Bool { reference.offersDHCP }

    /// Parses the root element of a network's XML.
    init(_ network: XMLElement) throws(DescriptionError) {
        guard network.name == "network", let name = network.first("name")?.trimmedText, !name.isEmpty else {
            throw DescriptionError(line: network.line, "there is no <network> with a <name>")
        }
        bridge = network.first("bridge")?.attribute("name")
        mtu = (network.first("mtu")?.attribute("size")).flatMap { Int($0) }
        forwardMode = network.first("forward").map { $0.attribute("mode") ?? "nat" }
        let ranges = network.all("ip")
        let subnets = ranges.filter { ["ipv4", nil].contains($0.attribute("family")) }
        // Where the host has no address at all, another machine on the network assigns the addresses, usually by DHCP.
        let offersDHCP = ranges.isEmpty || subnets.contains { $0.first("dhcp") != nil }
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
        reference.isUnmanaged = ranges.isEmpty
        reference.hostAddresses = ranges.compactMap(Self.address)
        reference.leadsOut = forwardMode.map { $0 != "none" } ?? false
        reference.routes = network.all("route").compactMap(Self.route)
        // A forwarder is a server that dnsmasq asks. Guests ask dnsmasq, which also knows the names of the network.
        reference.resolvesNames = network.first("dns")?.attribute("enable") != "no"
        reference.domain = (network.first("domain")?.attribute("name")).flatMap { Hostname.isValid($0) ? $0 : nil }
        let host = subnets.first { $0.first("dhcp") != nil }.flatMap(Self.address)?.address
        (reference.advertisedRouters, reference.advertisedNameServers) = DHCPOption.advertised(
            by: DHCPOption.all(in: network), of: host)
        // libvirt advertises the prefix, and leases addresses where the network has a DHCP range.
        let ipv6 = ranges.filter { $0.attribute("family") == "ipv6" }
        let isStateful = ipv6.contains { $0.first("dhcp") != nil }
        let hasSLAAC = ipv6.contains { (Self.address($0)?.prefixLength ?? 64) == 64 }
        reference.ipv6 = isStateful ? .stateful : hasSLAAC ? .slaac : nil
        lacksSLAAC = !ipv6.isEmpty && reference.ipv6 == nil
        self.reference = reference
    }

    private static func route(_ element: XMLElement) -> Route? {
        guard let destination = address(element)?.subnet, let gateway = element.attribute("gateway").flatMap({ IPAddress($0) })
        else { return nil }
        return Route(to: destination, by: gateway, metric: element.attribute("metric").flatMap { Int($0) })
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

/// A link that a guest has or is to make, and how it gets its addresses: what every document about its network is made of.
public struct GuestLink: Sendable {
    /// What it is.
    public enum Kind: Sendable {
        /// One of the instance's interfaces.
        case interface(NetworkInterface)
        /// Made of others.
        case made(VirtualLink.Kind)
    }

    /// What it is called in documents: `interface0` for the first interface, for its tap's name changes with every start; what is
    /// made of others has the operator's name.
    public let id: String
    /// What it is.
    public let kind: Kind
    /// Its hardware address.
    public let mac: MACAddress
    /// The largest packet, in bytes.
    public let mtu: Int?
    /// How it gets its addresses; nothing where it gets none, as a member of a bond.
    public let networks: [GuestNetwork]
}

/// One way in which a link gets an address.
public struct GuestNetwork: Sendable {
    /// Where its address comes from.
    public enum Kind: Sendable {
        /// From a DHCP server on the link, by IPv4.
        case dhcp4
        /// From somebody on the link, by IPv6.
        case asked6(LinkConfiguration.IPv6Method)
        /// From the operator.
        case configured(InterfaceAddress, routes: [Route])
    }

    /// Where its address comes from.
    public let kind: Kind
    /// The name servers that are told with it.
    public let nameServers: [IPAddress]
}

extension Instance {
    /// The links of the guest: its interfaces, then the bonds and VLANs that it is to make of them.
    ///
    /// Each family's addresses come from the operator's words, else from the libvirt network, else from whoever gives addresses on the
    /// link. A member of a bond has no addresses of its own.
    public var guestLinks: [GuestLink] {
        let bonded = Set(virtualLinks.flatMap(\.members))
        let own = interfaces.enumerated().map { number, interface in
            GuestLink(
                id: "interface\(number)", kind: .interface(interface), mac: interface.mac, mtu: interface.mtu,
                networks: bonded.contains(interface.mac) ? [] : networks(of: interface))
        }
        return own
            + virtualLinks.map { link in
                GuestLink(
                    id: link.name, kind: .made(link.kind), mac: link.mac, mtu: link.configuration.mtu,
                    // Who gives addresses on such a link only the operator knows.
                    networks: networks(
                        by: link.configuration, ipv4: nil, ipv6: nil, NetworkReference(name: "", uuid: "", offersDHCP: false)))
            }
    }
}

private func networks(of interface: NetworkInterface) -> [GuestNetwork] {
    let network = interface.network
    // On a bridge of the operator's own, of which nobody says anything else, there is somebody to ask.
    let ipv4 = network?.offersDHCP ?? true ? LinkConfiguration.IPv4Method.dhcp : nil
    return networks(by: interface.configuration, ipv4: ipv4, ipv6: network?.ipv6, network)
}

/// - Parameters:
///   - ipv4: how addresses are given on the link by IPv4, if they are.
///   - ipv6: the same by IPv6.
private func networks(
    by configuration: LinkConfiguration, ipv4: LinkConfiguration.IPv4Method?, ipv6: LinkConfiguration.IPv6Method?,
    _ network: NetworkReference?
) -> [GuestNetwork] {
    let (static4, static6) = (configured(.v4, configuration, network), configured(.v6, configuration, network))
    // Who gives addresses of one family by hand does not expect the other from elsewhere, unless the network is known to give it.
    let isByHand = !static4.isEmpty || !static6.isEmpty
    var networks = static4
    if static4.isEmpty, configuration.ipv4 ?? (isByHand && network == nil ? nil : ipv4) == .dhcp {
        networks.append(
            GuestNetwork(kind: .dhcp4, nameServers: nameServers(.v4, configuration, network, isAsked: true)))
    }
    networks += static6
    if static6.isEmpty, let method = configuration.ipv6 ?? ipv6, method != .none {
        networks.append(GuestNetwork(kind: .asked6(method), nameServers: nameServers(.v6, configuration, network, isAsked: true)))
    }
    return networks
}

/// The operator's addresses of a family whose prefix is known; the first one has the routes and the name servers.
private func configured(
    _ family: IPAddress.Family, _ configuration: LinkConfiguration, _ network: NetworkReference?
) -> [GuestNetwork] {
    let addresses = configuration.addresses.filter { $0.address.family == family && $0.prefixLength != nil }
    return addresses.enumerated().map { number, address in
        guard number == 0 else { return GuestNetwork(kind: .configured(address, routes: []), nameServers: []) }
        return GuestNetwork(
            kind: .configured(address, routes: routes(family, configuration, network, from: address)),
            nameServers: nameServers(family, configuration, network, isAsked: false))
    }
}

/// The default route first, then the operator's, then the libvirt network's.
///
/// Without an operator's gateway the host is it, where it forwards and has an address in the subnet.
private func routes(
    _ family: IPAddress.Family, _ configuration: LinkConfiguration, _ network: NetworkReference?, from address: InterfaceAddress
) -> [Route] {
    let host = network?.leadsOut == true ? network?.hostAddresses.map(\.address) : nil
    let gateway =
        configuration.gateways.first { $0.family == family } ?? host?.first { address.subnet?.contains($0) == true }
    let ways = (gateway.flatMap(Route.toEverywhere).map { [$0] } ?? []) + configuration.routes + (network?.routes ?? [])
    return ways.filter { $0.gateway.family == family }
}

/// The operator's name servers of a family, else those that the libvirt network names, else, for who does not ask for them, the host.
private func nameServers(
    _ family: IPAddress.Family, _ configuration: LinkConfiguration, _ network: NetworkReference?, isAsked: Bool
) -> [IPAddress] {
    if !configuration.nameServers.isEmpty { return configuration.nameServers.filter { $0.family == family } }
    let named = network?.nameServers.filter { $0.family == family } ?? []
    if !named.isEmpty || isAsked { return named }
    guard let network, network.resolvesNames else { return [] }
    return network.hostAddresses.map(\.address).filter { $0.family == family }
}

extension VirtualLink {
    /// The interfaces that a bond is made of; none of a VLAN.
    var members: [MACAddress] {
        if case .bond(_, let members, _) = kind { members } else { [] }
    }
}

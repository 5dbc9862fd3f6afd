/// A network link of the guest, physical or virtual, with its address configuration: the source of every network document.
package struct GuestLink: Sendable {
    package enum Kind: Sendable {
        case interface(NetworkInterface)
        /// A bond or VLAN.
        case virtual(VirtualLink.Kind)
    }

    /// The link's name in documents: `interface0` for the first interface, because the tap's name changes with every start; a
    /// bond or VLAN has the operator's name.
    package let id: String
    package let kind: Kind
    package let mac: MACAddress
    package let mtu: Int?
    /// The address configurations of the link; empty if it has none, as a member of a bond.
    package let networks: [GuestNetwork]
}

/// One address configuration of a link.
package struct GuestNetwork: Sendable {
    /// The source of the address.
    package enum Kind: Sendable {
        /// A DHCPv4 server on the link.
        case dhcp4
        /// Router advertisements or a DHCPv6 server on the link.
        case ipv6(LinkConfiguration.IPv6Method)
        /// The operator's static configuration.
        case configured(InterfaceAddress, routes: [Route])
    }

    package let kind: Kind
    /// The name servers that belong to this configuration.
    package let nameServers: [IPAddress]
}

extension Instance {
    /// The links of the guest: its interfaces, followed by the operator's bonds and VLANs.
    ///
    /// The addresses of each family come from the operator's values, else from the libvirt network, else from a server on the
    /// link. A member of a bond has no addresses of its own.
    package var guestLinks: [GuestLink] {
        let bonded = Set(virtualLinks.flatMap(\.members))
        let own = interfaces.enumerated().map { number, interface in
            GuestLink(
                id: "interface\(number)", kind: .interface(interface), mac: interface.mac, mtu: interface.mtu,
                networks: bonded.contains(interface.mac) ? [] : networks(of: interface))
        }
        return own
            + virtualLinks.map { link in
                GuestLink(
                    id: link.name, kind: .virtual(link.kind), mac: link.mac, mtu: link.configuration.mtu,
                    // Only the operator knows how addresses are assigned on a bond or VLAN.
                    networks: networks(
                        by: link.configuration, ipv4: nil, ipv6: nil, NetworkReference(name: "", uuid: "", offersDHCP: false)))
            }
    }
}

private func networks(of interface: NetworkInterface) -> [GuestNetwork] {
    let network = interface.network
    // A plain bridge, of which nothing else is known, is assumed to have a DHCP server.
    let ipv4 = network?.offersDHCP ?? true ? LinkConfiguration.IPv4Method.dhcp : nil
    return networks(by: interface.configuration, ipv4: ipv4, ipv6: network?.ipv6, network)
}

/// - Parameters:
///   - ipv4: how the link assigns IPv4 addresses, if it does.
///   - ipv6: how the link assigns IPv6 addresses, if it does.
private func networks(
    by configuration: LinkConfiguration, ipv4: LinkConfiguration.IPv4Method?, ipv6: LinkConfiguration.IPv6Method?,
    _ network: NetworkReference?
) -> [GuestNetwork] {
    let (static4, static6) = (configured(.v4, configuration, network), configured(.v6, configuration, network))
    // An operator who configures one family statically expects no other addresses, unless the network is known to assign them.
    let isStatic = !static4.isEmpty || !static6.isEmpty
    var networks = static4
    if static4.isEmpty, configuration.ipv4 ?? (isStatic && network == nil ? nil : ipv4) == .dhcp {
        networks.append(
            GuestNetwork(kind: .dhcp4, nameServers: nameServers(.v4, configuration, network, usesServer: true)))
    }
    networks += static6
    if static6.isEmpty, let method = configuration.ipv6 ?? ipv6, method != .none {
        networks.append(
            GuestNetwork(kind: .ipv6(method), nameServers: nameServers(.v6, configuration, network, usesServer: true)))
    }
    return networks
}

/// The operator's addresses of a family whose prefix is known; routes and name servers belong to the first one.
private func configured(
    _ family: IPAddress.Family, _ configuration: LinkConfiguration, _ network: NetworkReference?
) -> [GuestNetwork] {
    let addresses = configuration.addresses.filter { $0.address.family == family && $0.prefixLength != nil }
    return addresses.enumerated().map { number, address in
        guard number == 0 else { return GuestNetwork(kind: .configured(address, routes: []), nameServers: []) }
        return GuestNetwork(
            kind: .configured(address, routes: routes(family, configuration, network, from: address)),
            nameServers: nameServers(family, configuration, network, usesServer: false))
    }
}

/// The default route first, then the operator's routes, then those of the libvirt network.
///
/// Without an operator's gateway the host is the default gateway if it forwards packets and has an address in the subnet.
private func routes(
    _ family: IPAddress.Family, _ configuration: LinkConfiguration, _ network: NetworkReference?, from address: InterfaceAddress
) -> [Route] {
    let host = network?.leadsOut == true ? network?.hostAddresses.map(\.address) : nil
    let gateway =
        configuration.gateways.first { $0.family == family } ?? host?.first { address.subnet?.contains($0) == true }
    let routes = (gateway.flatMap(Route.defaultRoute).map { [$0] } ?? []) + configuration.routes + (network?.routes ?? [])
    return routes.filter { $0.gateway.family == family }
}

/// The operator's name servers of a family, else those of the libvirt network, else the host for a link without DHCP.
private func nameServers(
    _ family: IPAddress.Family, _ configuration: LinkConfiguration, _ network: NetworkReference?, usesServer: Bool
) -> [IPAddress] {
    if !configuration.nameServers.isEmpty { return configuration.nameServers.filter { $0.family == family } }
    let named = network?.nameServers.filter { $0.family == family } ?? []
    if !named.isEmpty || usesServer { return named }
    guard let network, network.resolvesNames else { return [] }
    return network.hostAddresses.map(\.address).filter { $0.family == family }
}

extension VirtualLink {
    /// The interfaces of a bond; empty for a VLAN.
    var members: [MACAddress] {
        if case .bond(_, let members, _) = kind { members } else { [] }
    }
}

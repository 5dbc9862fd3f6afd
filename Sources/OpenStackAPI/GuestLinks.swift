import Common

/// The links of a guest: its interfaces, then the bonds and VLANs that it is to make of them.
///
/// Each family's addresses come from the operator's words, else from the libvirt network, else from whoever gives addresses on the
/// link. A member of a bond has no addresses of its own.
func links(of instance: Instance) -> [GuestLink] {
    var names: [MACAddress: String] = [:]
    for (number, interface) in instance.interfaces.enumerated() { names[interface.mac] = "interface\(number)" }
    let bonded = Set(instance.virtualLinks.flatMap(\.members))
    let interfaces = instance.interfaces.enumerated().map { number, interface in
        let id = "interface\(number)"
        return GuestLink(
            id: id, type: "phy", mac: interface.mac, mtu: interface.mtu, particulars: [],
            network: interface.network?.uuid ?? interface.bridge ?? id,
            networks: bonded.contains(interface.mac) ? [] : networks(of: interface))
    }
    return interfaces
        + instance.virtualLinks.map { link in
            GuestLink(
                id: link.name, type: link.type, mac: link.mac, mtu: link.configuration.mtu, particulars: link.particulars(names),
                network: link.name,
                // Who gives addresses on such a link only the operator knows.
                networks: networks(
                    by: link.configuration, ipv4: nil, ipv6: nil, NetworkReference(name: "", uuid: "", offersDHCP: false)))
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
            GuestNetwork(kind: .asked("ipv4_dhcp"), nameServers: nameServers(.v4, configuration, network, isAsked: true)))
    }
    networks += static6
    if static6.isEmpty, let method = configuration.ipv6 ?? ipv6, method != .none {
        let name = "ipv6_" + method.rawValue
        networks.append(GuestNetwork(kind: .asked(name), nameServers: nameServers(.v6, configuration, network, isAsked: true)))
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
    fileprivate var type: String {
        switch kind {
        case .bond: "bond"
        case .vlan: "vlan"
        }
    }

    fileprivate var members: [MACAddress] {
        if case .bond(_, let members, _) = kind { members } else { [] }
    }

    /// - Parameter names: what the interfaces are called in this document.
    fileprivate func particulars(_ names: [MACAddress: String]) -> [JSONMember] {
        switch kind {
        case .bond(let mode, let members, let parameters):
            return [
                JSONMember("bond_links", .array(members.compactMap { names[$0] }.map(JSONValue.string))),
                JSONMember("bond_mode", .string(mode)),
            ] + parameters.map { JSONMember($0.name, .string($0.value)) }
        case .vlan(let id, let base):
            let on =
                switch base {
                case .interface(let mac): names[mac] ?? ""
                case .bond(let name): name
                }
            return [
                JSONMember("vlan_link", .string(on)), JSONMember("vlan_id", .integer(Int64(id))),
                JSONMember("vlan_mac_address", .string(mac.description)),
            ]
        }
    }
}

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
    /// Whether a guest must not wait for the link when it boots: it is down, or nothing is known of its network.
    ///
    /// A document that cannot say so has the link without its networks.
    package let isOptional: Bool
    /// The address configurations of the link; empty if it has none, as a member of a bond.
    package fileprivate(set) var networks: [GuestNetwork]

    /// The address configurations that a guest can rely on.
    package var requiredNetworks: [GuestNetwork] { isOptional ? [] : networks }
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
        case configured(InterfaceAddress)
    }

    package let kind: Kind
    /// The default route first; in addition to those of a server on the link.
    package fileprivate(set) var routes: [Route] = []
    /// The name servers that belong to this configuration.
    package var nameServers: [IPAddress] = []
    package var searchDomains: [String] = []
}

extension Instance {
    /// The links of the guest: its interfaces, followed by the operator's bonds and VLANs.
    ///
    /// The addresses of each family come from the operator's values, else from the libvirt network, else from a server on the
    /// link. A member of a bond has no addresses of its own. A guest cannot tell apart two interfaces with one MAC address: the
    /// first one is its link.
    package var guestLinks: [GuestLink] {
        let bonded = Set(virtualLinks.flatMap(\.members))
        var seen: Set<MACAddress> = []
        var links: [GuestLink] = []
        for (number, interface) in interfaces.enumerated() where seen.insert(interface.mac).inserted {
            let networks = bonded.contains(interface.mac) ? [] : AddressPlan(of: interface).networks
            // The assumed server may not exist, and a guest waits minutes for it: only one link is assumed to have one.
            let isUnsure =
                !networks.isEmpty && interface.isUndescribed
                && (interface.isPassedThrough || links.contains { !$0.requiredNetworks.isEmpty })
            links.append(
                GuestLink(
                    id: "interface\(number)", kind: .interface(interface), mac: interface.mac, mtu: interface.mtu,
                    isOptional: interface.isDown || isUnsure, networks: networks))
        }
        links += virtualLinks.map { link in
            GuestLink(
                id: link.name, kind: .virtual(link.kind), mac: link.mac, mtu: link.configuration.mtu, isOptional: false,
                networks: AddressPlan(of: link).networks)
        }
        links.rankDefaultRoutes()
        return links
    }
}

extension [GuestLink] {
    /// Gives the second default route of a family, and those after it, a metric: without one the kernel accepts only the first.
    fileprivate mutating func rankDefaultRoutes() {
        var count: [IPAddress.Family: Int] = [:]
        for link in indices {
            for network in self[link].networks.indices {
                for route in self[link].networks[network].routes.indices {
                    let found = self[link].networks[network].routes[route]
                    guard found.isDefault, found.metric == nil else { continue }
                    let number = count[found.gateway.family, default: 0] + 1
                    count[found.gateway.family] = number
                    if number > 1 { self[link].networks[network].routes[route].metric = 100 * number }
                }
            }
        }
    }
}

extension NetworkInterface {
    /// Whether neither the operator nor a libvirt network says how the interface gets addresses.
    package var isUndescribed: Bool {
        (network?.isUnmanaged ?? !lacksNetworkXML) && configuration.gateways.isEmpty && configuration.routes.isEmpty
            && configuration.nameServers.isEmpty && configuration.ipv4 == nil && configuration.ipv6 == nil
            && configuration.addresses.allSatisfy { $0.prefixLength == nil }
    }
}

/// Decides the address configurations of one link.
private struct AddressPlan {
    private let configuration: LinkConfiguration
    private let network: NetworkReference?
    /// How the link assigns addresses of each family, if it does.
    private let ipv4: LinkConfiguration.IPv4Method?
    private let ipv6: LinkConfiguration.IPv6Method?
    /// The guest's own addresses on the link.
    private let own: [IPAddress]

    init(of interface: NetworkInterface) {
        (configuration, network, own) = (interface.configuration, interface.network, interface.knownAddresses)
        // A plain bridge, of which nothing else is known, is assumed to have a DHCP server. An operator who configures one family
        // statically there expects no other addresses.
        let isStatic = configuration.addresses.contains { $0.prefixLength != nil }
        let isAssumed = network?.isUnmanaged ?? true
        ipv4 = isAssumed ? (isStatic ? nil : .dhcp) : network?.offersDHCP == true ? .dhcp : nil
        ipv6 = network?.ipv6
    }

    /// Only the operator knows how addresses are assigned on a bond or VLAN.
    init(of link: VirtualLink) {
        (configuration, network, ipv4, ipv6) = (link.configuration, nil, nil, nil)
        own = link.configuration.addresses.map(\.address)
    }

    var networks: [GuestNetwork] {
        var networks = configured(.v4)
        if networks.isEmpty, (configuration.ipv4 ?? ipv4) == .dhcp { networks.append(assigned(.dhcp4, .v4)) }
        let static6 = configured(.v6)
        networks += static6
        if static6.isEmpty, let method = configuration.ipv6 ?? ipv6, method != .none {
            networks.append(assigned(.ipv6(method), .v6))
        }
        return networks
    }

    /// Addresses from a server on the link, with what the operator adds.
    private func assigned(_ kind: GuestNetwork.Kind, _ family: IPAddress.Family) -> GuestNetwork {
        let gateway = configuration.gateways.first { $0.family == family }
        return GuestNetwork(
            kind: kind, routes: routes(family, through: gateway, configuration.routes),
            nameServers: configuration.nameServers.filter { $0.family == family })
    }

    /// The operator's addresses of a family whose prefix is known; routes and name servers belong to the first one.
    private func configured(_ family: IPAddress.Family) -> [GuestNetwork] {
        let addresses = configuration.addresses.filter { $0.address.family == family && $0.prefixLength != nil }
        return addresses.enumerated().map { number, address in
            var network = GuestNetwork(kind: .configured(address))
            guard number == 0 else { return network }
            network.routes = staticRoutes(family, subnets: addresses.compactMap(\.subnet))
            network.nameServers = nameServers(family, near: address)
            if !network.nameServers.isEmpty, configuration.nameServers.isEmpty {
                network.searchDomains = (self.network?.domain).map { [$0] } ?? []
            }
            return network
        }
    }

    /// The default route first, then the operator's routes, then those of the libvirt network.
    ///
    /// Without an operator's gateway the default gateway is the router that DHCP advertises, usually the host if it forwards packets,
    /// if it has an address in a subnet.
    private func staticRoutes(_ family: IPAddress.Family, subnets: [AddressRange]) -> [Route] {
        let isNear = { (router: IPAddress) in
            (router.family == .v6 && router.isLinkLocal) || subnets.contains { $0.contains(router) }
        }
        let host = network?.leadsOut == true ? network?.hostAddresses.map(\.address) : nil
        let routers = (family == .v4 ? network?.advertisedRouters : nil) ?? host
        let gateway =
            configuration.gateways.first { $0.family == family }
            ?? routers?.first { router in subnets.contains { $0.contains(router) } }
        let reachable = network?.routes.filter { isNear($0.gateway) } ?? []
        return routes(family, through: gateway, configuration.routes + reachable).map { route in
            var route = route
            route.isOnLink = !isNear(route.gateway)
            return route
        }
    }

    /// The routes of a family without those through the guest itself, and with one default route.
    private func routes(_ family: IPAddress.Family, through gateway: IPAddress?, _ others: [Route]) -> [Route] {
        let all = (gateway.flatMap(Route.defaultRoute).map { [$0] } ?? []) + others
        let usable = all.filter { $0.gateway.family == family && !own.contains($0.gateway) }
        guard let first = usable.firstIndex(where: \.isDefault) else { return usable }
        return usable.enumerated().filter { $0.offset == first || !$0.element.isDefault }.map(\.element)
    }

    /// The operator's name servers of a family, else those that DHCP advertises, else the host: libvirt's DNS server answers on each of
    /// its addresses.
    private func nameServers(_ family: IPAddress.Family, near address: InterfaceAddress) -> [IPAddress] {
        if !configuration.nameServers.isEmpty { return configuration.nameServers.filter { $0.family == family } }
        if family == .v4, let advertised = network?.advertisedNameServers { return advertised }
        guard let network, network.resolvesNames else { return [] }
        let all = network.hostAddresses.map(\.address).filter { $0.family == family }
        let near = all.filter { address.subnet?.contains($0) == true }
        return near.isEmpty ? all : near
    }
}

extension VirtualLink {
    /// The interfaces of a bond; empty for a VLAN.
    package var members: [MACAddress] {
        if case .bond(_, let members, _) = kind { members } else { [] }
    }
}

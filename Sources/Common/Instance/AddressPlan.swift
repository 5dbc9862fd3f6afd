/// Decides the address configurations of one link.
struct AddressPlan {
    let configuration: LinkConfiguration
    private let network: NetworkReference?
    /// How the link assigns addresses of each family, if it does.
    private let ipv4: LinkConfiguration.IPv4Method?
    private let ipv6: LinkConfiguration.IPv6Method?
    /// The guest's own addresses on the link.
    private let own: Set<IPAddress>

    init(of interface: NetworkInterface) {
        (configuration, network, own) = (interface.configuration, interface.network, Set(interface.knownAddresses))
        // A plain bridge, of which nothing else is known, is assumed to have a DHCP server and a router. An operator who configures
        // one family statically there expects no other addresses.
        let isStatic = configuration.addresses.contains { $0.prefixLength != nil }
        if network?.isUnmanaged ?? true {
            let isUnwanted = interface.lacksNetworkXML || configuration.ipv4 == LinkConfiguration.IPv4Method.none
            (ipv4, ipv6) = isStatic ? (nil, nil) : (.dhcp, isUnwanted ? nil : .slaac)
        } else {
            // A server without a range leases addresses only to the guests that it names.
            let isNamed = (interface.reservations + interface.expectedAddresses).contains { $0.family == .v4 }
            (ipv4, ipv6) = (network?.offersDHCP == true || isNamed ? .dhcp : nil, network?.ipv6)
        }
    }

    /// Only the operator knows how addresses are assigned on a bond or VLAN.
    init(of link: VirtualLink) {
        (configuration, network, ipv4, ipv6) = (link.configuration, nil, nil, nil)
        own = Set(link.configuration.addresses.map(\.address))
    }

    var networks: [GuestNetwork] {
        var networks = configured(.v4)
        if networks.isEmpty, (configuration.ipv4 ?? ipv4) == .dhcp { networks.append(assigned(.dhcp4, .v4)) }
        let static6 = configured(.v6)
        networks += static6
        if let method = static6.isEmpty ? configuration.ipv6 ?? ipv6 : configuration.ipv6, method != .none {
            networks.append(static6.isEmpty ? assigned(.ipv6(method), .v6) : GuestNetwork(.ipv6(method)))
        }
        return networks
    }

    private var hasStaticIPv6: Bool { configuration.addresses.contains { $0.address.family == .v6 && $0.prefixLength != nil } }

    /// Beside the operator's IPv6 addresses a guest adds none of its own, unless the operator wants that, too.
    var acceptsAdvertisements: Bool? {
        if configuration.ipv6 == LinkConfiguration.IPv6Method.none { return false }
        if hasStaticIPv6 { return configuration.ipv6 != nil }
        if (configuration.ipv6 ?? ipv6) != nil { return true }
        return network?.sendsAdvertisements == true ? true : nil
    }

    var hasLinkLocal: Bool { configuration.ipv6 != LinkConfiguration.IPv6Method.none || hasStaticIPv6 }

    /// Addresses from a server on the link, with what the operator adds.
    private func assigned(_ kind: GuestNetwork.Kind, _ family: IPAddress.Family) -> GuestNetwork {
        var assigned = GuestNetwork(kind)
        assigned.routes = routes(family, through: configuration.gateways.first { $0.family == family }, configuration.routes)
        assigned.nameServers = configuration.nameServers.filter { $0.family == family }
        assigned.searchDomains = configuration.searchDomains
        if !configuration.searchDomains.isEmpty, configuration.nameServers.isEmpty {
            // Domains alone are an error to cloud-init, so the servers that DHCP tells are named beside them.
            assigned.nameServers = nameServers(family, near: nil)
        }
        assigned.mayReachMetadata = assigned.routesMetadata || family == .v4 && dhcpMayReachMetadata
        return assigned
    }

    /// Whether the DHCPv4 server of the link may tell a route to the metadata address.
    private var dhcpMayReachMetadata: Bool {
        guard let network, !network.isUnmanaged else { return true }
        if let routes = network.advertised4.routes { return routes.contains(where: \.leadsToMetadata) }
        return network.advertised4.routers.map { !$0.isEmpty } ?? network.leadsOut
    }

    /// The operator's addresses of a family whose prefix is known; routes and name servers belong to the first one.
    private func configured(_ family: IPAddress.Family) -> [GuestNetwork] {
        let addresses = configuration.addresses.filter { $0.address.family == family && $0.prefixLength != nil }
        return addresses.enumerated().map { number, address in
            var configured = GuestNetwork(.configured(address))
            guard number == 0 else { return configured }
            let subnets = Subnets(addresses.compactMap(\.subnet))
            configured.routes = staticRoutes(family, subnets: subnets)
            configured.mayReachMetadata = configured.routesMetadata
            configured.nameServers = nameServers(family, near: address)
            configured.searchDomains = configuration.searchDomains
            if configured.searchDomains.isEmpty, !configured.nameServers.isEmpty, configuration.nameServers.isEmpty {
                configured.searchDomains = network?.advertised(family).searchDomains ?? []
            }
            if family == .v4 {
                configured.host = network?.hostAddresses.map(\.address).first { host in
                    host.family == .v4 && !own.contains(host) && subnets.contains(host)
                }
            }
            return configured
        }
    }

    /// The default route first, then the operator's routes, then those that DHCP advertises, then those of the libvirt network.
    ///
    /// Without an operator's gateway the default gateway is the router that DHCP advertises, usually the host if it forwards packets,
    /// if it has an address in a subnet.
    private func staticRoutes(_ family: IPAddress.Family, subnets: Subnets) -> [Route] {
        let isNear = { (router: IPAddress) in
            (router.family == .v6 && router.isLinkLocal) || subnets.contains(router)
        }
        let advertised = network?.advertised(family) ?? AdvertisedValues()
        let near = (advertised.routes ?? []).filter { isNear($0.gateway) }
        let routers: [IPAddress]
        if advertised.routes != nil {
            routers = near.filter(\.isDefault).map(\.gateway)
        } else {
            routers = advertised.routers ?? (network?.leadsOut == true ? network?.hostAddresses.map(\.address) : nil) ?? []
        }
        let gateway =
            configuration.gateways.first { $0.family == family }
            ?? routers.first { subnets.contains($0) }
        let others = near.filter { !$0.isDefault } + (network?.routes.filter { isNear($0.gateway) } ?? [])
        return routes(family, through: gateway, configuration.routes + others).map { route in
            var route = route
            route.isOnLink = !isNear(route.gateway)
            return route
        }
    }

    /// The routes of a family without those through the guest itself, and with one default route.
    private func routes(_ family: IPAddress.Family, through gateway: IPAddress?, _ others: [Route]) -> [Route] {
        var first = gateway.flatMap(Route.defaultRoute)
        if first?.gateway == configuration.gateways.first(where: { $0.family == family }) {
            first?.metric = configuration.gatewayMetrics[family]
        }
        let all = (first.map { [$0] } ?? []) + others
        let usable = all.filter { $0.gateway.family == family && !own.contains($0.gateway) }
        guard let first = usable.firstIndex(where: \.isDefault) else { return usable }
        return usable.enumerated().filter { $0.offset == first || !$0.element.isDefault }.map(\.element)
    }

    /// The operator's name servers of a family, else those that DHCP advertises, else the host: libvirt's DNS server answers on each of
    /// its addresses.
    private func nameServers(_ family: IPAddress.Family, near address: InterfaceAddress?) -> [IPAddress] {
        if !configuration.nameServers.isEmpty { return configuration.nameServers.filter { $0.family == family } }
        if let advertised = network?.advertised(family).nameServers { return advertised }
        guard let network, network.resolvesNames else { return [] }
        let all = network.hostAddresses.map(\.address).filter { $0.family == family }
        let near = all.filter { address?.subnet?.contains($0) == true }
        return near.isEmpty ? all : near
    }
}

extension GuestNetwork {
    /// Whether one of the routes leads to the metadata address.
    fileprivate var routesMetadata: Bool { routes.contains(where: \.leadsToMetadata) }
}

extension Route {
    private static let metadata = IPAddress("169.254.169.254")

    fileprivate var leadsToMetadata: Bool { Self.metadata.map(destination.contains) ?? false }
}

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
    /// Whether a guest must not wait for the link when it boots.
    package var isOptional = false
    /// Whether nobody may answer on the link: it is down, or nothing is known of its network.
    package var isUnsure = false
    /// The address configurations of the link; empty if it has none, as a member of a bond.
    package var networks: [GuestNetwork]
    /// What the guest is to ignore of DHCP's answers.
    package var overrides = LinkConfiguration.Overrides()
    /// Whether the guest configures itself by router advertisements; `nil` leaves that to its system, which usually does.
    package var acceptsAdvertisements: Bool?
    /// Whether the guest may have a link-local address: not if it is to have no IPv6 at all.
    package var hasLinkLocal = true

    /// The address configurations that a guest can rely on, for a document that cannot express that others are optional.
    package var requiredNetworks: [GuestNetwork] { isUnsure ? [] : networks }

    package init(id: String, kind: Kind, mac: MACAddress, mtu: Int?, networks: [GuestNetwork]) {
        (self.id, self.kind, self.mac, self.mtu, self.networks) = (id, kind, mac, mtu, networks)
    }
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
    package var routes: [Route] = []
    /// The name servers that belong to this configuration.
    package var nameServers: [IPAddress] = []
    package var searchDomains: [String] = []
    /// Whether the configuration may bring the guest a route to the metadata address.
    var mayReachMetadata = false
    /// The host's address in the subnet of a static configuration.
    var host: IPAddress?

    package init(_ kind: Kind) {
        self.kind = kind
    }
}

extension Instance {
    /// The links of the guest: its interfaces, followed by the operator's bonds and VLANs.
    ///
    /// The addresses of each family come from the operator's values, else from the libvirt network, else from a server on the
    /// link. A member of a bond has no addresses of its own. A guest cannot tell apart two interfaces with one MAC address: the
    /// first one is its link.
    ///
    /// The operator's own network configuration replaces all of this.
    package var guestLinks: [GuestLink] {
        if let passed = documents.networkConfiguration { return passed.links }
        let bonded = Set(virtualLinks.flatMap(\.members))
        var seen: Set<MACAddress> = []
        var links: [GuestLink] = []
        for (number, interface) in interfaces.enumerated() where seen.insert(interface.mac).inserted {
            let isMember = bonded.contains(interface.mac)
            var link = GuestLink(
                id: "interface\(number)", kind: .interface(interface), mac: interface.mac, mtu: interface.mtu, networks: [])
            if !isMember { link.follow(AddressPlan(of: interface)) }
            // The assumed server may not exist, and a guest waits minutes for it: only one link is assumed to have one.
            let isAssumed =
                !link.networks.isEmpty && interface.isUndescribed
                && (interface.mayLackServer || links.contains { !$0.requiredNetworks.isEmpty })
            // An operator who makes guests wait for the link expects an answer there.
            link.isUnsure = interface.isDown || isAssumed && interface.configuration.isOptional != false
            link.isOptional = interface.configuration.isOptional ?? (link.isUnsure || link.isBare)
            links.append(link)
        }
        links += virtualLinks.map { described in
            var link = GuestLink(
                id: described.name, kind: .virtual(described.kind), mac: described.mac, mtu: described.configuration.mtu,
                networks: [])
            link.follow(AddressPlan(of: described))
            link.isOptional = described.configuration.isOptional ?? link.isBare
            return link
        }
        links.rankDefaultRoutes()
        links.addMetadataRoute()
        return links
    }
}

extension GuestLink {
    fileprivate mutating func follow(_ plan: AddressPlan) {
        networks = plan.networks
        overrides = plan.configuration.overrides
        acceptsAdvertisements = plan.acceptsAdvertisements
        hasLinkLocal = plan.hasLinkLocal
    }

    /// Whether the link has no address at all, and so never comes as far as a guest waits for.
    fileprivate var isBare: Bool { networks.isEmpty && !hasLinkLocal }
}

extension [GuestLink] {
    /// Gives the second default route of a family, and those after it, a metric: without one the kernel accepts only the first.
    ///
    /// A route through a router outside of the link's subnets is the first one: OpenStack's document has no metric for it.
    fileprivate mutating func rankDefaultRoutes() {
        for family in [IPAddress.Family.v4, .v6] {
            var ranked: [(link: Int, network: Int, route: Int, isOnLink: Bool)] = []
            for link in indices {
                for (network, described) in self[link].networks.enumerated() {
                    for (number, route) in described.routes.enumerated()
                    where route.isDefault && route.metric == nil && route.gateway.family == family {
                        ranked.append((link, network, number, route.isOnLink))
                    }
                }
            }
            if let first = ranked.firstIndex(where: \.isOnLink) { ranked.insert(ranked.remove(at: first), at: 0) }
            for (number, place) in ranked.enumerated().dropFirst() {
                self[place.link].networks[place.network].routes[place.route].metric = 100 * (number + 1)
            }
        }
    }

    /// Gives a guest with static addresses on isolated networks only a route to the metadata address through the host: without a
    /// default route it could not reach this server.
    fileprivate mutating func addMetadataRoute() {
        guard let metadata = AddressRange("169.254.169.254"),
            !contains(where: { $0.networks.contains(where: \.mayReachMetadata) })
        else { return }
        for link in indices {
            guard let network = self[link].requiredNetworks.firstIndex(where: { $0.host != nil }),
                let route = self[link].networks[network].host.flatMap({ Route(to: metadata, by: $0) })
            else { continue }
            self[link].networks[network].routes.append(route)
            return
        }
    }
}

extension NetworkInterface {
    /// Whether neither the operator nor a libvirt network says how the interface gets addresses.
    package var isUndescribed: Bool {
        (network?.isUnmanaged ?? !lacksNetworkXML) && !isAnsweredByHypervisor && configuration.gateways.isEmpty
            && configuration.routes.isEmpty && configuration.nameServers.isEmpty && configuration.ipv4 == nil
            && configuration.ipv6 == nil
            && configuration.addresses.allSatisfy { $0.prefixLength == nil }
    }
}

extension VirtualLink {
    /// The interfaces of a bond; empty for a VLAN.
    package var members: [MACAddress] {
        if case .bond(_, let members, _) = kind { members } else { [] }
    }
}

/// The properties of an interface's libvirt network.
package struct NetworkReference: Sendable, Equatable {
    package let name: LibvirtName
    /// In its text form.
    package let uuid: String
    /// Whether the network has a DHCPv4 server that leases addresses to every guest.
    package let offersDHCP: Bool
    /// The host's addresses on the network.
    package var hostAddresses: [InterfaceAddress] = []
    /// Whether the host forwards packets from the network to other networks.
    package var leadsOut = false
    /// Additional routes through other routers on the network.
    package var routes: [Route] = []
    /// What DHCPv4 tells guests in place of the host's own values.
    package var advertised4 = AdvertisedValues()
    /// What DHCPv6 and router advertisements tell guests in place of the host's own values.
    package var advertised6 = AdvertisedValues()
    /// Whether libvirt assigns no addresses and answers nothing on the network; another machine may.
    package var isUnmanaged = false
    /// Whether the host answers DNS queries on the network.
    package var resolvesNames = true
    /// How guests get IPv6 addresses, if they do.
    package var ipv6: LinkConfiguration.IPv6Method?
    /// Whether the host sends router advertisements, even where no guest gets an address by them.
    package var sendsAdvertisements = false

    package init(name: LibvirtName, uuid: String, offersDHCP: Bool) {
        (self.name, self.uuid, self.offersDHCP) = (name, uuid, offersDHCP)
    }

    /// The subnets of the host's addresses.
    package var ranges: [AddressRange] { hostAddresses.compactMap(\.subnet) }

    /// What guests of a family are told in place of the host's own values.
    package func advertised(_ family: IPAddress.Family) -> AdvertisedValues {
        family == .v4 ? advertised4 : advertised6
    }
}

/// What a network tells guests that ask: guests with static addresses are told the same.
package struct AdvertisedValues: Sendable, Equatable {
    /// The routers in place of the host, at most one of them used; empty if none is told.
    package var routers: [IPAddress]?
    /// The routes to ranges (DHCP option 121); guests that get them use no other router (RFC 3442).
    package var routes: [Route]?
    /// The name servers in place of the host; empty if none is told.
    package var nameServers: [IPAddress]?
    package var searchDomains: [String] = []

    package init() {}
}

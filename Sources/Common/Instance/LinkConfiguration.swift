/// The operator's address configuration of a link.
package struct LinkConfiguration: Sendable, Equatable {
    /// How a link without static addresses is configured by IPv4.
    package enum IPv4Method: String, Sendable, CaseIterable {
        case dhcp, none
    }

    /// How a link without static addresses is configured by IPv6.
    package enum IPv6Method: String, Sendable, CaseIterable {
        case slaac, dhcp
        case stateful = "dhcpv6-stateful"
        case stateless = "dhcpv6-stateless"
        case none
    }

    /// The static addresses; the first of a family is the primary.
    package var addresses: [InterfaceAddress] = []
    /// The default gateways, at most one of each family.
    package var gateways: [IPAddress] = []
    /// The metrics of the routes through the gateways.
    package var gatewayMetrics: [IPAddress.Family: Int] = [:]
    /// Additional routes.
    package var routes: [Route] = []
    package var nameServers: [IPAddress] = []
    /// The domains in which the guest looks up names without a dot.
    package var searchDomains: [String] = []
    /// In bytes.
    package var mtu: Int?
    /// The IPv4 configuration if `addresses` has no IPv4 address.
    package var ipv4: IPv4Method?
    /// The IPv6 configuration if `addresses` has no IPv6 address.
    package var ipv6: IPv6Method?
    /// Whether a guest must not wait for the link when it boots; `nil` if the operator does not say.
    package var isOptional: Bool?
    package var overrides = Overrides()

    package init() {}

    /// What a guest is to ignore of DHCP's answers, and what it asks by.
    package struct Overrides: Sendable, Equatable {
        /// The members of `dhcp4-overrides` and `dhcp6-overrides` in cloud-init's configuration of version 2; empty without any.
        package var (ipv4, ipv6): ([JSONMember], [JSONMember]) = ([], [])

        package init() {}
    }
}

/// A bond or VLAN that the guest creates at boot.
package struct VirtualLink: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// Several links that act as one, with a mode and parameters of Linux's bonding driver.
        case bond(mode: String, members: [MACAddress], parameters: [Tag])
        /// A VLAN with a tag from 1 to 4094.
        case vlan(id: Int, on: Base)
    }

    /// The link below a VLAN: an interface, or a bond by its name.
    package enum Base: Sendable, Equatable {
        case interface(MACAddress)
        case bond(String)
    }

    /// Unique among the guest's links.
    package let name: String
    package let kind: Kind
    package let mac: MACAddress
    package let configuration: LinkConfiguration

    package init(name: String, kind: Kind, mac: MACAddress, configuration: LinkConfiguration) {
        (self.name, self.kind, self.mac, self.configuration) = (name, kind, mac, configuration)
    }
}

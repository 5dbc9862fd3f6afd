/// How a guest's link gets its addresses, and what goes with them, where the operator says.
public struct LinkConfiguration: Sendable, Equatable {
    /// How a link without addresses of its own gets them by IPv4.
    public enum IPv4Method: String, Sendable, CaseIterable {
        case dhcp, none
    }

    /// How a link without addresses of its own gets them by IPv6.
    public enum IPv6Method: String, Sendable, CaseIterable {
        case slaac, dhcp
        case stateful = "dhcpv6-stateful"
        case stateless = "dhcpv6-stateless"
        case none
    }

    /// Its addresses; the first of a family is the primary.
    public var addresses: [InterfaceAddress] = []
    /// The routers by which it reaches everywhere, at most one of a family.
    public var gateways: [IPAddress] = []
    /// Further ways.
    public var routes: [Route] = []
    /// Its name servers.
    public var nameServers: [IPAddress] = []
    /// The largest packet, in bytes.
    public var mtu: Int?
    /// How it gets addresses by IPv4 that it is not given here.
    public var ipv4: IPv4Method?
    /// How it gets addresses by IPv6 that it is not given here.
    public var ipv6: IPv6Method?

    /// Nothing said, until a property is set.
    public init() {}
}

/// A link that a guest makes of others: what the operator wants it to make at boot.
public struct VirtualLink: Sendable, Equatable {
    /// What it is made of.
    public enum Kind: Sendable, Equatable {
        /// Several links that act as one, in a mode of Linux's bonding driver, with further parameters of it.
        case bond(mode: String, members: [MACAddress], parameters: [Tag])
        /// The packets of another link that bear a tag from 1 to 4094: an interface, or a bond by its name.
        case vlan(id: Int, on: Base)
    }

    /// What a VLAN is on.
    public enum Base: Sendable, Equatable {
        case interface(MACAddress)
        case bond(String)
    }

    /// Its name, unique among the guest's links.
    public let name: String
    /// What it is made of.
    public let kind: Kind
    /// Its hardware address.
    public let mac: MACAddress
    /// How it gets its addresses.
    public let configuration: LinkConfiguration

    /// Puts the four together.
    public init(name: String, kind: Kind, mac: MACAddress, configuration: LinkConfiguration) {
        (self.name, self.kind, self.mac, self.configuration) = (name, kind, mac, configuration)
    }
}

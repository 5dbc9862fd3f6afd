/// One network interface of an instance: how its packets reach the host, and what addresses it is said to have.
public struct NetworkInterface: Sendable, Equatable {
    /// Its hardware address, as the guest sees it.
    public var mac: MACAddress
    /// The host's end of it, such as `vnet3`; known while the domain runs.
    public var tap: String?
    /// The bridge that the tap is plugged into.
    public var bridge: String?
    /// The libvirt network it belongs to, if it belongs to one.
    public var network: NetworkReference?
    /// The largest packet, in bytes, if the domain or its network says.
    public var mtu: Int?
    /// The operator's addresses for it; the first of a family is the primary.
    public var addresses: [IPAddress]
    /// The IPv4 address under which the world reaches it.
    public var publicIPv4: IPAddress?
    /// The address that the libvirt network's `<dhcp><host>` keeps for it.
    public var reservation: IPAddress?
    /// The address that libvirt's DHCP server last gave it.
    public var lease: IPAddress?

    /// An interface of which only the hardware address is known.
    public init(mac: MACAddress) {
        self.mac = mac
        addresses = []
    }
}

/// What an interface needs to know of its libvirt network.
public struct NetworkReference: Sendable, Equatable {
    /// libvirt's name of the network.
    public let name: String
    /// libvirt's UUID of the network, in its text form.
    public let uuid: String
    /// Whether its guests are to ask for IPv4 addresses by DHCP.
    public let offersDHCP: Bool

    /// Puts the three together.
    public init(name: String, uuid: String, offersDHCP: Bool) {
        (self.name, self.uuid, self.offersDHCP) = (name, uuid, offersDHCP)
    }
}

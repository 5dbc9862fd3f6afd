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
    /// Its number among the instance's interfaces, from 0; clients order them by it.
    public var deviceNumber = 0
    /// The network card it is on, from 0, if the operator says; a guest of one card has 0.
    public var networkCard: Int?
    /// Where it is plugged into the guest's machine.
    public var device = DeviceAddress(.none)
    /// The number of the VLAN that the host puts its packets into, if it does.
    public var vlan: Int?
    /// Whether the host lets the guest choose which packets the card takes, as it lets a trusted virtual function.
    public var isTrusted = false
    /// The operator's labels for it.
    public var tags: [String] = []
    /// How the operator wants the guest to configure it.
    public var configuration = LinkConfiguration()
    /// The IPv4 address under which the world reaches it.
    public var publicIPv4: IPAddress?
    /// The address that the libvirt network's `<dhcp><host>` keeps for it.
    public var reservation: IPAddress?
    /// The address that libvirt's DHCP server last gave it.
    public var lease: IPAddress?

    /// The operator's names of it, and of the network and the subnet it is in.
    public var identifiers = InterfaceIdentifiers()
    /// The ranges of addresses of its subnet, where the operator says other than its addresses and its network do.
    public var subnetRanges: [AddressRange] = []
    /// The ranges of addresses of the network it is in, where the operator says other than those of its subnet.
    public var networkRanges: [AddressRange] = []

    /// An interface of which only the hardware address is known.
    public init(mac: MACAddress) {
        self.mac = mac
    }

    /// The operator's addresses for it; the first of a family is the primary.
    public var addresses: [InterfaceAddress] {
        get { configuration.addresses }
        set { configuration.addresses = newValue }
    }

    /// What the operator, the network's definition and its DHCP server say that it has, each once.
    public var knownAddresses: [IPAddress] {
        var seen: Set<IPAddress> = []
        return (addresses.map(\.address) + [reservation, lease].compactMap(\.self)).filter { seen.insert($0).inserted }
    }
}

/// An address of an interface, with the length of its subnet's prefix.
public struct InterfaceAddress: Sendable, Equatable {
    /// The address.
    public let address: IPAddress
    /// How many leading bits the addresses of its subnet share; `nil` where nobody says.
    public let prefixLength: Int?

    /// Puts the two together.
    public init(_ address: IPAddress, prefixLength: Int? = nil) {
        (self.address, self.prefixLength) = (address, prefixLength)
    }

    /// Reads `ADDRESS` or `ADDRESS/LENGTH`; `nil` if it is neither.
    public init?(_ text: String) {
        guard let range = AddressRange(text) else { return nil }
        self.init(range.address, prefixLength: text.contains("/") ? range.prefixLength : nil)
    }

    /// The subnet, where its prefix is known.
    public var subnet: AddressRange? {
        prefixLength.flatMap { AddressRange(address, prefixLength: $0) }?.canonical
    }
}

/// What an operator calls an interface and where it is, as EC2 has names for that.
public struct InterfaceIdentifiers: Sendable, Equatable {
    /// The interface.
    public var interface: String?
    /// The network it is in (a VPC).
    public var network: String?
    /// The part of the network it is in.
    public var subnet: String?

    /// Nothing said, until a property is set.
    public init() {}
}

/// What an interface needs to know of its libvirt network.
public struct NetworkReference: Sendable, Equatable {
    /// libvirt's name of the network.
    public let name: String
    /// libvirt's UUID of the network, in its text form.
    public let uuid: String
    /// Whether its guests are to ask for IPv4 addresses by DHCP.
    public let offersDHCP: Bool
    /// The addresses that the host has on it.
    public var hostAddresses: [InterfaceAddress] = []
    /// Whether the host forwards packets from it to elsewhere.
    public var leadsOut = false
    /// Ways by others on it.
    public var routes: [Route] = []
    /// The name servers that its guests are to ask other than the host.
    public var nameServers: [IPAddress] = []
    /// Whether the host itself answers for names.
    public var resolvesNames = true
    /// How its guests get addresses by IPv6, if they do.
    public var ipv6: LinkConfiguration.IPv6Method?

    /// A network of which only this is known.
    public init(name: String, uuid: String, offersDHCP: Bool) {
        (self.name, self.uuid, self.offersDHCP) = (name, uuid, offersDHCP)
    }

    /// The subnets in which the host has an address on it.
    public var ranges: [AddressRange] { hostAddresses.compactMap(\.subnet) }
}

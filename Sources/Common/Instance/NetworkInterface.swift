/// A network interface of an instance: its connection to the host and its known addresses.
package struct NetworkInterface: Sendable, Equatable {
    /// The MAC address inside the guest.
    package var mac: MACAddress
    /// The tap device on the host, such as `vnet3`; known while the domain runs.
    package var tap: String?
    /// The bridge of the tap.
    package var bridge: String?
    /// The libvirt network of the interface, if any.
    package var network: NetworkReference?
    /// Whether the interface is on a libvirt network whose XML is unknown.
    package var lacksNetworkXML = false
    /// In bytes, if the domain or its network sets it.
    package var mtu: Int?
    /// The number of the interface in its instance, from 0; clients sort by it.
    package var deviceNumber = 0
    /// The number of the network card, from 0, if the operator sets it; a guest with one card has 0.
    package var networkCard: Int?
    /// The address of the card in the virtual machine.
    package var device = DeviceAddress(.none)
    /// The VLAN tag that the host applies, if any.
    package var vlan: Int?
    /// Whether the host lets the guest change the card's packet filter, as with a trusted virtual function.
    package var isTrusted = false
    package var tags: [String] = []
    /// Whether the interface's cable is unplugged.
    package var isDown = false
    /// Whether the interface is a device of the host, such as a virtual function.
    package var isPassedThrough = false
    /// The operator's address configuration for the guest.
    package var configuration = LinkConfiguration()
    /// The IPv4 address by which the interface is reached from outside.
    package var publicIPv4: IPAddress?
    /// The address in the libvirt network's `<dhcp><host>`.
    package var reservation: IPAddress?
    /// The last address that libvirt's DHCP server assigned.
    package var lease: IPAddress?

    /// The operator's identifiers of the interface, its network and its subnet.
    package var identifiers = InterfaceIdentifiers()
    /// The operator's ranges of the subnet; they override those of the addresses and of the libvirt network.
    package var subnetRanges: [AddressRange] = []
    /// The operator's ranges of the network; they override those of the subnet.
    package var networkRanges: [AddressRange] = []

    package init(mac: MACAddress) {
        self.mac = mac
    }

    /// The operator's addresses of the interface; the first of a family is the primary.
    package var addresses: [InterfaceAddress] {
        get { configuration.addresses }
        set { configuration.addresses = newValue }
    }

    /// The known address of a family: the operator's, else the network's reservation, else a DHCP lease.
    package func knownAddress(_ family: IPAddress.Family) -> IPAddress? {
        let fits = { (address: IPAddress) in address.family == family && !address.isLinkLocal }
        return addresses.lazy.map(\.address).first(where: fits)
            ?? [reservation, lease].lazy.compactMap(\.self).first(where: fits)
    }

    /// The operator's addresses, the network's reservation and the DHCP lease, without duplicates.
    package var knownAddresses: [IPAddress] {
        var seen: Set<IPAddress> = []
        return (addresses.map(\.address) + [reservation, lease].compactMap(\.self)).filter { seen.insert($0).inserted }
    }
}

package struct InterfaceAddress: Sendable, Equatable {
    package let address: IPAddress
    /// The prefix length of the subnet; `nil` if unknown.
    package let prefixLength: Int?

    package init(_ address: IPAddress, prefixLength: Int? = nil) {
        (self.address, self.prefixLength) = (address, prefixLength)
    }

    /// Parses `ADDRESS` or `ADDRESS/LENGTH`; `nil` for any other text.
    package init?(_ text: String) {
        guard let range = AddressRange(text) else { return nil }
        self.init(range.address, prefixLength: text.contains("/") ? range.prefixLength : nil)
    }

    /// The subnet; `nil` if the prefix length is unknown.
    package var subnet: AddressRange? {
        prefixLength.flatMap { AddressRange(address, prefixLength: $0) }?.canonical
    }
}

/// The operator's EC2 identifiers of an interface, its network and its subnet.
package struct InterfaceIdentifiers: Sendable, Equatable {
    package var interface: String?
    /// The VPC.
    package var network: String?
    package var subnet: String?

    package init() {}
}

/// The properties of an interface's libvirt network.
package struct NetworkReference: Sendable, Equatable {
    package let name: String
    /// In its text form.
    package let uuid: String
    /// Whether the network has a DHCPv4 server.
    package let offersDHCP: Bool
    /// The host's addresses on the network.
    package var hostAddresses: [InterfaceAddress] = []
    /// Whether the host forwards packets from the network to other networks.
    package var leadsOut = false
    /// Additional routes through other routers on the network.
    package var routes: [Route] = []
    /// The domain of the network's names.
    package var domain: String?
    /// The routers that DHCPv4 advertises in place of the host, at most one of them used; empty if it advertises none.
    package var advertisedRouters: [IPAddress]?
    /// The name servers that DHCPv4 advertises in place of the host; empty if it advertises none.
    package var advertisedNameServers: [IPAddress]?
    /// Whether libvirt assigns no addresses and answers nothing on the network; another machine may.
    package var isUnmanaged = false
    /// Whether the host answers DNS queries on the network.
    package var resolvesNames = true
    /// How guests get IPv6 addresses, if they do.
    package var ipv6: LinkConfiguration.IPv6Method?

    package init(name: String, uuid: String, offersDHCP: Bool) {
        (self.name, self.uuid, self.offersDHCP) = (name, uuid, offersDHCP)
    }

    /// The subnets of the host's addresses.
    package var ranges: [AddressRange] { hostAddresses.compactMap(\.subnet) }
}

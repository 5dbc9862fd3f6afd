/// A network interface of an instance: its connection to the host and its known addresses.
package struct NetworkInterface: Sendable, Equatable {
    /// The MAC address inside the guest.
    package var mac: MACAddress
    /// The tap device on the host, such as `vnet3`; known while the domain runs.
    package var tap: String?
    /// How many queues of the tap the domain opens.
    package var queues = 1
    /// The bridge of the tap.
    package var bridge: String?
    /// The libvirt network that the interface names, whether its XML is known or not.
    package var networkName: LibvirtName?
    /// The libvirt network of the interface, if its XML is known.
    package var network: NetworkReference?
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
    /// Whether there may be no DHCP server although nothing is known of the interface's network: it is a device of the host, such as
    /// a virtual function, or a tunnel.
    package var mayLackServer = false
    /// Whether the hypervisor itself answers DHCP on the interface, as with user-mode networking.
    package var isAnsweredByHypervisor = false
    /// The operator's address configuration for the guest.
    package var configuration = LinkConfiguration()
    /// The IPv4 address by which the interface is reached from outside.
    package var publicIPv4: IPAddress?
    /// The addresses that the libvirt network's `<dhcp><host>` reserves for the MAC address.
    package var reservations: [IPAddress] = []
    /// The last addresses that libvirt's DHCP server assigned, at most one of each family.
    package var leases: [IPAddress] = []
    /// The addresses that the libvirt network's `<dhcp><host>` reserves for the guest's host name or DHCPv6 identifier (DUID), which
    /// only the guest knows for sure.
    package var expectedAddresses: [IPAddress] = []

    /// The operator's identifiers of the interface, its network and its subnet.
    package var identifiers = InterfaceIdentifiers()
    /// The operator's ranges of the subnet; they override those of the addresses and of the libvirt network.
    package var subnetRanges: [AddressRange] = []
    /// The operator's ranges of the network; they override those of the subnet.
    package var networkRanges: [AddressRange] = []

    package init(mac: MACAddress) {
        self.mac = mac
    }

    /// Whether the interface is on a libvirt network whose XML is unknown.
    package var lacksNetworkXML: Bool { networkName != nil && network == nil }

    /// The operator's addresses of the interface; the first of a family is the primary.
    package var addresses: [InterfaceAddress] {
        get { configuration.addresses }
        set { configuration.addresses = newValue }
    }

    /// The known address of a family: the operator's, else the network's reservation, else a DHCP lease, else the address that the
    /// network reserves for the guest's name.
    package func knownAddress(_ family: IPAddress.Family) -> IPAddress? {
        let fits = { (address: IPAddress) in address.family == family && !address.isLinkLocal }
        return addresses.lazy.map(\.address).first(where: fits)
            ?? (reservations + leases + expectedAddresses).first(where: fits)
    }

    /// Whether an address of a family is known for sure.
    func isKnown(_ family: IPAddress.Family) -> Bool {
        knownAddresses.contains { $0.family == family && !$0.isLinkLocal }
    }

    /// The operator's addresses, the network's reservations for the MAC address and the DHCP leases, without duplicates.
    package var knownAddresses: [IPAddress] {
        var seen: Set<IPAddress> = []
        return (addresses.map(\.address) + reservations + leases).filter { seen.insert($0).inserted }
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

import Common

/// An address of the host on a network (`<ip>`), and the DHCP server there.
struct NetworkSubnet: Sendable, Equatable {
    /// A `<host>` of the DHCP server.
    struct Host: Sendable, Equatable {
        enum Client: Sendable, Equatable {
            case mac(MACAddress)
            /// What the guest tells the server itself: its host name, or the identifier of its DHCPv6 client.
            case guest(name: String?, identifier: String?)
        }

        let client: Client
        let address: IPAddress
    }

    /// With the prefix length that libvirt uses.
    let address: InterfaceAddress
    /// Whether the server has addresses for any guest.
    var hasRange = false
    var hosts: [Host] = []

    var family: IPAddress.Family { address.address.family }
    var hasDHCP: Bool { hasRange || !hosts.isEmpty }
}

extension NetworkSubnet {
    func contains(_ other: IPAddress) -> Bool { other.family == family && address.subnet?.contains(other) == true }
}

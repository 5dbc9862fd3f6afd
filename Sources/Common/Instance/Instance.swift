import Synchronization

/// A running guest as virt-metadata knows it: the operator's metadata and the hypervisor's description.
///
/// An instance never changes; a change of its domain creates a new one. A value that is `nil` or empty is unknown, and no path
/// shows it.
package final class Instance: Sendable {
    private static let serials = Atomic<UInt64>(0)

    /// Unique among all instances since the process started; distinguishes this instance from earlier ones of the same domain.
    package let serial = serials.wrappingAdd(1, ordering: .relaxed).newValue
    package let names: InstanceNames
    /// Type, image, placement and project.
    package let launch: LaunchFacts
    package let access: GuestAccess
    /// The operator's documents for the guest.
    package let documents: OperatorDocuments
    package let machine: GuestMachine
    /// The network interfaces, in the order of the domain's XML.
    package let interfaces: [NetworkInterface]
    /// The operator's bonds and VLANs on top of the interfaces.
    package let virtualLinks: [VirtualLink]
    /// The operator's policy for metadata sessions.
    package let sessions: SessionPolicy
    /// The entry that enables virt-metadata for the domain; `nil` where none does, and the domain makes no bridge served.
    package let enabledBy: Enablement?
    /// The password that the guest stored for the operator, usually the administrator's, encrypted; never empty.
    package let password: String?
    /// The indices of the interfaces, ordered by device number.
    package let interfaceOrder: [Int]
    /// The DHCP networks of the interfaces with an address that neither the operator nor libvirt has named yet.
    package let networksWithUnknownAddresses: [LibvirtName]

    package init(
        names: InstanceNames, launch: LaunchFacts, access: GuestAccess = GuestAccess(),
        documents: OperatorDocuments = OperatorDocuments(), machine: GuestMachine = GuestMachine(),
        interfaces: [NetworkInterface] = [], virtualLinks: [VirtualLink] = [], sessions: SessionPolicy = SessionPolicy(),
        password: String? = nil, enabledBy: Enablement? = nil
    ) {
        (self.names, self.launch, self.access) = (names, launch, access)
        (self.documents, self.machine) = (documents, machine)
        (self.interfaces, self.virtualLinks, self.sessions, self.password) = (interfaces, virtualLinks, sessions, password)
        self.enabledBy = enabledBy
        // Every request reads them, so they are computed once.
        networksWithUnknownAddresses = interfaces.compactMap { interface in
            guard let network = interface.network else { return nil }
            let wants4 = network.offersDHCP && !interface.isKnown(.v4)
            return wants4 || network.ipv6 == .stateful && !interface.isKnown(.v6) ? network.name : nil
        }
        interfaceOrder = interfaces.indices.sorted { interfaces[$0].deviceNumber < interfaces[$1].deviceNumber }
    }

    /// The first address of a family that the operator or libvirt gives to an interface, in the order of the interfaces.
    package func knownAddress(_ family: IPAddress.Family) -> IPAddress? {
        interfaceOrder.lazy.compactMap { self.interfaces[$0].knownAddress(family) }.first
    }
}

/// Shortcuts to the names.
extension Instance {
    package var domain: InstanceUUID { names.domain }
    package var domainName: String { names.domainName }
    package var uuid: InstanceUUID { names.uuid }
    package var id: String { names.id }
    package var name: String { names.name }
    package var hostname: String { names.hostname }
}

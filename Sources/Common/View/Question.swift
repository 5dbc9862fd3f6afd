/// The input of a view: the instance, the requesting address and interface, and the source of random bytes.
package struct Question: Sendable {
    package let instance: Instance
    /// The client's source address; `nil` if an operator reads the metadata.
    package let address: IPAddress?
    /// The interface of the request, as an index into the instance's interfaces; `nil` if an operator reads the metadata.
    package let interface: Int?
    package let entropy: Entropy
    /// The signing of documents; `nil` without a signing key.
    package let seal: DocumentSeal?
    /// The cache of rendered documents; `nil` without a cache.
    package let renderings: Renderings?
    /// The responses of the operator's vendor data targets, by target name; empty if none was queried.
    package let targetsSay: [JSONMember]

    package init(
        about instance: Instance, address: IPAddress?, interface: Int?, entropy: Entropy, seal: DocumentSeal? = nil,
        renderings: Renderings? = nil, targetsSay: [JSONMember] = []
    ) {
        (self.instance, self.address, self.interface) = (instance, address, interface)
        (self.entropy, self.seal, self.renderings, self.targetsSay) = (entropy, seal, renderings, targetsSay)
    }

    /// The first address of one family of an interface; see ``addresses(of:_:)``.
    package func address(of index: Int, _ family: IPAddress.Family) -> IPAddress? {
        addresses(of: index, family).first?.address
    }

    /// The addresses of one family of an interface: the operator's values, else the network's reservation, else, for the
    /// interface of the request, the client's source address, else a DHCP lease, else the reservation for the guest's name.
    package func addresses(of index: Int, _ family: IPAddress.Family) -> [InterfaceAddress] {
        let interface = instance.interfaces[index]
        let fits = { (address: IPAddress) in address.family == family && !address.isLinkLocal }
        let configured = interface.addresses.filter { fits($0.address) }
        guard configured.isEmpty else { return configured }
        let source = index == self.interface ? address : nil
        let others = interface.reservations + [source].compactMap(\.self) + interface.leases + interface.expectedAddresses
        return others.first(where: fits).map { [InterfaceAddress($0)] } ?? []
    }

    /// The first address of a family, in the order of the interfaces.
    package func localAddress(_ family: IPAddress.Family) -> IPAddress? {
        instance.interfaceOrder.lazy.compactMap { address(of: $0, family) }.first
    }

    /// The public IPv4 address of an interface: the operator's value, else, for the interface of the request, the client's source
    /// address.
    package func publicIPv4(of index: Int) -> IPAddress? {
        let source = index == interface ? address : nil
        return instance.interfaces[index].publicIPv4 ?? source.flatMap { $0.family == .v4 ? $0 : nil }
    }

    /// The public IPv4 address of the instance: the operator's value, else the client's source address.
    package var publicIPv4: IPAddress? {
        instance.interfaces.lazy.compactMap(\.publicIPv4).first ?? address.flatMap { $0.family == .v4 ? $0 : nil }
    }
}

/// What a view is asked: about whom, by whom, and with what chance.
public struct Question: Sendable {
    /// The instance that asks.
    public let instance: Instance
    /// The address it asks from; `nil` when an operator asks in its place.
    public let address: IPAddress?
    /// Which of the instance's interfaces it asks by: an index into them; `nil` when an operator asks in its place.
    public let interface: Int?
    /// Where random bytes come from.
    public let entropy: Entropy
    /// How documents are vouched for; `nil` where nobody does.
    public let seal: DocumentSeal?
    /// Where documents are kept that were made before; `nil` where each is made anew.
    public let renderings: Renderings?
    /// What the operator's vendor data targets say of the instance, by their names; empty where none is asked.
    public let targetsSay: [JSONMember]

    /// A question about an instance.
    public init(
        about instance: Instance, address: IPAddress?, interface: Int?, entropy: Entropy, seal: DocumentSeal? = nil,
        renderings: Renderings? = nil, targetsSay: [JSONMember] = []
    ) {
        (self.instance, self.address, self.interface) = (instance, address, interface)
        (self.entropy, self.seal, self.renderings, self.targetsSay) = (entropy, seal, renderings, targetsSay)
    }

    /// The first address of one family that an interface has; see ``addresses(of:_:)``.
    public func address(of index: Int, _ family: IPAddress.Family) -> IPAddress? {
        addresses(of: index, family).first?.address
    }

    /// The addresses of one family that an interface has: the operator's word, else the network's reservation, else, for the
    /// interface it asks by, the address it asks from, else a DHCP lease.
    public func addresses(of index: Int, _ family: IPAddress.Family) -> [InterfaceAddress] {
        let interface = instance.interfaces[index]
        let fits = { (address: IPAddress) in address.family == family && !address.isLinkLocal }
        let said = interface.addresses.filter { fits($0.address) }
        guard said.isEmpty else { return said }
        let asking = index == self.interface ? address : nil
        return [interface.reservation, asking, interface.lease].lazy.compactMap(\.self).first(where: fits)
            .map { [InterfaceAddress($0)] } ?? []
    }

    /// The networks that give addresses by DHCP, of interfaces of which no IPv4 address is known.
    public var networksWithUnknownAddresses: [String] {
        // Nearly every guest has one card and asks by it, and this is looked at with every request.
        if instance.interfaces.count == 1, address?.family == .v4 { return [] }
        return instance.interfaces.indices.compactMap { index in
            guard let network = instance.interfaces[index].network, network.offersDHCP, address(of: index, .v4) == nil else {
                return nil
            }
            return network.name
        }
    }

    /// The first interface's address of a family, or the next one's that has one.
    public func localAddress(_ family: IPAddress.Family) -> IPAddress? {
        instance.interfaceOrder.lazy.compactMap { address(of: $0, family) }.first
    }

    /// The IPv4 address under which the world reaches an interface: the operator's word, else, for the one it asks by, the one it asks
    /// from.
    public func publicIPv4(of index: Int) -> IPAddress? {
        let asking = index == interface ? address : nil
        return instance.interfaces[index].publicIPv4 ?? asking.flatMap { $0.family == .v4 ? $0 : nil }
    }

    /// The IPv4 address under which the world reaches the instance: the operator's word, else the one it asks from.
    public var publicIPv4: IPAddress? {
        instance.interfaces.lazy.compactMap(\.publicIPv4).first ?? address.flatMap { $0.family == .v4 ? $0 : nil }
    }
}

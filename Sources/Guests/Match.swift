import Common

/// The instance that a client was matched to, and the address and interface of the request.
struct Match: Sendable {
    let instance: Instance
    /// The host that defines the instance.
    let host: HostNumber
    /// The guest's address; `nil` where it is not known.
    let address: IPAddress?
    /// The index of the instance's interface that the request comes from.
    let interface: Int?
    /// The domain run, where the connection's own packets determine it.
    var run: DomainRun?

    init(instance: Instance, host: HostNumber, address: IPAddress?, interface: Int?) {
        (self.instance, self.host, self.address, self.interface) = (instance, host, address, interface)
    }

    /// A client with a MAC address of the instance.
    init(_ owner: Snapshot.Owner, at address: IPAddress) {
        self.init(instance: owner.instance, host: owner.host, address: address, interface: owner.interface)
        run = owner.run
    }
}

package import Common

/// Which instance the client of a port is: the only one, or the one that its address stands for, as on a host, where clients have one
/// address to ask and differ by their own.
package struct ClientSelection: Sendable {
    /// In the order in which they were named.
    package let instances: [EmulatedInstance]
    private let byAddress: [IPAddress: EmulatedInstance]
    /// The instance of every client without an entry.
    private let other: EmulatedInstance

    /// Every client is the instance.
    package init(_ instance: EmulatedInstance) { (instances, byAddress, other) = ([instance], [:], instance) }

    /// - Parameters:
    ///   - clients: addresses without a zone, and the instance of each.
    ///   - other: the instance of all other clients; they get 404 where it is ``EmulatedInstance/unmatched(clock:)``.
    package init(_ clients: [(address: IPAddress, instance: EmulatedInstance)], other: EmulatedInstance) {
        var instances: [EmulatedInstance] = []
        for instance in clients.map(\.instance) + [other]
        where !instance.isUnmatched && !instances.contains(where: { $0 === instance }) {
            instances.append(instance)
        }
        self.instances = instances
        byAddress = Dictionary(clients.map { ($0.address, $0.instance) }, uniquingKeysWith: { first, _ in first })
        self.other = other
    }

    /// The instance of a client; `nil` stands for an address that is not known.
    func instance(at address: IPAddress?) -> EmulatedInstance { address.flatMap { byAddress[$0.withoutZone] } ?? other }
}

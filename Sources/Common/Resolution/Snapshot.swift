public import HashTreeCollections

/// The inventory at one moment: every running instance, and which hardware address is whose.
///
/// Both maps are persistent, so a changed copy shares all that did not change and costs the same whatever its size.
public struct Snapshot: Sendable {
    /// An interface of an instance, as the index of hardware addresses holds it.
    public struct Owner: Sendable {
        /// Whose it is.
        public let instance: Instance
        /// Which one it is: an index into the instance's interfaces.
        public let interface: Int
    }

    /// The running instances by the UUID of their domain.
    public private(set) var instances: TreeDictionary<InstanceUUID, Instance> = [:]
    private var owners: TreeDictionary<MACAddress, [Owner]> = [:]
    /// Whether the hypervisor has been asked for all its domains once; before that, not being here means nothing.
    public var isComplete = false

    /// Knows nobody.
    public init() {}

    /// Takes in an instance, in the place of the one its domain had before.
    public mutating func insert(_ instance: Instance) {
        remove(instance.domain)
        instances[instance.domain] = instance
        for (index, interface) in instance.interfaces.enumerated() {
            owners[interface.mac, default: []].append(Owner(instance: instance, interface: index))
        }
    }

    /// Forgets a domain's instance; nothing happens if it has none.
    public mutating func remove(_ domain: InstanceUUID) {
        guard let instance = instances.removeValue(forKey: domain) else { return }
        for mac in Set(instance.interfaces.map(\.mac)) {
            let left = owners[mac, default: []].filter { $0.instance.domain != domain }
            owners[mac] = left.isEmpty ? nil : left
        }
    }

    /// The interfaces that bear a hardware address.
    public func owners(of mac: MACAddress) -> [Owner] { owners[mac] ?? [] }

    /// Which instance a caller is, or why that cannot be said.
    ///
    /// A hardware address that several interfaces bear is told apart by the bridge the caller came in by, or not at all.
    public func recognise(_ caller: Caller) -> Result<Owner, UnknownCaller> {
        guard let mac = caller.mac else { return .failure(.noHardwareAddress) }
        guard let all = owners[mac] else { return .failure(.noOwner(mac)) }
        if all.count == 1 { return .success(all[0]) }
        let here = all.filter { caller.bridge != nil && $0.instance.interfaces[$0.interface].bridge == caller.bridge }
        return here.count == 1 ? .success(here[0]) : .failure(.severalOwners(mac, all.map(\.instance.domainName)))
    }
}

/// Why a caller is not known: which step from the connection to the instance failed.
public enum UnknownCaller: Error, Sendable, Equatable {
    /// Neither the connection nor the neighbour table tells its hardware address.
    case noHardwareAddress
    /// No running domain has an interface of this hardware address.
    case noOwner(MACAddress)
    /// Several running domains have, here named, and nothing tells them apart.
    case severalOwners(MACAddress, [String])
}

extension UnknownCaller: CustomStringConvertible {
    /// The failed step in words.
    public var description: String {
        switch self {
        case .noHardwareAddress: "no hardware address is known for it"
        case .noOwner(let mac): "no running domain has an interface \(mac)"
        case .severalOwners(let mac, let domains):
            "several running domains have an interface \(mac): \(domains.joined(separator: ", "))"
        }
    }
}

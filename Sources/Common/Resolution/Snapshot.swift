public import HashTreeCollections

/// The inventory at one moment: every running instance, and which hardware address and which port of a bridge is whose.
///
/// The maps are persistent, so a changed copy shares all that did not change and costs the same whatever its size.
public struct Snapshot: Sendable {
    /// An interface of an instance, as the indexes hold it.
    public struct Owner: Sendable {
        /// Whose it is.
        public let instance: Instance
        /// Which one it is: an index into the instance's interfaces.
        public let interface: Int
    }

    /// How long a hardware address is remembered whose domain stopped: longer than its last packets take.
    static let departureMemory = Duration.seconds(10)

    /// The running instances by the UUID of their domain.
    public private(set) var instances: TreeDictionary<InstanceUUID, Instance> = [:]
    private var owners: TreeDictionary<MACAddress, [Owner]> = [:]
    private var ports: TreeDictionary<String, Owner> = [:]
    private var departures: TreeDictionary<MACAddress, ContinuousClock.Instant> = [:]
    /// The bridge of each active network of the hypervisor, by the network's name; networks without a bridge are not in it.
    public var bridges: [String: String] = [:]
    private var interfaceCounts: TreeDictionary<String, Int> = [:]
    /// Whether the hypervisor has been asked for all its domains once; before that, not being here means nothing.
    public var isComplete = false

    /// Knows nobody.
    public init() {}

    /// Takes in an instance, in the place of the one its domain had before.
    public mutating func insert(_ instance: Instance) {
        remove(instance.domain)
        instances[instance.domain] = instance
        for (index, interface) in instance.interfaces.enumerated() {
            let owner = Owner(instance: instance, interface: index)
            owners[interface.mac, default: []].append(owner)
            if let tap = interface.tap { ports[tap] = owner }
            if let bridge = interface.bridge { interfaceCounts[bridge, default: 0] += 1 }
        }
    }

    /// Forgets a domain's instance; nothing happens if it has none.
    public mutating func remove(_ domain: InstanceUUID) {
        guard let instance = instances.removeValue(forKey: domain) else { return }
        for mac in Set(instance.interfaces.map(\.mac)) {
            let left = owners[mac, default: []].filter { $0.instance.domain != domain }
            owners[mac] = left.isEmpty ? nil : left
        }
        for bridge in instance.interfaces.compactMap(\.bridge) {
            let left = interfaceCounts[bridge, default: 0] - 1
            interfaceCounts[bridge] = left > 0 ? left : nil
        }
        // A tap of this name may have become another's already.
        for tap in instance.interfaces.compactMap(\.tap) where ports[tap]?.instance.domain == domain { ports[tap] = nil }
    }

    /// Forgets a domain's instance because the domain stopped, and remembers for a while whose hardware addresses these were.
    public mutating func remove(_ domain: InstanceUUID, stoppedAt time: ContinuousClock.Instant) {
        let macs = instances[domain]?.interfaces.map(\.mac) ?? []
        remove(domain)
        for mac in macs where owners[mac] == nil { departures[mac] = time }
        for (mac, departure) in departures where time - departure > Self.departureMemory { departures[mac] = nil }
    }

    /// The instance of libvirt's UUID of its domain, or of the UUID that its guest sees.
    public func instance(uuid: InstanceUUID) -> Instance? { instances[uuid] }

    /// The interfaces that bear a hardware address.
    public func owners(of mac: MACAddress) -> [Owner] { owners[mac] ?? [] }

    /// The interface whose tap has a name.
    public func owner(ofPort tap: String) -> Owner? { ports[tap] }

    /// The bridges that running domains have interfaces on.
    public var bridgesInUse: [String] { Array(interfaceCounts.keys) }

    /// How many interfaces of running domains are plugged into a bridge.
    public func interfaceCount(on bridge: String) -> Int { interfaceCounts[bridge] ?? 0 }

    /// Whether a domain with this hardware address stopped a moment ago: its guest's last packets are to wait for nothing.
    public func hasDeparted(_ mac: MACAddress, by time: ContinuousClock.Instant) -> Bool {
        departures[mac].map { time - $0 <= Self.departureMemory } ?? false
    }

    /// Which instance a caller is, or why that cannot be said.
    ///
    /// Where the port is known by which the caller came in, that is the instance plugged into it, and the hardware address must be
    /// one of its own. Else the hardware address alone tells, together with the bridge if several interfaces bear it.
    public func recognise(_ caller: Caller) -> Result<Owner, UnknownCaller> {
        guard let mac = caller.mac else { return .failure(.noHardwareAddress) }
        let all = owners(of: mac)
        switch caller.entrance {
        case .unknown:
            return all.count == 1 ? .success(all[0]) : .failure(unknown(mac, all))
        case .bridge(let bridge):
            let here = all.filter { $0.bridge == bridge }
            if here.count == 1 { return .success(here[0]) }
            return .failure(all.isEmpty || !here.isEmpty ? unknown(mac, all) : misplaced(mac, all, at: bridge, nil))
        case .port(nil, _):
            return .failure(all.isEmpty ? .noOwner(mac) : .noPort(mac))
        case .port(let port?, let bridge):
            return recognise(mac, all, at: port, of: bridge)
        }
    }

    private func recognise(
        _ mac: MACAddress, _ all: [Owner], at port: String, of bridge: String
    ) -> Result<Owner, UnknownCaller> {
        guard let occupant = ports[port] else {
            return .failure(all.isEmpty ? .noOwner(mac) : misplaced(mac, all, at: port, nil))
        }
        let own = all.filter { $0.instance.domain == occupant.instance.domain }
        guard let first = own.first else { return .failure(misplaced(mac, all, at: port, occupant)) }
        // Two that share an address on one bridge share its frames too: who gets the answer is chance.
        guard !all.contains(where: { $0.bridge == bridge && $0.instance.domain != occupant.instance.domain }) else {
            return .failure(unknown(mac, all))
        }
        return .success(own.first { $0.interface == occupant.interface } ?? first)
    }

    private func unknown(_ mac: MACAddress, _ all: [Owner]) -> UnknownCaller {
        all.isEmpty ? .noOwner(mac) : .severalOwners(mac, all.map(\.instance.domainName))
    }

    private func misplaced(_ mac: MACAddress, _ all: [Owner], at place: String, _ occupant: Owner?) -> UnknownCaller {
        .wrongPort(mac, of: all.map(\.instance.domainName), at: place, pluggedIn: occupant?.instance.domainName)
    }
}

extension Snapshot.Owner {
    /// The bridge that the domain's XML has this interface on.
    var bridge: String? { instance.interfaces[interface].bridge }
}

/// Why a caller is not known: which step from the connection to the instance failed.
public enum UnknownCaller: Error, Sendable, Equatable {
    /// Neither the connection nor the neighbour table tells its hardware address.
    case noHardwareAddress
    /// No running domain has an interface of this hardware address.
    case noOwner(MACAddress)
    /// Several running domains have, here named, and nothing tells them apart.
    case severalOwners(MACAddress, [String])
    /// It came in by a bridge or a port that is not its domain's: the domains that have the hardware address, and the one that is
    /// plugged in where it came from, if any.
    case wrongPort(MACAddress, of: [String], at: String, pluggedIn: String?)
    /// The bridge does not know at present by which port it came.
    case noPort(MACAddress)
    /// No running domain has the UUID that it is said to have.
    case noInstance(String)
    /// The domain, here named, does not belong to the project that it is said to belong to.
    case foreignProject(String)
}

extension UnknownCaller: CustomStringConvertible {
    /// The failed step in words.
    public var description: String {
        switch self {
        case .noHardwareAddress: "no hardware address is known for it"
        case .noOwner(let mac): "no running domain has an interface \(mac)"
        case .severalOwners(let mac, let domains):
            "several running domains have an interface \(mac): \(domains.joined(separator: ", "))"
        case .wrongPort(let mac, let domains, let place, let occupant):
            "\(mac) \(domains.isEmpty ? "is no domain's" : "belongs to \(domains.joined(separator: ", "))"), but came in by \(place), "
                + (occupant.map { "into which \($0) is plugged" } ?? "which is no running domain's port")
        case .noInstance(let id): "no running domain has the UUID \(id.prefix(64))"
        case .foreignProject(let domain): "\(domain) is not of the project that was named, or of none"
        case .noPort(let mac): "the bridge does not know at present behind which port \(mac) is"
        }
    }
}

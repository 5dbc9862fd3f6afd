internal import HashTreeCollections

/// The inventory at one moment: every running instance, and which hardware address and which port of a bridge is whose.
///
/// The domains of several hosts are in it. Ports and bridges are those of this host alone; of other hosts only hardware addresses
/// are indexed, for callers that come in by no bridge of ours.
///
/// The maps are persistent, so a changed copy shares all that did not change and costs the same whatever its size.
public struct Snapshot: Sendable {
    /// An interface of an instance, as the indexes hold it.
    public struct Owner: Sendable {
        /// Whose it is.
        public let instance: Instance
        /// Which one it is: an index into the instance's interfaces.
        public let interface: Int
        /// Whose word this is.
        public let host: HostNumber
    }

    /// How long a hardware address is remembered whose domain stopped: longer than its last packets take.
    static let departureMemory = Duration.seconds(10)

    private var sightings: TreeDictionary<InstanceUUID, Sightings> = [:]
    /// The domains whose guests see another UUID than libvirt has for them, by that.
    private var domainsByGuestUUID: TreeDictionary<InstanceUUID, [InstanceUUID]> = [:]
    private var owners: TreeDictionary<MACAddress, [Owner]> = [:]
    private var remoteOwners: TreeDictionary<MACAddress, [Owner]> = [:]
    private var ports: TreeDictionary<String, Owner> = [:]
    private var departures: TreeDictionary<MACAddress, ContinuousClock.Instant> = [:]
    /// The bridge of each active network of this host, by the network's name; networks without a bridge are not in it.
    public var bridges: [String: String] = [:]
    private var interfaceCounts: TreeDictionary<String, Int> = [:]
    private var news = 0
    /// Whether this host's hypervisor has been asked for all its domains once; before that, not being here means nothing.
    public var isLocalComplete = false
    /// Whether those of the other hosts have, as far as they could be reached.
    public var isRemoteComplete = true

    /// Knows nobody.
    public init() {}

    /// How many instances there are.
    public var count: Int { sightings.count }

    /// The instance of a domain.
    public func instance(of domain: InstanceUUID) -> Instance? { sightings[domain]?.first.instance }

    /// The instance of a UUID: the one that libvirt has for the domain, else the one that the guest sees; `nil` if it is nobody's,
    /// or the guests of several domains see it.
    public func instance(uuid: InstanceUUID) -> Instance? {
        if let instance = instance(of: uuid) { return instance }
        guard let domains = domainsByGuestUUID[uuid], domains.count == 1 else { return nil }
        return instance(of: domains[0])
    }

    /// Every instance, with the host whose word of it counts and whether its domain is paused there, in no order.
    public var all: [(instance: Instance, host: HostNumber, isPaused: Bool)] {
        sightings.values.map { ($0.first.instance, $0.first.host, $0.first.isPaused) }
    }

    /// The host whose word of a domain counts.
    public func host(of domain: InstanceUUID) -> HostNumber? { sightings[domain]?.first.host }

    // MARK: Changes

    /// Takes in an instance, in the place of the one that its domain had before on this host.
    ///
    /// - Parameters:
    ///   - host: where its domain is. It may be on two while it migrates; where it runs, that counts, and where it runs on
    ///     both, the newest to say so.
    ///   - isPaused: whether the domain does not run there at present.
    public mutating func insert(_ instance: Instance, on host: HostNumber = .local, isPaused: Bool = false) {
        let before = sightings[instance.domain]
        news += 1
        replace(before, by: .adding(instance, on: host, isPaused: isPaused, at: news, to: before), for: instance.domain)
        // It has not stopped, it is elsewhere.
        if !host.isLocal { for interface in instance.interfaces { departures[interface.mac] = nil } }
    }

    /// Forgets a domain's instance on a host; nothing happens if it has none there.
    public mutating func remove(_ domain: InstanceUUID, from host: HostNumber = .local) {
        guard let before = sightings[domain] else { return }
        replace(before, by: before.removing(host), for: domain)
    }

    /// Forgets a domain's instance because the domain is no longer on a host. Where it has stopped on this one, and is on no
    /// other, it is remembered for a while whose hardware addresses these were.
    public mutating func remove(
        _ domain: InstanceUUID, from host: HostNumber = .local, stoppedAt time: ContinuousClock.Instant
    ) {
        let stopped = sightings[domain]?.sighting(on: host)
        remove(domain, from: host)
        for (mac, departure) in departures where time - departure > Self.departureMemory { departures[mac] = nil }
        guard host.isLocal, sightings[domain] == nil else { return }
        for mac in stopped?.instance.interfaces.map(\.mac) ?? [] where owners[mac] == nil && remoteOwners[mac] == nil {
            departures[mac] = time
        }
    }

    private mutating func replace(_ before: Sightings?, by after: Sightings?, for domain: InstanceUUID) {
        sightings[domain] = after
        let (old, new) = (before?.first.instance, after?.first.instance)
        if old?.uuid != new?.uuid {
            if let old { dropGuestUUID(of: old) }
            if let new, new.uuid != domain { domainsByGuestUUID[new.uuid, default: []].append(domain) }
        }
        if before?.local?.instance !== after?.local?.instance {
            if let local = before?.local { dropLocal(local.instance) }
            if let local = after?.local { indexLocal(local) }
        }
        if before?.remote?.instance !== after?.remote?.instance || before?.remote?.host != after?.remote?.host {
            if let remote = before?.remote { Self.drop(remote.instance, from: &remoteOwners) }
            if let remote = after?.remote {
                for owner in remote.owners { remoteOwners[owner.mac, default: []].append(owner) }
            }
        }
    }

    private mutating func dropGuestUUID(of instance: Instance) {
        let left = domainsByGuestUUID[instance.uuid]?.filter { $0 != instance.domain } ?? []
        domainsByGuestUUID[instance.uuid] = left.isEmpty ? nil : left
    }

    private mutating func indexLocal(_ local: Sighting) {
        for owner in local.owners {
            owners[owner.mac, default: []].append(owner)
            if let tap = owner.description.tap { ports[tap] = owner }
            if let bridge = owner.bridge { interfaceCounts[bridge, default: 0] += 1 }
        }
    }

    private mutating func dropLocal(_ instance: Instance) {
        Self.drop(instance, from: &owners)
        for bridge in instance.interfaces.compactMap(\.bridge) {
            let left = interfaceCounts[bridge, default: 0] - 1
            interfaceCounts[bridge] = left > 0 ? left : nil
        }
        // A tap of this name may have become another's already.
        for tap in instance.interfaces.compactMap(\.tap) where ports[tap]?.instance.domain == instance.domain { ports[tap] = nil }
    }

    private static func drop(_ instance: Instance, from owners: inout TreeDictionary<MACAddress, [Owner]>) {
        for mac in Set(instance.interfaces.map(\.mac)) {
            let left = owners[mac, default: []].filter { $0.instance.domain != instance.domain }
            owners[mac] = left.isEmpty ? nil : left
        }
    }

    // MARK: Questions

    /// Whether every hypervisor has been asked for all its domains once, as far as it could be reached. To set it is to say so of
    /// all of them.
    public var isComplete: Bool {
        get { isLocalComplete && isRemoteComplete }
        set { (isLocalComplete, isRemoteComplete) = (newValue, newValue) }
    }

    /// Whether all domains that a caller might be have been read once: who comes by a bridge is none of another host's.
    public func isComplete(for caller: Caller) -> Bool {
        caller.entrance == .named ? isComplete : isLocalComplete
    }

    /// The interfaces of this host's domains that bear a hardware address.
    public func owners(of mac: MACAddress) -> [Owner] { owners[mac] ?? [] }

    /// The domains of all hosts that have an interface with a hardware address.
    public func domains(bearing mac: MACAddress) -> Set<InstanceUUID> {
        Set((owners(of: mac) + (remoteOwners[mac] ?? [])).map(\.instance.domain))
    }

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
    /// one of its own. Else the hardware address alone tells, together with the bridge if several interfaces bear it. An instance
    /// of another host is recognised only where one who is trusted names the caller.
    public func recognise(_ caller: Caller) -> Result<Owner, UnknownCaller> {
        guard let mac = caller.mac else { return .failure(.noHardwareAddress) }
        let all = owners(of: mac)
        switch caller.entrance {
        case .unknown:
            return all.count == 1 ? .success(all[0]) : .failure(unknown(mac, all))
        case .named:
            let everywhere = all + remoteOwners(of: mac, without: all)
            return everywhere.count == 1 ? .success(everywhere[0]) : .failure(unknown(mac, everywhere))
        case .bridge(let bridge):
            let here = all.filter { $0.bridge == bridge }
            if here.count == 1 { return .success(here[0]) }
            return .failure(all.isEmpty || !here.isEmpty ? unknown(mac, all) : misplaced(mac, all, at: bridge, nil))
        case .port(nil, _):
            return .failure(all.isEmpty ? unknown(mac, all) : .noPort(mac))
        case .port(let port?, let bridge):
            return recognise(mac, all, at: port, of: bridge)
        }
    }

    /// Those of other hosts' domains that are not on this host too, as one that migrates is.
    private func remoteOwners(of mac: MACAddress, without local: [Owner]) -> [Owner] {
        guard let remote = remoteOwners[mac] else { return [] }
        return remote.filter { owner in !local.contains { $0.instance.domain == owner.instance.domain } }
    }

    private func recognise(
        _ mac: MACAddress, _ all: [Owner], at port: String, of bridge: String
    ) -> Result<Owner, UnknownCaller> {
        guard let occupant = ports[port] else {
            return .failure(all.isEmpty ? unknown(mac, all) : misplaced(mac, all, at: port, nil))
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
        if !all.isEmpty { return .severalOwners(mac, all.map(\.instance.domainName)) }
        return remoteOwners[mac].map { .elsewhere(mac, $0.map(\.instance.domainName)) } ?? .noOwner(mac)
    }

    private func misplaced(_ mac: MACAddress, _ all: [Owner], at place: String, _ occupant: Owner?) -> UnknownCaller {
        let bearers = all.isEmpty ? remoteOwners[mac] ?? [] : all
        return .wrongPort(
            mac, of: bearers.map(\.instance.domainName), at: place, pluggedIn: occupant?.instance.domainName)
    }
}

extension Snapshot.Owner {
    /// What the domain's XML says of this interface.
    var description: NetworkInterface { instance.interfaces[interface] }
    /// Its hardware address.
    var mac: MACAddress { description.mac }
    /// The bridge that the domain's XML has this interface on.
    var bridge: String? { description.bridge }
}

extension Sighting {
    /// The instance's interfaces, each as the owner of its hardware address.
    fileprivate var owners: [Snapshot.Owner] {
        instance.interfaces.indices.map { Snapshot.Owner(instance: instance, interface: $0, host: host) }
    }
}

/// Why a caller is not known: which step from the connection to the instance failed.
public enum UnknownCaller: Error, Sendable, Equatable {
    /// Neither the connection nor the neighbour table tells its hardware address.
    case noHardwareAddress
    /// No running domain has an interface of this hardware address.
    case noOwner(MACAddress)
    /// No running domain of this host has, but those of other hosts, here named.
    case elsewhere(MACAddress, [String])
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
        case .elsewhere(let mac, let domains):
            "\(mac) belongs to \(domains.joined(separator: ", ")) on another host, whose guests do not reach us by themselves"
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

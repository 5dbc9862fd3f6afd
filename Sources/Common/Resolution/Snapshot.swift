import HashTreeCollections

/// The inventory at one moment: every running instance, indexed by MAC address and by bridge port.
///
/// It contains the domains of several hosts. Ports and bridges are indexed for this host only; for other hosts only MAC addresses
/// are indexed, for clients that do not arrive on a bridge of this host.
///
/// The maps are persistent: a changed copy shares all unchanged parts and costs the same whatever its size.
package struct Snapshot: Sendable {
    /// An interface of an instance, as the indexes store it.
    package struct Owner: Sendable {
        package let instance: Instance
        /// An index into the instance's interfaces.
        package let interface: Int
        package let host: HostNumber
        /// The run of the domain: a connection belongs to one run only.
        package let run: DomainRun
    }

    /// How long the MAC addresses of a stopped domain are remembered: longer than its last packets take to arrive.
    static let departureMemory = Duration.seconds(10)

    private var copies: TreeDictionary<InstanceUUID, DomainCopies> = [:]
    private var localAddresses = HardwareAddressIndex()
    private(set) var remoteAddresses = HardwareAddressIndex()
    private var ports = PortIndex()
    private var departures: TreeDictionary<MACAddress, ContinuousClock.Instant> = [:]
    /// The bridge of each active network of this host, by the network's name; networks without a bridge are missing.
    package var bridges: [String: String] = [:]
    private var changes = 0
    /// Whether all domains of this host's hypervisor have been read once; until then a missing domain may still exist.
    package var isLocalComplete = false
    /// Whether all domains of the other hosts have been read once, as far as the hosts are reachable.
    package var isRemoteComplete = true

    package init() {}

    package var count: Int { copies.count }

    package func instance(of domain: InstanceUUID) -> Instance? { copies[domain]?.first.instance }

    /// Every instance, with the host whose copy is served and whether its domain is paused there, in no order.
    package var all: [(instance: Instance, host: HostNumber, isPaused: Bool)] {
        copies.values.map { ($0.first.instance, $0.first.host, $0.first.isPaused) }
    }

    /// The instance of a domain, as `all` has it.
    package func entry(of domain: InstanceUUID) -> (instance: Instance, host: HostNumber, isPaused: Bool)? {
        copies[domain].map { ($0.first.instance, $0.first.host, $0.first.isPaused) }
    }

    /// The host whose copy of a domain is served.
    package func host(of domain: InstanceUUID) -> HostNumber? { copies[domain]?.first.host }

    // MARK: Changes

    /// Inserts an instance, replacing the domain's previous instance on this host.
    ///
    /// - Parameters:
    ///   - host: the host of the domain. A migrating domain is on two: the running copy is served, and the newer of two running
    ///     ones.
    ///   - isPaused: whether the domain is not running on that host at the moment.
    package mutating func insert(_ instance: Instance, on host: HostNumber = .local, isPaused: Bool = false) {
        let before = copies[instance.domain]
        changes += 1
        replace(before, by: .adding(instance, on: host, isPaused: isPaused, at: changes, to: before), for: instance.domain)
        // The domain has not stopped: it is on another host.
        if !host.isLocal { for interface in instance.interfaces { departures[interface.mac] = nil } }
    }

    /// Removes a domain's instance from a host; does nothing if the host has none.
    package mutating func remove(_ domain: InstanceUUID, from host: HostNumber = .local) {
        guard let before = copies[domain] else { return }
        replace(before, by: before.removing(host), for: domain)
    }

    /// Removes a domain's instance because the domain is no longer on a host. If it has stopped on this host and is on no other,
    /// its MAC addresses are remembered for a while.
    package mutating func remove(
        _ domain: InstanceUUID, from host: HostNumber = .local, stoppedAt time: ContinuousClock.Instant
    ) {
        let stopped = copies[domain]?.copy(on: host)
        remove(domain, from: host)
        for (mac, departure) in departures where time - departure > Self.departureMemory { departures[mac] = nil }
        guard host.isLocal, copies[domain] == nil else { return }
        for mac in stopped?.instance.interfaces.map(\.mac) ?? [] where domains(bearing: mac).isEmpty {
            departures[mac] = time
        }
    }

    private mutating func replace(_ before: DomainCopies?, by after: DomainCopies?, for domain: InstanceUUID) {
        copies[domain] = after
        if before?.local?.instance !== after?.local?.instance {
            if let local = before?.local?.instance {
                localAddresses.remove(local)
                ports.remove(local)
            }
            for owner in after?.local?.owners ?? [] {
                localAddresses.insert(owner)
                ports.insert(owner)
            }
        }
        if before?.remote?.instance !== after?.remote?.instance || before?.remote?.host != after?.remote?.host {
            if let remote = before?.remote { remoteAddresses.remove(remote.instance) }
            for owner in after?.remote?.owners ?? [] { remoteAddresses.insert(owner) }
        }
    }

    // MARK: Queries

    /// Whether all domains of every hypervisor have been read once, as far as it is reachable. Setting it sets this for all
    /// hypervisors.
    package var isComplete: Bool {
        get { isLocalComplete && isRemoteComplete }
        set { (isLocalComplete, isRemoteComplete) = (newValue, newValue) }
    }

    /// Whether all domains that the client may match have been read once: a client on a bridge cannot be a guest of another host.
    package func isComplete(for client: Client) -> Bool {
        client.entrance == .named ? isComplete : isLocalComplete
    }

    /// The interfaces of this host's domains that have a MAC address.
    package func owners(of mac: MACAddress) -> [Owner] { localAddresses[mac] }

    /// The domains of all hosts that have an interface with a MAC address.
    package func domains(bearing mac: MACAddress) -> Set<InstanceUUID> {
        Set((localAddresses[mac] + remoteAddresses[mac]).map(\.instance.domain))
    }

    /// The interfaces that have a bridge port as their tap, except those whose domain names another bridge.
    ///
    /// The domain's XML does not name the bridge of an interface of type `ethernet`.
    package func claimants(ofPort tap: String, on bridge: String) -> [Owner] {
        ports.claimants(of: tap, on: bridge)
    }

    /// The interface whose tap is a bridge port; `nil` if there is none, or several domains have it.
    package func owner(ofPort tap: String, on bridge: String) -> Owner? {
        let claimants = claimants(ofPort: tap, on: bridge)
        return claimants.count == 1 ? claimants[0] : nil
    }

    /// The bridges that have interfaces of running domains.
    package var bridgesInUse: [String] { ports.bridges }

    /// The bridges that have interfaces of enabled running domains.
    package var enabledBridges: [String] { ports.enabledBridges }

    /// An enabled running domain with an interface on a bridge; `nil` where there is none.
    ///
    /// - Parameter domain: the one to prefer, where it is one of several.
    package func enabledDomain(on bridge: String, preferring domain: InstanceUUID? = nil) -> Instance? {
        let all = ports.enabledDomains(on: bridge)
        return domain.flatMap { all[$0] } ?? all.first?.value
    }

    /// How many enabled running domains have an interface on a bridge.
    package func enabledDomainCount(on bridge: String) -> Int { ports.enabledDomains(on: bridge).count }

    /// The number of interfaces of running domains on a bridge.
    package func interfaceCount(on bridge: String) -> Int { ports.interfaceCount(on: bridge) }

    /// Whether a domain with this MAC address stopped recently: its guest's last requests are not held.
    package func hasDeparted(_ mac: MACAddress, by time: ContinuousClock.Instant) -> Bool {
        departures[mac].map { time - $0 <= Self.departureMemory } ?? false
    }
}

extension Snapshot.Owner {
    /// The interface as the domain's XML describes it.
    var description: NetworkInterface { instance.interfaces[interface] }
    var mac: MACAddress { description.mac }
    /// The bridge of the interface in the domain's XML.
    var bridge: String? { description.bridge }
}

extension DomainCopy {
    /// The instance's interfaces as index entries.
    fileprivate var owners: [Snapshot.Owner] {
        let run = DomainRun(domain: instance.domain, number: run)
        return instance.interfaces.indices.map { Snapshot.Owner(instance: instance, interface: $0, host: host, run: run) }
    }
}

/// One run of a domain, from start to stop.
package struct DomainRun: Sendable, Hashable {
    package let domain: InstanceUUID
    /// Later runs have higher numbers.
    let number: Int
}

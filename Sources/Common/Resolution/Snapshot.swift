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

    private var copies: TreeDictionary<InstanceUUID, DomainCopies> = [:]
    private var localAddresses = HardwareAddressIndex()
    private(set) var remoteAddresses = HardwareAddressIndex()
    private var ports = PortIndex()
    /// The bridge of each active network of this host, by the network's name; networks without a bridge are missing.
    package var bridges: [LibvirtName: String] = [:]
    /// Those of them to which libvirt itself gives the addresses of the network: what is there is not the host's own.
    package var managedBridges: [LibvirtName: String] = [:]
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

    /// The current run of a domain on the host whose copy is served; `nil` where no host has it.
    package func run(of domain: InstanceUUID) -> DomainRun? {
        copies[domain].map { DomainRun(domain: domain, number: $0.first.run) }
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
    ///   - readAt: when the read of the domain began.
    package mutating func insert(
        _ instance: Instance, on host: HostNumber = .local, isPaused: Bool = false, readAt: ContinuousClock.Instant = .now
    ) {
        let before = copies[instance.domain]
        changes += 1
        let after = DomainCopies.adding(instance, on: host, isPaused: isPaused, at: changes, readAt: readAt, to: before)
        replace(before, by: after, for: instance.domain)
    }

    /// Records that a domain was read again and has not changed; does nothing if the host has none.
    package mutating func confirm(_ domain: InstanceUUID, on host: HostNumber = .local, readAt: ContinuousClock.Instant) {
        copies[domain] = copies[domain]?.confirming(host, readAt: readAt)
    }

    /// Removes a domain's instance from a host; does nothing if the host has none.
    package mutating func remove(_ domain: InstanceUUID, from host: HostNumber = .local) {
        guard let before = copies[domain] else { return }
        replace(before, by: before.removing(host), for: domain)
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

    /// Which domain a bridge port belongs to.
    ///
    /// A link's name says nothing about the link's domain: as soon as a domain has stopped, another's tap may have the name of its
    /// tap. So a claim counts only if the domain was read after the link was first seen, and none counts while one is unread.
    ///
    /// If the link has more queues than the domain, another program has opened it too, and whose domain that is nobody may know.
    ///
    /// - Parameters:
    ///   - since: when the port's link was first seen; `nil` where that was before any domain was read.
    ///   - queues: the queues of the link that programs have; 0 where it has one at most.
    package func claim(
        onPort tap: String, of bridge: String, since: ContinuousClock.Instant?, queues: UInt32 = 0
    ) -> PortClaim {
        let claimants = claimants(ofPort: tap, on: bridge)
        guard let first = claimants.first else { return .none }
        if let since {
            let unread = claimants.filter { copies[$0.instance.domain]?.local.map { $0.readAt <= since } ?? true }
            guard unread.isEmpty else { return .unread(unread) }
        }
        let isAlone = claimants.count == 1 && Int(queues) <= max(1, first.description.queues)
        return isAlone ? .owned(first) : .contested(claimants)
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

    /// Whether it began after another run of the same domain.
    package func isLater(than other: DomainRun) -> Bool { number > other.number }
}

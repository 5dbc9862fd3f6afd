import Common
import HashTreeCollections
import Libvirt
import Logging
import XML

/// Does the errands about one hypervisor, one after the other: reads what changed, and publishes the snapshot that results.
struct SnapshotKeeper<C: Clock> where C.Duration == Duration {
    /// While all domains are read for the first time, how many are read between two snapshots: those already read can ask.
    private static var publicationStep: Int { 256 }
    /// A network's leases are read no more often than this.
    private static var leasePatience: Duration { .seconds(5) }

    private enum Retry {
        case none, wanted, scheduled
    }

    private let hypervisor: Hypervisor
    private let host: HostNumber
    private let edited: Bool
    private let errands: ErrandQueue
    private let ledger: InventoryLedger
    private let defaults: CurrentDefaults
    private let clock: C
    private var report: InventoryReport
    private var backoff = Backoff()
    private var retry = Retry.none
    /// Whether everything was read once.
    private var isComplete = false
    /// What this hypervisor says of its domains, whatever counts in the snapshot.
    private var instances: TreeDictionary<InstanceUUID, Instance> = [:]
    private var networks: [String: NetworkXML] = [:]
    private var leases: [String: [MACAddress: IPAddress]] = [:]
    private var leasesRead: [String: C.Instant] = [:]
    /// What each domain was last read as, so that one which did not change is not put together again.
    private var readings: [InstanceUUID: Int] = [:]

    init(
        hypervisor: Hypervisor, host: HostNumber, edited: Bool, errands: ErrandQueue, ledger: InventoryLedger,
        defaults: CurrentDefaults, clock: C, report: InventoryReport
    ) {
        (self.hypervisor, self.host, self.edited, self.errands) = (hypervisor, host, edited, errands)
        (self.ledger, self.defaults, self.clock, self.report) = (ledger, defaults, clock, report)
    }

    /// After how long a ``Errand/retry`` is to be added, if an attempt failed and none is on its way.
    mutating func takeRetryDelay() -> Duration? {
        guard retry == .wanted else { return nil }
        retry = .scheduled
        return backoff.next()
    }

    /// Does an errand; what fails is reported and tried again later.
    mutating func run(_ errand: Errand) async {
        do throws(LibvirtError) {
            switch errand {
            case .synchronise: try await synchronise()
            case .retry:
                retry = .none
                try await synchronise()
            case .connectionLost(let reason): await lose(reason: reason)
            case .reassemble:
                // Without a connection they are put together once there is one, for no reading counts any more.
                readings = [:]
                guard await hypervisor.isConnected else { return }
                try await synchronise()
            case .domain, .network, .leases:
                // Without a connection there is nothing to ask, and everything is read again once there is one.
                guard await hypervisor.isConnected else { return }
                try await refresh(errand)
                ledger.publish()
            }
        } catch {
            report.failed(error, connected: await hypervisor.isConnected, instances: instances.count)
            giveUpFirstReading()
            wantRetry()
        }
    }

    /// Nobody waits for another host that does not answer. For this one they do: its guests are those who ask.
    private func giveUpFirstReading() {
        guard !isComplete, !host.isLocal else { return }
        ledger.finishReading(host)
        ledger.publish()
    }

    /// There is never more than one on its way, however many attempts fail meanwhile.
    private mutating func wantRetry() {
        if retry == .none { retry = .wanted }
    }

    /// The news may be of a connection that another has taken the place of already.
    private mutating func lose(reason: String) async {
        guard !(await hypervisor.isConnected) else { return }
        report.lost(reason: reason, instances: instances.count)
        wantRetry()
    }

    private mutating func refresh(_ errand: Errand) async throws(LibvirtError) {
        switch errand {
        case .domain(let uuid): try await refreshDomain(uuid)
        case .network(let name): try await refreshNetwork(name)
        case .leases(let network): try await refreshLeases(of: network)
        case .connectionLost, .synchronise, .retry, .reassemble: break  // They are about everything, and are done elsewhere.
        }
    }

    // MARK: Everything

    private mutating func synchronise() async throws(LibvirtError) {
        if !(await hypervisor.isConnected) {
            try await hypervisor.connect()
            report.connected(without: await hypervisor.unavailableEvents)
        }
        try await readNetworks()
        let running = try await hypervisor.runningDomains()
        for (count, domain) in running.enumerated() {
            try await refreshDomain(domain.uuid)
            if count % Self.publicationStep == 0 { ledger.publish() }
            try await refreshMeanwhile()
        }
        let known = Set(running.compactMap { InstanceUUID($0.uuid) })
        for domain in instances.keys where !known.contains(domain) {
            // One that started after the list was made is not in it, and still runs.
            try await refreshDomain(domain.description)
        }
        isComplete = true
        ledger.finishReading(host)
        ledger.publish()
        backoff.reset()
        report.synchronised(instances: instances.count)
    }

    /// What changes while all domains are read does not wait until they are.
    private mutating func refreshMeanwhile() async throws(LibvirtError) {
        let waiting = errands.drain()
        if waiting.contains(.retry) { retry = .none }
        for errand in waiting {
            switch errand {
            case .connectionLost(let reason):
                guard await hypervisor.isConnected else {
                    throw LibvirtError(code: .invalidConnection, function: "virConnectRegisterCloseCallback", message: reason)
                }
            case .synchronise, .retry: break  // That is what is being done.
            case .reassemble: errands.add(.reassemble)  // Some are done already, and have to be done again.
            case .domain, .network, .leases:
                try await refresh(errand)
                ledger.publish()
            }
        }
    }

    // MARK: Networks

    /// Reads all networks and their leases; their domains are read after that anyway.
    private mutating func readNetworks() async throws(LibvirtError) {
        let active: [NetworkDescription]
        do throws(LibvirtError) {
            active = try await hypervisor.networks()
        } catch {
            guard await hypervisor.isConnected else { throw error }
            // Domains are there without their networks too; what was last read of these stands.
            return report.unreadable(network: nil, error)
        }
        for name in networks.keys where !active.contains(where: { $0.name == name }) { forgetNetwork(name) }
        for description in active {
            take(description)
            try await readLeases(of: description.name)
        }
    }

    private mutating func refreshNetwork(_ name: String) async throws(LibvirtError) {
        do throws(LibvirtError) {
            if let description = try await hypervisor.network(named: name) {
                take(description)
            } else {
                forgetNetwork(name)
            }
        } catch {
            guard await hypervisor.isConnected else { throw error }
            return report.unreadable(network: name, error)
        }
        // Those that named it while it was away know of no network.
        try await refreshDomains { $0.network?.name == name || $0.network == nil }
    }

    private mutating func refreshDomains(where concerns: (NetworkInterface) -> Bool) async throws(LibvirtError) {
        for (domain, instance) in instances where instance.interfaces.contains(where: concerns) {
            try await refreshDomain(domain.description)
        }
    }

    /// Takes in a network's XML. A domain is put together again only if it reads differently, so that those of a network that
    /// changed are made to.
    private mutating func take(_ description: NetworkDescription) {
        do throws(DescriptionError) {
            let network = try NetworkXML(InstanceAssembly.document(Array(description.xml.utf8)).root)
            guard networks[network.name] != network else { return }
            networks[network.name] = network
            setBridge(network.bridge, of: network.name)
            forgetReadings { $0.network?.name == network.name || $0.network == nil }
        } catch {
            report.unusable(network: description.name, error)
        }
    }

    private mutating func forgetNetwork(_ name: String) {
        networks[name] = nil
        setBridge(nil, of: name)
        leases[name] = nil
        leasesRead[name] = nil
        forgetReadings { $0.network?.name == name }
    }

    /// Another host's bridges are nothing to us.
    private func setBridge(_ bridge: String?, of network: String) {
        if host.isLocal { ledger.withSnapshot { $0.bridges[network] = bridge } }
    }

    private mutating func forgetReadings(where concerns: (NetworkInterface) -> Bool) {
        for (domain, instance) in instances where instance.interfaces.contains(where: concerns) {
            readings[domain] = nil
        }
    }

    // MARK: Leases

    private mutating func refreshLeases(of network: String) async throws(LibvirtError) {
        if let read = leasesRead[network], read.duration(to: clock.now) < Self.leasePatience { return }
        for mac in try await readLeases(of: network) {
            for domain in domains(bearing: mac) { try await refreshDomain(domain.description) }
        }
    }

    /// Reads the leases of a network and returns the hardware addresses that have another one than before.
    @discardableResult
    private mutating func readLeases(of network: String) async throws(LibvirtError) -> Set<MACAddress> {
        guard networks[network]?.offersDHCP == true else { return [] }
        let before = leases[network] ?? [:]
        leasesRead[network] = clock.now
        let read: [Lease]
        do throws(LibvirtError) {
            read = try await hypervisor.leases(network: network)
        } catch {
            guard await hypervisor.isConnected else { throw error }
            // Leases only add an address here and there; nobody is to wait for them.
            report.unreadable(network: network, error)
            return []
        }
        var addresses: [MACAddress: IPAddress] = [:]
        for lease in read.sorted(by: { $0.expires < $1.expires }) {
            addresses[lease.mac] = lease.address
        }
        leases[network] = addresses
        let changed = Set(before.keys).union(addresses.keys).filter { before[$0] != addresses[$0] }
        for mac in changed {
            for domain in domains(bearing: mac) { readings[domain] = nil }
        }
        return changed
    }

    /// Of this hypervisor's.
    private func domains(bearing mac: MACAddress) -> [InstanceUUID] {
        ledger.withSnapshot { $0.domains(bearing: mac) }.filter { instances[$0] != nil }
    }

    // MARK: One domain

    private mutating func refreshDomain(_ uuid: String) async throws(LibvirtError) {
        guard let domain = InstanceUUID(uuid) else { return }
        let description: DomainDescription?
        do throws(LibvirtError) {
            description = try await hypervisor.domain(uuid: uuid, edited: edited)
        } catch {
            guard await hypervisor.isConnected else { throw error }
            // This domain alone cannot be read now: it is busy, or larger than a message. What it was last stands.
            return report.unreadable(domain, error)
        }
        guard let description else { return forget(domain) }
        let reading = description.hashValue
        guard readings[domain] != reading else { return }
        let isNew = instances[domain] == nil
        assemble(description, as: domain)
        readings[domain] = reading
        guard isNew, isComplete else { return }
        // A guest that starts asks for an address before it asks us.
        for network in Set(instances[domain]?.interfaces.compactMap(\.network?.name) ?? []) {
            errands.add(.leases(network: network))
        }
    }

    private mutating func assemble(_ description: DomainDescription, as domain: InstanceUUID) {
        let assembly = InstanceAssembly(
            networks: networks, leases: leases, defaults: defaults.value, readsBare: false)
        do throws(DescriptionError) {
            let assembled = try assembly.assemble(
                Array(description.liveXML.utf8), edited: description.inactiveXML.map { Array($0.utf8) })
            instances[domain] = assembled.instance
            ledger.withSnapshot { $0.insert(assembled.instance, on: host, isPaused: description.isPaused) }
            report.assembled(domain, named: description.name, findings: assembled.findings)
        } catch {
            instances[domain] = nil
            ledger.withSnapshot { $0.remove(domain, from: host) }
            report.unusable(domain, named: description.name, error)
        }
    }

    private mutating func forget(_ domain: InstanceUUID) {
        instances[domain] = nil
        ledger.withSnapshot { $0.remove(domain, from: host, stoppedAt: .now) }
        readings[domain] = nil
        report.forgotten(domain)
    }
}

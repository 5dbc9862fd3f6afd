import Common
import HashTreeCollections
import Libvirt
import Logging
import XML

/// Performs the inventory tasks of a hypervisor, one after the other: reads what changed, and publishes the resulting snapshot.
struct SnapshotKeeper<C: Clock> where C.Duration == Duration {
    /// The number of domains between two snapshots during the first reading, so that domains already read can be served.
    private static var publicationStep: Int { 256 }

    private let hypervisor: Hypervisor
    private let host: HostNumber
    private let edited: Bool
    private let queue: TaskQueue
    private let ledger: InventoryLedger
    private let defaults: CurrentDefaults
    private let clock: C
    private var report: InventoryReport
    private var retry = RetrySchedule()
    /// Whether everything was read once.
    private var isComplete = false
    private var networks = NetworkFacts<C.Instant>()
    /// The instances of this hypervisor's domains, whether the snapshot serves them or those of another host.
    private var instances: TreeDictionary<InstanceUUID, Instance> = [:]
    /// The hash of each domain's last description, so that an unchanged domain is not assembled again.
    private var readings: [InstanceUUID: Int] = [:]

    init(
        hypervisor: Hypervisor, host: HostNumber, edited: Bool, queue: TaskQueue, ledger: InventoryLedger,
        defaults: CurrentDefaults, clock: C, report: InventoryReport
    ) {
        (self.hypervisor, self.host, self.edited, self.queue) = (hypervisor, host, edited, queue)
        (self.ledger, self.defaults, self.clock, self.report) = (ledger, defaults, clock, report)
    }

    /// The delay after which to add an ``InventoryTask/retry``, if an attempt failed and none is scheduled.
    mutating func takeRetryDelay() -> Duration? { retry.takeDelay() }

    /// Performs a task; a failure is reported, and everything is read again later.
    mutating func run(_ task: InventoryTask) async {
        do throws(LibvirtError) {
            try await perform(task)
        } catch {
            report.failed(error, connected: await hypervisor.isConnected, instances: instances.count)
            giveUpFirstReading()
            retry.want()
        }
    }

    /// - Parameter isSweeping: whether everything is being read, and the task is performed between two domains.
    private mutating func perform(_ task: InventoryTask, isSweeping: Bool = false) async throws(LibvirtError) {
        switch task {
        case .read(let subject):
            // Without a connection nothing can be read, and everything is read again once there is one.
            let isConnected = await hypervisor.isConnected
            guard isSweeping || isConnected else { return }
            try await read(subject)
            ledger.publish()
        case .retry:
            retry.begin()
            if !isSweeping { try await synchronise() }
        case .synchronise:
            if !isSweeping { try await synchronise() }
        case .reassemble where isSweeping:
            // Some domains are assembled already, and must be assembled again.
            queue.add(.reassemble)
        case .reassemble:
            // Without a connection they are assembled once there is one, because all readings are dropped.
            readings = [:]
            if await hypervisor.isConnected { try await synchronise() }
        case .connectionLost(let reason):
            // The hint may be about a connection that another has replaced already.
            guard !(await hypervisor.isConnected) else { return }
            guard !isSweeping else {
                throw LibvirtError(code: .invalidConnection, function: "virConnectRegisterCloseCallback", message: reason)
            }
            report.lost(reason: reason, instances: instances.count)
            retry.want()
        }
    }

    private mutating func read(_ subject: InventoryTask.Subject) async throws(LibvirtError) {
        switch subject {
        case .domain(let uuid): try await refreshDomain(uuid)
        case .network(let name): try await refreshNetwork(name)
        case .leases(let network): try await refreshLeases(of: network)
        }
    }

    /// Requests do not wait for another host that does not answer. For this host they do: they come from its guests.
    private func giveUpFirstReading() {
        guard !isComplete, !host.isLocal else { return }
        ledger.finishReading(host)
        ledger.publish()
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
            // A change meanwhile does not wait until all domains are read.
            for task in queue.drain() { try await perform(task, isSweeping: true) }
        }
        let known = Set(running.map(\.uuid))
        for domain in instances.keys where !known.contains(domain) {
            // A domain that started after the list was read is not in it, but runs.
            try await refreshDomain(domain)
        }
        isComplete = true
        ledger.finishReading(host)
        ledger.publish()
        retry.succeed()
        report.synchronised(instances: instances.count)
    }

    // MARK: Networks

    /// Reads all networks and their leases; their domains are read after that anyway.
    private mutating func readNetworks() async throws(LibvirtError) {
        let active: [NetworkDescription]
        do throws(LibvirtError) {
            active = try await hypervisor.networks()
        } catch {
            guard await hypervisor.isConnected else { throw error }
            // Domains are served without their networks too; the last facts of the networks stay in use.
            return report.unreadable(network: nil, error)
        }
        for name in networks.names where !active.contains(where: { $0.name == name }) { forgetNetwork(name) }
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
        // Domains that were read while the network was inactive have no network.
        for domain in domains(where: { $0.network?.name == name || $0.network == nil }) { try await refreshDomain(domain) }
    }

    /// A domain is assembled again only if its reading has changed, so the readings of domains on a changed network are dropped.
    private mutating func take(_ description: NetworkDescription) {
        do throws(DescriptionError) {
            let network = try NetworkXML(InstanceAssembly.document(Array(description.xml.utf8)).root)
            guard networks.update(network) else { return }
            setBridge(network.bridge, of: network.name)
            for domain in domains(where: { $0.network?.name == network.name || $0.network == nil }) { readings[domain] = nil }
        } catch {
            report.unusable(network: description.name, error)
        }
    }

    private mutating func forgetNetwork(_ name: String) {
        networks.remove(name)
        setBridge(nil, of: name)
        for domain in domains(where: { $0.network?.name == name }) { readings[domain] = nil }
    }

    /// The names of another host's bridges have no meaning on this host.
    private func setBridge(_ bridge: String?, of network: String) {
        if host.isLocal { ledger.withSnapshot { $0.bridges[network] = bridge } }
    }

    private func domains(where concerns: (NetworkInterface) -> Bool) -> [InstanceUUID] {
        instances.filter { $0.value.interfaces.contains(where: concerns) }.map(\.key)
    }

    // MARK: Leases

    private mutating func refreshLeases(of network: String) async throws(LibvirtError) {
        guard networks.areLeasesDue(of: network, at: clock.now) else { return }
        for mac in try await readLeases(of: network) {
            for domain in domains(bearing: mac) { try await refreshDomain(domain) }
        }
    }

    /// Reads the leases of a network and returns the MAC addresses whose IP address has changed.
    @discardableResult
    private mutating func readLeases(of network: String) async throws(LibvirtError) -> Set<MACAddress> {
        guard networks.hasLeases(network) else { return [] }
        networks.beginReadingLeases(of: network, at: clock.now)
        let read: [Lease]
        do throws(LibvirtError) {
            read = try await hypervisor.leases(network: network)
        } catch {
            guard await hypervisor.isConnected else { throw error }
            // Leases only complete addresses; no request waits for them.
            report.unreadable(network: network, error)
            return []
        }
        let changed = networks.replaceLeases(of: network, by: read)
        for mac in changed {
            for domain in domains(bearing: mac) { readings[domain] = nil }
        }
        return changed
    }

    /// Only this hypervisor's domains.
    private func domains(bearing mac: MACAddress) -> [InstanceUUID] {
        ledger.withSnapshot { $0.domains(bearing: mac) }.filter { instances[$0] != nil }
    }

    // MARK: One domain

    private mutating func refreshDomain(_ domain: InstanceUUID) async throws(LibvirtError) {
        let description: DomainDescription?
        do throws(LibvirtError) {
            description = try await hypervisor.domain(uuid: domain, edited: edited)
        } catch {
            guard await hypervisor.isConnected else { throw error }
            // Only this domain cannot be read now: it is busy, or larger than a message. Its last instance stays in use.
            return report.unreadable(domain, error)
        }
        guard let description else { return forget(domain) }
        let reading = description.hashValue
        guard readings[domain] != reading else { return }
        let isNew = instances[domain] == nil
        assemble(description, as: domain)
        readings[domain] = reading
        guard isNew, isComplete else { return }
        // A starting guest requests a DHCP address before it requests metadata.
        for network in Set(instances[domain]?.interfaces.compactMap(\.network?.name) ?? []) {
            queue.add(.read(.leases(network: network)))
        }
    }

    private mutating func assemble(_ description: DomainDescription, as domain: InstanceUUID) {
        let assembly = InstanceAssembly(
            networks: networks.networks, leases: networks.leases, defaults: defaults.value, readsBare: false)
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

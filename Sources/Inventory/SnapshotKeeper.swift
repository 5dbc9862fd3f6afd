import Common
import Description
import HashTreeCollections
import Libvirt
import Logging
import XML

/// Performs the inventory tasks of a hypervisor, one after the other: reads what changed, and publishes the resulting snapshot.
///
/// Members that are not private are for this type's own extension alone.
struct SnapshotKeeper<C: Clock> where C.Duration == Duration {
    /// The number of domains between two snapshots during the first reading, so that domains already read can be served.
    private static var publicationStep: Int { 256 }

    let hypervisor: Hypervisor
    let host: HostNumber
    private let edited: Bool
    let queue: TaskQueue
    let ledger: InventoryLedger
    private let defaults: CurrentDefaults
    let clock: C
    var report: InventoryReport
    private var retry = RetrySchedule()
    /// Whether libvirt has not answered a call in time since the last reading of everything began.
    private var wasLate = false
    /// Whether everything was read once.
    private var isComplete = false
    var networks = NetworkFacts<C.Instant>()
    /// The instances of this hypervisor's domains, whether the snapshot serves them or those of another host.
    var instances: TreeDictionary<InstanceUUID, Instance> = [:]
    /// The hash of each domain's last description, so that an unchanged domain is not assembled again.
    var readings: [InstanceUUID: Int] = [:]

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
        try await readFirst()
        switch subject {
        case .domain(let uuid), .attachedDomain(let uuid): try await refreshDomain(uuid)
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

    /// Where libvirt has not answered a call in time, everything is read again, each time after a longer delay.
    mutating func readLater(ifLate error: LibvirtError) {
        guard error.code == .operationTimeout else { return }
        wasLate = true
        retry.want()
    }

    // MARK: Everything

    private mutating func synchronise() async throws(LibvirtError) {
        if !(await hypervisor.isConnected) {
            try await hypervisor.connect()
            report.connected(without: await hypervisor.unavailableEvents)
        }
        wasLate = false
        try await readNetworks()
        let running = try await hypervisor.runningDomains()
        for (count, domain) in running.enumerated() {
            try await refreshDomain(domain.uuid)
            if count % Self.publicationStep == 0 { ledger.publish() }
            try await performWaitingTask()
        }
        let known = Set(running.map(\.uuid))
        for domain in instances.keys where !known.contains(domain) {
            // A domain that started after the list was read is not in it, but runs.
            try await refreshDomain(domain)
            try await performWaitingTask()
        }
        isComplete = true
        ledger.finishReading(host)
        ledger.publish()
        if !wasLate { retry.succeed() }
        report.synchronised(instances: instances.count)
    }

    /// Performs one task between two domains of a sweep: a change does not wait until all domains are read, and the sweep does not wait
    /// until no change is left, which may never happen.
    mutating func performWaitingTask() async throws(LibvirtError) {
        if let task = queue.next() { try await perform(task, isSweeping: true) }
    }

    // MARK: One domain

    /// Reads the domains that guests may be waiting for; before each other domain, so that many of them delay these by no more than one.
    mutating func readFirst() async throws(LibvirtError) {
        let domains = queue.drainFirst()
        for domain in domains { try await readDomain(domain) }
        if !domains.isEmpty { ledger.publish() }
    }

    private mutating func refreshDomain(_ domain: InstanceUUID) async throws(LibvirtError) {
        try await readFirst()
        try await readDomain(domain)
    }

    private mutating func readDomain(_ domain: InstanceUUID) async throws(LibvirtError) {
        // Before libvirt is asked: what it says holds for this moment, and perhaps not for a later one.
        let begin = ContinuousClock.now
        let description: DomainDescription?
        do throws(LibvirtError) {
            description = try await hypervisor.domain(uuid: domain, edited: edited)
        } catch {
            guard await hypervisor.isConnected else { throw error }
            // Only this domain cannot be read now: it is busy, or larger than a message. Its last instance stays in use. No event says that
            // libvirt could answer again.
            readLater(ifLate: error)
            return report.unreadable(domain, error)
        }
        guard let description else { return forget(domain) }
        let reading = description.hashValue
        guard readings[domain] != reading else {
            return ledger.withSnapshot { $0.confirm(domain, on: host, readAt: begin) }
        }
        let isNew = instances[domain] == nil
        assemble(description, as: domain, readAt: begin)
        readings[domain] = reading
        guard isNew, isComplete else { return }
        // A starting guest requests a DHCP address before it requests metadata.
        for network in Set(instances[domain]?.interfaces.compactMap(\.network?.name) ?? []) {
            queue.add(.read(.leases(network: network)))
        }
    }

    private mutating func assemble(
        _ description: DomainDescription, as domain: InstanceUUID, readAt begin: ContinuousClock.Instant
    ) {
        let assembly = InstanceAssembly(
            networks: networks.networks, leases: networks.leases, defaults: defaults.value, readsBare: false)
        do throws(DescriptionError) {
            let assembled = try assembly.assemble(
                Array(description.liveXML.utf8), edited: description.inactiveXML.map { Array($0.utf8) })
            instances[domain] = assembled.instance
            ledger.withSnapshot {
                $0.insert(assembled.instance, on: host, isPaused: description.isPaused, readAt: begin)
            }
            report.assembled(domain, named: description.name, findings: assembled.findings)
        } catch {
            instances[domain] = nil
            ledger.withSnapshot { $0.remove(domain, from: host) }
            report.unusable(domain, named: description.name, error)
        }
    }

    private mutating func forget(_ domain: InstanceUUID) {
        instances[domain] = nil
        ledger.withSnapshot { $0.remove(domain, from: host) }
        readings[domain] = nil
        report.forgotten(domain)
    }
}

import Common
import Libvirt
import Logging
import ServiceLifecycle

/// Follows a hypervisor: performs the inventory tasks from its events, timers and requests.
///
/// An event only names the changed object, which is then read again; at intervals everything is read, so that a lost event only delays
/// a change until then. While the hypervisor is unreachable, its last inventory is served.
struct HypervisorFollower<C: Clock>: Sendable where C.Duration == Duration {
    let uri: String
    let host: HostNumber
    let edited: Bool
    let sweepInterval: Duration
    let ledger: InventoryLedger
    let defaults: CurrentDefaults
    let clock: C
    let logger: Logger
    let health: HypervisorHealth
    private let queue = TaskQueue()

    init(
        uri: String, host: HostNumber, edited: Bool, sweepInterval: Duration, ledger: InventoryLedger,
        defaults: CurrentDefaults, clock: C, logger: Logger
    ) {
        (self.uri, self.host, self.edited, self.sweepInterval) = (uri, host, edited, sweepInterval)
        health = HypervisorHealth(uri: uri, host: host)
        (self.ledger, self.defaults, self.clock, self.logger) = (ledger, defaults, clock, logger)
    }

    func wantLeases(of network: LibvirtName) {
        queue.add(.read(.leases(network: network)))
    }

    func reread(_ domain: InstanceUUID) {
        queue.add(.read(.domain(domain)))
    }

    func rereadFirst(_ domains: Set<InstanceUUID>) {
        queue.addFirst(domains)
    }

    func reassemble() {
        queue.add(.reassemble)
    }

    /// Follows until the task is cancelled or a graceful shutdown begins.
    func run() async {
        let hypervisor = Hypervisor(uri: uri) { [queue] in queue.add(InventoryTask($0)) }
        await cancelWhenGracefulShutdown { await follow(hypervisor) }
        await hypervisor.disconnect()
    }

    private func follow(_ hypervisor: Hypervisor) async {
        var keeper = SnapshotKeeper(
            hypervisor: hypervisor, host: host, edited: edited, queue: queue, ledger: ledger, defaults: defaults,
            clock: clock,
            report: InventoryReport(uri: uri, isLocal: host.isLocal, health: health, logger: logger))
        await withDiscardingTaskGroup { timers in
            queue.add(.synchronise)
            timers.addTask { await repeatSweep() }
            for await _ in queue.signals {
                while !Task.isCancelled, let task = queue.next() {
                    await keeper.run(task)
                    guard let delay = keeper.takeRetryDelay() else { continue }
                    timers.addTask { await add(.retry, after: delay) }
                }
            }
            timers.cancelAll()
        }
    }

    private func repeatSweep() async {
        while !Task.isCancelled { await add(.synchronise, after: sweepInterval) }
    }

    private func add(_ task: InventoryTask, after delay: Duration) async {
        // The only error is cancellation, and then nothing must be added.
        guard (try? await clock.sleep(for: delay)) != nil else { return }
        queue.add(task)
    }
}

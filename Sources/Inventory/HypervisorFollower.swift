import Common
import Libvirt
import Logging
import ServiceLifecycle

/// Follows one hypervisor: has done what its events, its own timers and guests give it to do.
///
/// Events say *that* something changed, and the domain is read again; now and then everything is, so that a lost event costs no
/// more than that time. While the hypervisor is away, what was last known of it stands.
struct HypervisorFollower<C: Clock>: Sendable where C.Duration == Duration {
    let uri: String
    /// Whose hypervisor it is.
    let host: HostNumber
    let edited: Bool
    let sweepInterval: Duration
    let ledger: InventoryLedger
    let defaults: CurrentDefaults
    let clock: C
    let logger: Logger
    let health: HypervisorHealth
    private let errands = ErrandQueue()

    init(
        uri: String, host: HostNumber, edited: Bool, sweepInterval: Duration, ledger: InventoryLedger,
        defaults: CurrentDefaults, clock: C, logger: Logger
    ) {
        (self.uri, self.host, self.edited, self.sweepInterval) = (uri, host, edited, sweepInterval)
        health = HypervisorHealth(uri: uri, host: host)
        (self.ledger, self.defaults, self.clock, self.logger) = (ledger, defaults, clock, logger)
    }

    func wantLeases(of network: String) {
        errands.add(.leases(network: network))
    }

    func reread(_ domain: InstanceUUID) {
        errands.add(.domain(uuid: domain.description))
    }

    func reassemble() {
        errands.add(.reassemble)
    }

    /// Follows until the task is cancelled or a graceful shutdown begins.
    func run() async {
        let errands = self.errands
        let hypervisor = Hypervisor(uri: uri) { errands.add(Errand($0)) }
        await cancelWhenGracefulShutdown { await follow(hypervisor) }
        await hypervisor.disconnect()
    }

    private func follow(_ hypervisor: Hypervisor) async {
        var keeper = SnapshotKeeper(
            hypervisor: hypervisor, host: host, edited: edited, errands: errands, ledger: ledger, defaults: defaults,
            clock: clock,
            report: InventoryReport(uri: uri, isLocal: host.isLocal, health: health, logger: logger))
        await withDiscardingTaskGroup { timers in
            errands.add(.synchronise)
            timers.addTask { await repeatSweep() }
            for await _ in errands.signals {
                for errand in errands.drain() { await keeper.run(errand) }
                if let delay = keeper.takeRetryDelay() {
                    timers.addTask { await add(.retry, after: delay) }
                }
            }
            timers.cancelAll()
        }
    }

    private func repeatSweep() async {
        while !Task.isCancelled { await add(.synchronise, after: sweepInterval) }
    }

    private func add(_ errand: Errand, after delay: Duration) async {
        // The only error is that the task is cancelled, and then nothing is to be added.
        guard (try? await clock.sleep(for: delay)) != nil else { return }
        errands.add(errand)
    }
}

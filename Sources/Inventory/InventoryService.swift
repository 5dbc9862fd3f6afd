public import Common
import Libvirt
public import Logging
public import ServiceLifecycle

/// Keeps the published snapshot true to the hypervisor: the only writer of the board.
///
/// Events say *that* something changed, and the domain is read again; now and then everything is, so that a lost event costs no
/// more than that time. While the hypervisor is away the last snapshot stands.
public struct InventoryService<C: Clock>: Service where C.Duration == Duration {
    private let uri: String
    private let edited: Bool
    private let sweepInterval: Duration
    private let board: SnapshotBoard
    private let clock: C
    private let logger: Logger
    private let errands = ErrandQueue()

    /// An inventory of one hypervisor.
    ///
    /// - Parameters:
    ///   - uri: libvirt's URI of it (https://libvirt.org/uri.html); the connection is read-only.
    ///   - edited: whether title and metadata come from the definition for the next start.
    ///   - sweepInterval: how often everything is read again.
    ///   - board: where the snapshots are published.
    public init(uri: String, edited: Bool, sweepInterval: Duration, board: SnapshotBoard, clock: C, logger: Logger) {
        (self.uri, self.edited, self.sweepInterval) = (uri, edited, sweepInterval)
        (self.board, self.clock, self.logger) = (board, clock, logger)
    }

    /// Says that somebody needs the addresses that a network's DHCP server gave; they are read again, though not more often than
    /// once in five seconds.
    public func wantLeases(of network: String) {
        errands.add(.leases(network: network))
    }

    /// Says that a domain was changed, so that the change shows without waiting for an event.
    public func reread(_ domain: InstanceUUID) {
        errands.add(.domain(uuid: domain.description))
    }

    /// Follows the hypervisor until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        let errands = self.errands
        let hypervisor = Hypervisor(uri: uri) { errands.add(Errand($0)) }
        await cancelWhenGracefulShutdown { await follow(hypervisor) }
        await hypervisor.disconnect()
    }

    private func follow(_ hypervisor: Hypervisor) async {
        var keeper = SnapshotKeeper(
            hypervisor: hypervisor, edited: edited, errands: errands, board: board, clock: clock,
            report: InventoryReport(uri: uri, logger: logger))
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

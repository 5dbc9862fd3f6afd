public import Common
public import Logging
public import ServiceLifecycle

/// Keeps the published snapshot true to the hypervisors: the only writer of the board.
///
/// Each hypervisor is followed by a task of its own, so that one that is slow or away is of no concern to the others.
public struct InventoryService<C: Clock>: Service where C.Duration == Duration {
    private let followers: [HypervisorFollower<C>]
    private let defaults: CurrentDefaults

    /// An inventory of one or more hypervisors.
    ///
    /// - Parameters:
    ///   - uris: libvirt's URIs of them (https://libvirt.org/uri.html), at least one and each once; the first is this host's. The
    ///     connections are read-only.
    ///   - edited: whether title and metadata come from the definition for the next start.
    ///   - defaults: what instances say whose operators have left it out.
    ///   - sweepInterval: how often everything is read again.
    ///   - board: where the snapshots are published.
    public init(
        uris: [String], edited: Bool, defaults: InstanceDefaults = InstanceDefaults(), sweepInterval: Duration,
        board: SnapshotBoard, clock: C, logger: Logger
    ) {
        let current = CurrentDefaults(defaults)
        self.defaults = current
        let ledger = InventoryLedger(hosts: uris.count, board: board)
        followers = uris.enumerated().map { number, uri in
            var logger = logger
            // Of several, each line says which it is about.
            if uris.count > 1 { logger[metadataKey: "hypervisor.uri"] = "\(uri)" }
            return HypervisorFollower(
                uri: uri, host: HostNumber(number), edited: edited, sweepInterval: sweepInterval, ledger: ledger,
                defaults: current, clock: clock, logger: logger)
        }
    }

    /// How it stands with the hypervisors, in their order.
    public var hypervisors: [HypervisorStatus] { followers.map(\.health.status) }

    /// Says that somebody needs the addresses that a network's DHCP server gave; they are read again, though not more often than
    /// once in five seconds.
    public func wantLeases(of network: String, on host: HostNumber) {
        guard followers.indices.contains(host.index) else { return }
        followers[host.index].wantLeases(of: network)
    }

    /// Says that a domain of a host was changed, so that the change shows without waiting for an event.
    public func reread(_ domain: InstanceUUID, on host: HostNumber) {
        guard followers.indices.contains(host.index) else { return }
        followers[host.index].reread(domain)
    }

    /// Puts other defaults in the place of those that there were, and every instance together again.
    public func replaceDefaults(by new: InstanceDefaults) {
        guard defaults.replace(by: new) else { return }
        for follower in followers { follower.reassemble() }
    }

    /// Follows the hypervisors until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        await withDiscardingTaskGroup { tasks in
            for follower in followers { tasks.addTask { await follower.run() } }
        }
    }
}

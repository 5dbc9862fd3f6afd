package import Common
package import Description
package import Logging
import ServiceLifecycle

/// Keeps the published snapshot in sync with the hypervisors: the only writer of the board.
///
/// Each hypervisor is followed by a task of its own, so that a slow or unreachable one delays no other.
package struct InventoryService<C: Clock>: Service where C.Duration == Duration {
    private let followers: [HypervisorFollower<C>]
    private let defaults: CurrentDefaults

    /// An inventory of one or more hypervisors.
    ///
    /// - Parameters:
    ///   - uris: libvirt's connection URIs (https://libvirt.org/uri.html), at least one and each once; the first is this host's. The
    ///     connections are read-only.
    ///   - edited: whether to read title and metadata from the definition for the next start.
    ///   - defaults: values for elements that a domain's XML lacks.
    ///   - sweepInterval: how often everything is read again.
    ///   - board: where the snapshots are published.
    package init(
        uris: [String], edited: Bool, defaults: InstanceDefaults = InstanceDefaults(), sweepInterval: Duration,
        board: SnapshotBoard, clock: C, logger: Logger
    ) {
        let current = CurrentDefaults(defaults)
        self.defaults = current
        let ledger = InventoryLedger(hosts: uris.count, board: board)
        followers = uris.enumerated().map { number, uri in
            var logger = logger
            // With several hypervisors, each log line names its hypervisor.
            if uris.count > 1 { logger[metadataKey: "hypervisor.uri"] = "\(uri)" }
            return HypervisorFollower(
                uri: uri, host: HostNumber(number), edited: edited, sweepInterval: sweepInterval, ledger: ledger,
                defaults: current, clock: clock, logger: logger)
        }
    }

    /// The state of the connections, in the order of the hypervisors.
    package var hypervisors: [HypervisorStatus] { followers.map(\.health.status) }

    /// Reads a network's DHCP leases again, because a request needs an address; at most once in five seconds.
    package func wantLeases(of network: LibvirtName, on host: HostNumber) {
        guard followers.indices.contains(host.index) else { return }
        followers[host.index].wantLeases(of: network)
    }

    /// Reads a changed domain of a host again, so that the change takes effect without waiting for an event.
    package func reread(_ domain: InstanceUUID, on host: HostNumber) {
        guard followers.indices.contains(host.index) else { return }
        followers[host.index].reread(domain)
    }

    /// Reads domains of this host again before everything else, because links have appeared that may be their taps.
    package func rereadFirst(_ domains: Set<InstanceUUID>) {
        followers.first?.rereadFirst(domains)
    }

    /// Replaces the defaults, and assembles every instance again.
    package func replaceDefaults(by new: InstanceDefaults) {
        guard defaults.replace(by: new) else { return }
        for follower in followers { follower.reassemble() }
    }

    /// Follows the hypervisors until the task is cancelled or a graceful shutdown begins.
    package func run() async throws {
        await withDiscardingTaskGroup { tasks in
            for follower in followers { tasks.addTask { await follower.run() } }
        }
    }
}

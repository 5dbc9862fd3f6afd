package import Common

/// An event to report besides the reply.
package enum Note: Sendable {
    case tokenIssued
    /// An instance has networks whose leases would supply addresses that no other source has.
    case leasesWanted(Instance, on: HostNumber)
    /// A guest tried to set a password where that is not enabled.
    case passwordRefused(Instance)
    /// A request is answered although its client is matched to no instance.
    indirect case unmatched(Doubt)
}

/// The receivers of events about guests' requests: counters, journal, log and inventory. No reply depends on them.
package struct GuestEvents: Sendable {
    /// Counts what is answered.
    package let watch: RequestWatch
    private let board: SnapshotBoard
    private let passwords: GuestPasswords
    private let onUnmatched: @Sendable (Client, MatchFailure) -> Void
    private let wantLeases: @Sendable (_ network: LibvirtName, _ host: HostNumber) -> Void

    /// - Parameters:
    ///   - onUnmatched: called for each client that is matched to no instance, with the reason.
    ///   - wantLeases: called for each network whose leases would supply an address, with the host that it is on.
    package init(
        watch: RequestWatch, board: SnapshotBoard, passwords: GuestPasswords,
        onUnmatched: @escaping @Sendable (Client, MatchFailure) -> Void,
        wantLeases: @escaping @Sendable (_ network: LibvirtName, _ host: HostNumber) -> Void
    ) {
        (self.watch, self.board, self.passwords) = (watch, board, passwords)
        (self.onUnmatched, self.wantLeases) = (onUnmatched, wantLeases)
    }

    package func note(_ note: Note) {
        switch note {
        case .tokenIssued: watch.metrics.tokenIssued()
        case .leasesWanted(let instance, let host):
            for network in instance.networksWithUnknownAddresses { wantLeases(network, host) }
        case .passwordRefused(let instance): passwords.logRefusal(for: instance)
        case .unmatched(let doubt):
            // Until all domains are known, an unmatched client is not worth a log line.
            if board.snapshot.isComplete(for: doubt.client) { onUnmatched(doubt.client, doubt.reason) }
        }
    }
}

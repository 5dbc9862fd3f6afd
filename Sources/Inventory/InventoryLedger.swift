import Common

/// The inventory as its writers have it, one for each hypervisor, who take turns: what one has changed is in the next snapshot that
/// any of them publishes.
///
/// Readers never wait for its lock: they have the board's.
final class InventoryLedger: Sendable {
    private struct Draft {
        var snapshot = Snapshot()
        var unread: Set<HostNumber>
    }

    private let draft: Locked<Draft>
    private let board: SnapshotBoard

    /// A ledger in which nothing stands.
    ///
    /// - Parameter hosts: how many hypervisors there are, the local one among them.
    init(hosts: Int, board: SnapshotBoard) {
        var draft = Draft(unread: Set((0..<hosts).map { HostNumber($0) }))
        draft.snapshot.isRemoteComplete = hosts <= 1
        self.draft = Locked(draft)
        self.board = board
    }

    /// Reads or changes what stands; one at a time, and for as long as one domain takes.
    func withSnapshot<Value: Sendable>(_ body: (inout Snapshot) -> Value) -> Value {
        draft.withLock { body(&$0.snapshot) }
    }

    /// Puts what stands up on the board.
    func publish() {
        // Under the lock, or an older one could be put up over a newer.
        draft.withLock { board.publish($0.snapshot) }
    }

    /// Notes that a hypervisor has been read, or that nobody is to wait until it is.
    func finishReading(_ host: HostNumber) {
        draft.withLock { draft in
            guard draft.unread.remove(host) != nil else { return }
            draft.snapshot.isLocalComplete = !draft.unread.contains(.local)
            draft.snapshot.isRemoteComplete = draft.unread.allSatisfy(\.isLocal)
        }
    }
}

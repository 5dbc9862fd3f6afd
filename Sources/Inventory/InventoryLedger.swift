import Common

/// The inventory's draft, shared by one writer for each hypervisor: a change of one is part of the next snapshot that any of them
/// publishes.
///
/// Readers never wait for its lock: they use the board's.
final class InventoryLedger: Sendable {
    private struct Draft {
        var snapshot = Snapshot()
        var unread: Set<HostNumber>
    }

    private let draft: Locked<Draft>
    private let board: SnapshotBoard

    /// - Parameter hosts: how many hypervisors there are, the local one among them.
    init(hosts: Int, board: SnapshotBoard) {
        var draft = Draft(unread: Set((0..<hosts).map { HostNumber($0) }))
        draft.snapshot.isRemoteComplete = hosts <= 1
        self.draft = Locked(draft)
        self.board = board
    }

    /// Reads or changes the draft; one writer at a time, and no longer than for one domain.
    func withSnapshot<Value: Sendable>(_ body: (inout Snapshot) -> Value) -> Value {
        draft.withLock { body(&$0.snapshot) }
    }

    func publish() {
        // With the lock held, because otherwise an older draft could replace a newer one on the board.
        draft.withLock { board.publish($0.snapshot) }
    }

    /// Records that a hypervisor has been read, or that requests must no longer wait for it.
    func finishReading(_ host: HostNumber) {
        draft.withLock { draft in
            guard draft.unread.remove(host) != nil else { return }
            draft.snapshot.isLocalComplete = !draft.unread.contains(.local)
            draft.snapshot.isRemoteComplete = draft.unread.allSatisfy(\.isLocal)
        }
    }
}

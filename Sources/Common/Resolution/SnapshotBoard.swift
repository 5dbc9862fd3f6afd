internal import Synchronization

/// Where the newest snapshot hangs: one writer puts it up, every reader takes a copy.
public final class SnapshotBoard: Sendable {
    private let current = Mutex(Snapshot())

    /// A board with the empty snapshot.
    public init() {}

    /// The newest snapshot; the lock is held for one copy.
    public var snapshot: Snapshot { current.withLock { $0 } }

    /// Puts up a newer one.
    public func publish(_ snapshot: Snapshot) { current.withLock { $0 = snapshot } }
}

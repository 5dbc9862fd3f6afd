/// Where the newest snapshot hangs: one writer puts it up, every reader takes a copy.
public final class SnapshotBoard: Sendable {
    private let current = Locked(Snapshot())
    private let observers = Locked<[@Sendable () -> Void]>([])

    /// A board with the empty snapshot.
    public init() {}

    /// The newest snapshot; the lock is held for one copy.
    public var snapshot: Snapshot { current.withLock { $0 } }

    /// Puts up a newer one, and tells those who asked to be told.
    public func publish(_ snapshot: Snapshot) {
        current.withLock { $0 = snapshot }
        for observer in observers.withLock({ $0 }) { observer() }
    }

    /// Has a function called after each publication, by the writer, which waits for it: it is to say no more than that there is
    /// something new.
    public func observe(_ observer: @escaping @Sendable () -> Void) {
        observers.withLock { $0.append(observer) }
    }
}

/// The current snapshot: written by the inventory, copied by every reader.
package final class SnapshotBoard: Sendable {
    private let current = Locked(Snapshot())
    private let observers = Locked<[@Sendable () -> Void]>([])

    package init() {}

    /// The current snapshot; reading holds the lock for one copy.
    package var snapshot: Snapshot { current.withLock { $0 } }

    /// Replaces the snapshot and notifies the observers.
    package func publish(_ snapshot: Snapshot) {
        current.withLock { $0 = snapshot }
        for observer in observers.withLock({ $0 }) { observer() }
    }

    /// Registers a function that the writer calls synchronously after each publication; it must only signal that there is a newer
    /// snapshot.
    package func observe(_ observer: @escaping @Sendable () -> Void) {
        observers.withLock { $0.append(observer) }
    }
}

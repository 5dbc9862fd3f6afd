import Common

/// The waiting inventory tasks, each once however often it was added, in the order of first addition.
///
/// Its only reader is the task that follows the hypervisor; any thread may add, without waiting. Its size is limited by the hypervisor's
/// objects: a task for each domain and network, and a few for everything.
final class TaskQueue: Sendable {
    private let waiting = Locked<(order: [InventoryTask], known: Set<InventoryTask>)>(([], []))
    private let wake: AsyncStream<Void>.Continuation
    /// Yields whenever something has been added since the last yield.
    let signals: AsyncStream<Void>

    init() {
        (signals, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ task: InventoryTask) {
        waiting.withLock { if $0.known.insert(task).inserted { $0.order.append(task) } }
        wake.yield()
    }

    /// Removes and returns all waiting tasks.
    func drain() -> [InventoryTask] {
        waiting.withLock { waiting in
            defer { waiting = ([], []) }
            return waiting.order
        }
    }
}

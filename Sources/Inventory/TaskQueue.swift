import Common

/// The waiting inventory tasks, each once however often it was added.
///
/// Changed domains and all other tasks wait in two lines, each in the order of first addition, and the lines take turns: a domain that
/// starts does not wait until all changes of networks are read, nor a network until all changes of domains are. Otherwise a user who may
/// define networks could delay the metadata of starting guests. Domains that guests may be waiting for are taken by each task before its own
/// work, and not by themselves as long as others wait: whoever makes taps without end would keep those from their turn.
///
/// Its only reader is the task that follows the hypervisor; any thread may add, without waiting. Its size is limited by the hypervisor's
/// objects: two tasks for each domain and network, and a few for everything.
final class TaskQueue: Sendable {
    private struct Line {
        private var arrived: [InventoryTask] = []
        /// The next one last.
        private var leaving: [InventoryTask] = []
        private var known: Set<InventoryTask> = []

        mutating func add(_ task: InventoryTask) {
            if known.insert(task).inserted { arrived.append(task) }
        }

        mutating func next() -> InventoryTask? {
            if leaving.isEmpty { (leaving, arrived) = (arrived.reversed(), []) }
            return leaving.popLast().flatMap { known.remove($0) }
        }
    }

    private struct Lines {
        var first: Set<InstanceUUID> = []
        var domains = Line()
        var others = Line()
        var isDomainsTurn = false

        mutating func next() -> InventoryTask? {
            isDomainsTurn.toggle()
            let next = isDomainsTurn ? domains.next() ?? others.next() : others.next() ?? domains.next()
            return next ?? first.popFirst().map { .read(.domain($0)) }
        }
    }

    private let waiting = Locked(Lines())
    private let wake: AsyncStream<Void>.Continuation
    /// Yields whenever something has been added since the last yield.
    let signals: AsyncStream<Void>

    init() {
        (signals, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ task: InventoryTask) {
        waiting.withLock { lines in
            if case .read(.domain) = task { lines.domains.add(task) } else { lines.others.add(task) }
        }
        wake.yield()
    }

    /// Adds the reading of domains before all other tasks.
    func addFirst(_ domains: Set<InstanceUUID>) {
        waiting.withLock { $0.first.formUnion(domains) }
        wake.yield()
    }

    /// Removes and returns a waiting task.
    func next() -> InventoryTask? { waiting.withLock { $0.next() } }

    /// Removes and returns the domains to read first.
    func drainFirst() -> Set<InstanceUUID> {
        waiting.withLock { waiting in
            defer { waiting.first = [] }
            return waiting.first
        }
    }
}

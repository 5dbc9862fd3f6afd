import Common
import Dispatch
import Sockets

/// One thread that serves guests.
final class GuestThread: Sendable {
    private struct Queue {
        var tasks: [GuestLoop.Task] = []
        var isEnded = false
    }

    private let poller: Poller
    private let queue = Locked(Queue())

    /// Starts a thread, which runs until it is ended.
    ///
    /// - Parameter number: of the thread, from 0; its name in a debugger has it.
    /// - Throws: `KernelError`.
    init(number: Int, rules: ServingRules) throws(KernelError) {
        poller = try Poller()
        DispatchQueue(label: "guests-\(number)").async { self.run(rules) }
    }

    /// Has a task run by the thread.
    ///
    /// - Returns: whether it is; after the end it is not.
    @discardableResult
    func execute(_ task: @escaping GuestLoop.Task) -> Bool {
        let isTaken = queue.withLock { queue in
            if !queue.isEnded { queue.tasks.append(task) }
            return !queue.isEnded
        }
        if isTaken { poller.wake() }
        return isTaken
    }

    /// Ends the thread with all of its connections.
    func end() {
        queue.withLock { $0.isEnded = true }
        poller.wake()
    }

    private func run(_ rules: ServingRules) {
        let loop = GuestLoop(rules: rules, poller: poller) { [weak self] in _ = self?.execute($0) }
        while true {
            var (tasks, isEnded) = queue.withLock { queue in
                defer { queue.tasks = [] }
                return (Array(queue.tasks.reversed()), queue.isEnded)
            }
            // Each is gone once it has run: that which adds a listener has its socket, which accepts connections for as long as it is there.
            while let task = tasks.popLast() { task(loop) }
            if isEnded { return loop.end() }
            loop.turn()
        }
    }
}

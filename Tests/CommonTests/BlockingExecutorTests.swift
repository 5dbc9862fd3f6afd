import Common
import Dispatch
import Synchronization
import Testing

struct BlockingExecutorTests {
    /// An actor whose only call blocks, as those to libvirt and to the kernel do.
    private actor Blocked {
        private let executor = BlockingExecutor(label: "blocked")

        nonisolated var unownedExecutor: UnownedSerialExecutor {
            // Safe: the executor lives as long as this actor, which holds it in a constant.
            unsafe executor.asUnownedSerialExecutor()
        }

        /// Whether the signal arrived within ten seconds.
        func wait(for signal: DispatchSemaphore, _ waiting: Counter) -> Bool {
            waiting.value.add(1, ordering: .relaxed)
            return signal.wait(timeout: .now() + 10) == .success
        }
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    @Test func `blocking actors do not delay other tasks`() async {
        // More than the cooperative pool has threads on test machines, and fewer than the threads that Dispatch creates for
        // blocked queues.
        let count = 100
        let (signal, waiting) = (DispatchSemaphore(value: 0), Counter())
        let released = await withTaskGroup { tasks in
            for _ in 0..<count { tasks.addTask { await Blocked().wait(for: signal, waiting) } }
            // All actors block, and this task continues.
            while waiting.value.load(ordering: .relaxed) < count { await Task.yield() }
            for _ in 0..<count { signal.signal() }
            return await tasks.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(released == count)
    }
}

import Common
import Inventory
import Logging
import TestSupport
import Testing

/// The inventory without a hypervisor; `SystemTests` test it with one.
@Suite struct InventoryServiceTests {
    @Test func `without a hypervisor one attempt follows the other with growing delays`() async throws {
        let clock = NotingClock()
        let sweep = Duration.milliseconds(20)
        let board = SnapshotBoard()
        let inventory = InventoryService(
            uris: ["test+unix:///default?socket=/nonexistent/libvirt-sock"], edited: false, sweepInterval: sweep, board: board,
            clock: clock, logger: Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup { group in
            group.addTask { try await inventory.run() }
            // The sweep and the next attempt: with both asleep nothing else goes on.
            for _ in 0..<200 { try await clock.wakeFirst(of: 2) }
            group.cancelAll()
        }
        let retries = clock.noted.filter { $0 > .milliseconds(100) }
        #expect(clock.noted.count - retries.count > 50, "the sweep has failed many times")
        #expect(retries.count >= 3, "\(retries)")
        #expect(zip(retries, retries.dropFirst()).allSatisfy { $0 < $1 })
        #expect(!board.snapshot.isComplete)
    }
}

/// A clock whose time passes only when a test wakes a sleeper, and that notes how long each wanted to sleep.
private final class NotingClock: Clock {
    typealias Instant = ContinuousClock.Instant

    private struct State {
        var now = ContinuousClock.now
        var noted: [Duration] = []
        var asleep: [Int: (until: Instant, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var slept = 0
    }

    private let state = Locked(State())

    var noted: [Duration] { state.withLock(\.noted) }
    var now: Instant { state.withLock(\.now) }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let number = state.withLock { state in
            state.slept += 1
            state.noted.append(state.now.duration(to: deadline))
            return state.slept
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                state.withLock { $0.asleep[number] = (deadline, continuation) }
                if Task.isCancelled { wake(number, throwing: CancellationError()) }
            }
        } onCancel: {
            wake(number, throwing: CancellationError())
        }
    }

    /// Waits until so many are asleep, and wakes the one whose time comes first, at that time.
    func wakeFirst(of count: Int) async throws {
        let areAsleep = try await eventually(every: .milliseconds(1)) { state.withLock { $0.asleep.count } >= count }
        try #require(areAsleep, "there are not \(count) who sleep")
        let first = state.withLock { state in
            let first = state.asleep.min { $0.value.until < $1.value.until }
            if let first { state.now = max(state.now, first.value.until) }
            return first?.key
        }
        if let first { wake(first) }
    }

    private func wake(_ number: Int, throwing error: (any Error)? = nil) {
        let sleeper = state.withLock { $0.asleep.removeValue(forKey: number) }
        if let error { sleeper?.continuation.resume(throwing: error) } else { sleeper?.continuation.resume() }
    }
}

import Common
import Inventory
import Logging
import Testing

/// The inventory over a hypervisor that is not there; with one that is, `SystemTests` show it whole.
@Suite struct InventoryServiceTests {
    @Test func `while the hypervisor is away one attempt follows the other, ever later`() async throws {
        let clock = NotingClock()
        let sweep = Duration.milliseconds(20)
        let board = SnapshotBoard()
        let inventory = InventoryService(
            uris: ["test+unix:///default?socket=/nonexistent/libvirt-sock"], edited: false, sweepInterval: sweep, board: board,
            clock: clock, logger: Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup { group in
            group.addTask { try await inventory.run() }
            try await Task.sleep(for: .milliseconds(1200))
            group.cancelAll()
        }
        let retries = clock.noted.filter { $0 > .milliseconds(100) }
        #expect(clock.noted.count - retries.count > 5, "the sweep has failed several times")
        #expect(!retries.isEmpty && retries.count <= 4, "\(retries)")
        #expect(zip(retries, retries.dropFirst()).allSatisfy { $0 < $1 })
        #expect(!board.snapshot.isComplete)
    }
}

/// The continuous clock, which notes how long somebody wanted to sleep.
private final class NotingClock: Clock {
    typealias Instant = ContinuousClock.Instant

    private let sleeps = Locked<[Duration]>([])

    var noted: [Duration] { sleeps.withLock { $0 } }
    var now: Instant { ContinuousClock.now }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let wanted = now.duration(to: deadline)
        sleeps.withLock { $0.append(wanted) }
        try await ContinuousClock().sleep(until: deadline, tolerance: tolerance)
    }
}

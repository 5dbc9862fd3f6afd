import Common
import TestSupport
import Testing

@testable import Server

struct MemoryUpkeepTests {
    @Test func `memory is returned ten seconds after the start, and then with each interval`() async throws {
        let clock = PacedClock(rate: 100)
        let times = Locked<[PacedClock.Instant]>([])
        let start = clock.now
        let upkeep = MemoryUpkeep(interval: .seconds(30), clock: clock) { times.withLock { $0.append(clock.now) } }
        let running = Task { try await upkeep.run() }
        defer { running.cancel() }
        #expect(try await eventually(every: .milliseconds(5)) { times.withLock { $0.count } >= 3 })
        let (first, second, third) = times.withLock { ($0[0], $0[1], $0[2]) }
        #expect(start.duration(to: first) >= .seconds(10))
        #expect(first.duration(to: second) >= .seconds(30) && second.duration(to: third) >= .seconds(30))
    }

    @Test func `a long interval does not delay the first round`() async throws {
        let given = Locked(0)
        let upkeep = MemoryUpkeep(interval: .seconds(36_000), clock: PacedClock(rate: 100)) { given.withLock { $0 += 1 } }
        let running = Task { try await upkeep.run() }
        defer { running.cancel() }
        #expect(try await eventually(every: .milliseconds(5)) { given.withLock { $0 } == 1 })
    }
}

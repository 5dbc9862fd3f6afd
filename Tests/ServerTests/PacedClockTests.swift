import Identity
import Testing

@testable import Server

/// The clock of the server's own timers.
struct PacedClockTests {
    @Test func `at rate 1 it is the steady clock`() async throws {
        let clock = PacedClock()
        let before = ContinuousClock.now
        let now = clock.now
        #expect(before <= now && now <= .now)
        try await clock.sleep(for: .milliseconds(20))
        #expect(now.duration(to: .now) >= .milliseconds(20))
    }

    @Test func `at another rate that many of its seconds pass in one`() async throws {
        let clock = PacedClock(rate: 1000)
        let (before, start) = (ContinuousClock.now, clock.now)
        try await clock.sleep(for: .seconds(50))
        let (after, end) = (ContinuousClock.now, clock.now)
        #expect(start.duration(to: end) >= .seconds(50))
        let passed = before.duration(to: after)
        #expect(passed >= .milliseconds(50))
        #expect(start.duration(to: end) <= (before.duration(to: .now)) * 1000)
        #expect(passed < .seconds(25), "it did not sleep for 50 s of the steady clock")
    }

    @Test func `an instant that has passed is not waited for`() async throws {
        let clock = PacedClock(rate: 1000)
        let before = ContinuousClock.now
        try await clock.sleep(until: clock.now - .seconds(3600), tolerance: nil)
        #expect(before.duration(to: .now) < .seconds(3))
    }

    @Test func `a sleeper that is cancelled is woken`() async throws {
        let sleeper = Task { try await PacedClock(rate: 2).sleep(for: .seconds(3600)) }
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
    }

    @Test func `tokens expire at the same rate`() async throws {
        let clock = PacedClock(rate: 1000)
        let tokens = clock.tokens
        let start = tokens.now
        #expect(abs(start - TokenClock().now) < 3600, "it begins with the system's time")
        try await clock.sleep(for: .seconds(20))
        #expect(tokens.now >= start + 19)
        #expect(abs(PacedClock().tokens.now - TokenClock().now) < 60)
    }
}

import Identity
import Synchronization
import Testing

@Suite struct TokenClockTests {
    /// Two clocks that a test sets.
    private final class Clocks: Sendable {
        let wall = Atomic<Int64>(0)
        let steady = Atomic<Int64>(0)

        var tokenClock: TokenClock {
            TokenClock(wall: { self.wall.load(ordering: .relaxed) }, steady: { self.steady.load(ordering: .relaxed) })
        }

        func set(wall: Int64, steady: Int64) {
            self.wall.store(wall, ordering: .relaxed)
            self.steady.store(steady, ordering: .relaxed)
        }
    }

    @Test func `it follows the wall clock, also where that is set forwards`() {
        let clocks = Clocks()
        let clock = clocks.tokenClock
        clocks.set(wall: 1000, steady: 5)
        #expect(clock.now == 1000)
        clocks.set(wall: 1010, steady: 15)
        #expect(clock.now == 1010)
        clocks.set(wall: 9000, steady: 16)
        #expect(clock.now == 9000)
    }

    @Test func `it does not go back where the wall clock is set back, and goes on`() {
        let clocks = Clocks()
        let clock = clocks.tokenClock
        clocks.set(wall: 9000, steady: 100)
        #expect(clock.now == 9000)
        clocks.set(wall: 10, steady: 101)
        #expect(clock.now == 9001)
        clocks.set(wall: 3610, steady: 3701)
        #expect(clock.now == 12_601)
    }

    @Test func `the system's clock is the time since 1970`() {
        #expect(TokenClock().now > 1_700_000_000)
    }
}

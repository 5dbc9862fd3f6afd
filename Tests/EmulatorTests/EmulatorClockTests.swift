import Common
import TestSupport
import Testing

@testable import Emulator

@Suite struct EmulatorClockTests {
    @Test func `a stepped clock calls what is due, in order, each at its moment`() {
        let clock = ManualClock(startOfDay: 100)
        let calls = Locked<[String]>([])
        let note = { @Sendable (name: String) in calls.withLock { $0.append("\(name) \(clock.elapsed.inSeconds)") } }
        clock.schedule(at: .seconds(3)) { note("c") }
        clock.schedule(at: .seconds(1)) {
            note("a")
            clock.schedule(after: .seconds(1)) { note("b") }
        }
        let cancelled = clock.schedule(at: .seconds(2)) { note("never") }
        cancelled.cancel()
        clock.advance(by: .milliseconds(500))
        #expect(calls.withLock { $0 } == [])
        clock.advance(by: .seconds(2))
        #expect(calls.withLock { $0 } == ["a 1.0", "b 2.0"])
        clock.advance(by: .seconds(2))
        #expect(calls.withLock { $0 } == ["a 1.0", "b 2.0", "c 3.0"])
        #expect(clock.elapsed == .milliseconds(4500) && clock.wallTime == 104.5)
    }

    @Test func `cancelled calls are dropped, though the clock never comes to them`() {
        let clock = ManualClock()
        clock.schedule(at: .seconds(1)) {}
        for _ in 1...1000 { clock.schedule(at: .seconds(600)) {}.cancel() }
        #expect(clock.waitingCount <= 64 && clock.isWaiting)
        clock.advance(by: .seconds(1))
        #expect(!clock.isWaiting)
    }

    @Test(arguments: [true, false]) func `what is due already is called at once, on another thread`(isManual: Bool) async throws {
        let clock: any EmulatorClock = isManual ? ManualClock() : RealClock()
        let isCalled = Locked(false)
        clock.schedule(at: .zero) { isCalled.withLock { $0 = true } }
        #expect(try await eventually { isCalled.withLock { $0 } })
    }

    @Test func `the machine's clock calls what comes due, once`() async throws {
        let clock = RealClock()
        let count = Locked(0)
        let action = clock.schedule(after: .milliseconds(10)) { count.withLock { $0 += 1 } }
        #expect(try await eventually { count.withLock { $0 } == 1 })
        action.run()
        #expect(count.withLock { $0 } == 1)
    }
}

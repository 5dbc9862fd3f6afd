import Glibc
import NIOCore
import Testing

@testable import Guests

/// The time that a long request is charged.
struct ProcessorClockTests {
    @Test func `a short request is charged what passed`() {
        var clock = ProcessorClock()
        #expect(clock.used(in: .milliseconds(3)) == .milliseconds(3))
        #expect(clock.used(in: ProcessorClock.certain) == ProcessorClock.certain)
    }

    @Test func `a request that takes long is charged all of it, and one that only waited is not`() {
        var clock = ProcessorClock()
        let begin = NIODeadline.now()
        usleep(200_000)
        #expect(clock.used(in: .now() - begin) < .milliseconds(100))
        let (start, cpu) = (NIODeadline.now(), Self.processorTime)
        while Self.processorTime - cpu < .milliseconds(150) {}
        #expect(clock.used(in: .now() - start) >= .milliseconds(150))
        // What was charged is not charged again.
        #expect(clock.used(in: .seconds(1)) < .milliseconds(100))
    }

    private static var processorTime: TimeAmount {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .nanoseconds(Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}

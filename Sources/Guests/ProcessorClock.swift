import Glibc
import NIOCore

/// The processor time of a thread, for requests that seem to take long: a thread may have had to wait for a processor meanwhile,
/// which is not its client's doing.
///
/// The kernel's clock of a thread costs as much as a tenth of a request, so it is read with every tick and after a long request
/// alone, and not at the beginning of each. What the thread used since the last reading is the most that a request can have used.
struct ProcessorClock {
    /// Up to this, what passed is taken for processor time.
    static let certain = TimeAmount.milliseconds(50)

    private var last = now

    /// Reads the clock.
    mutating func look() { last = Self.now }

    /// The processor time of work that took so long, from above.
    mutating func used(in passed: TimeAmount) -> TimeAmount {
        guard passed > Self.certain else { return passed }
        let before = last
        look()
        return min(passed, max(Self.certain, last - before))
    }

    private static var now: TimeAmount {
        var time = timespec()
        // Safe: clock_gettime(2) writes the one value.
        guard unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return .nanoseconds(0) }
        return .nanoseconds(Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}

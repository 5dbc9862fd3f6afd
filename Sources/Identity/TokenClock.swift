import FoundationEssentials
import Synchronization

/// The clock of tokens: the wall clock, but it never goes back during the life of the process.
///
/// A clock that is set back would make expired tokens valid again, so the lead of the wall clock over a steady one only grows. A
/// clock that was too far ahead keeps its lead here until the process ends; tokens still expire in time.
package final class TokenClock: Sendable {
    private let wall: @Sendable () -> Int64
    private let steady: @Sendable () -> Int64
    private let lead = Atomic(Int64.min)

    /// Combines two clocks, both in whole seconds.
    ///
    /// - Parameters:
    ///   - wall: the time since 1970, which can be set.
    ///   - steady: the time since any one moment, which cannot be set.
    package init(wall: @escaping @Sendable () -> Int64, steady: @escaping @Sendable () -> Int64) {
        (self.wall, self.steady) = (wall, steady)
    }

    /// Combines the system's two clocks.
    package convenience init() {
        let start = ContinuousClock.now
        self.init(
            wall: { Int64(Date.now.timeIntervalSince1970) },
            steady: { start.duration(to: .now).components.seconds })
    }

    /// The time, in seconds since 1970.
    package var now: Int64 {
        let steady = steady()
        return steady + lead.max(wall() - steady, ordering: .relaxed).newValue
    }
}

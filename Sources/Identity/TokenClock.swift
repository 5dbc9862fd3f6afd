import FoundationEssentials
import Synchronization

/// The time that tokens go by: the wall clock's, but it never goes back as long as the process lives.
///
/// A clock that is set back would make expired tokens good again. So the lead of the wall clock over a steady one is only ever made
/// larger. A clock that was too far ahead keeps its lead here until the end of the process; tokens expire in time all the same.
public final class TokenClock: Sendable {
    private let wall: @Sendable () -> Int64
    private let steady: @Sendable () -> Int64
    private let lead = Atomic(Int64.min)

    /// A clock over two others, both in whole seconds.
    ///
    /// - Parameters:
    ///   - wall: the time since 1970, which somebody may set.
    ///   - steady: the time since any one moment, which nobody can set.
    public init(wall: @escaping @Sendable () -> Int64, steady: @escaping @Sendable () -> Int64) {
        (self.wall, self.steady) = (wall, steady)
    }

    /// A clock over the system's two.
    public convenience init() {
        let start = ContinuousClock.now
        self.init(
            wall: { Int64(Date.now.timeIntervalSince1970) },
            steady: { start.duration(to: .now).components.seconds })
    }

    /// The time, in seconds since 1970.
    public var now: Int64 {
        let steady = steady()
        return steady + lead.max(wall() - steady, ordering: .relaxed).newValue
    }
}

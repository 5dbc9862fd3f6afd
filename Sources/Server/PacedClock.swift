import Identity

/// The steady clock, or one that runs an integral number of times faster, so that a day of the server's own timers passes in ten
/// minutes.
///
/// Its instants are the steady clock's, counted from its creation: code that takes an instant takes one of either.
package struct PacedClock: Clock {
    package typealias Instant = ContinuousClock.Instant

    /// How many of its seconds pass in one.
    let rate: Int
    private let steady = ContinuousClock()
    private let start: Instant

    /// - Parameter rate: how many of its seconds pass in one; at least one.
    init(rate: Int = 1) {
        precondition(rate >= 1, "a clock does not stand or go back")
        self.rate = rate
        start = steady.now
    }

    package var now: Instant {
        let now = steady.now
        return rate == 1 ? now : start + (now - start) * rate
    }

    package var minimumResolution: Duration { steady.minimumResolution }

    package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let pacedDeadline = rate == 1 ? deadline : start + (deadline - start) / rate
        try await steady.sleep(until: pacedDeadline, tolerance: tolerance.map { $0 / rate })
    }

    /// A clock for tokens at the same rate: the system's own, or one that begins with its time and cannot be set.
    var tokens: TokenClock {
        if rate == 1 { return TokenClock() }
        let (begin, start) = (TokenClock().now, start)
        let seconds: @Sendable () -> Int64 = { (now - start).components.seconds }
        return TokenClock(wall: { begin + seconds() }, steady: seconds)
    }
}

/// The delay before the next attempt: doubled after each failure, up to a limit, and reset after a success.
struct Backoff: Equatable {
    /// Longer than the restart of a daemon takes.
    static let shortest = Duration.milliseconds(250)
    /// After a repair, the operator waits no longer than this for it to take effect.
    static let longest = Duration.seconds(10)

    private var upcoming = Self.shortest

    /// The delay after a failed attempt.
    mutating func next() -> Duration {
        defer { upcoming = min(upcoming * 2, Self.longest) }
        return upcoming
    }

    /// Call after a success.
    mutating func reset() {
        upcoming = Self.shortest
    }
}

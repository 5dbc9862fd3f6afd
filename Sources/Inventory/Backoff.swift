/// How long to wait before the next attempt: twice as long after each failure, up to a cap, and short again after a success.
struct Backoff: Equatable {
    /// A daemon that is restarted is back in less.
    static let shortest = Duration.milliseconds(250)
    /// An operator who mends something waits no longer than this to see it work.
    static let longest = Duration.seconds(10)

    private var upcoming = Self.shortest

    /// The attempt failed: how long to wait now.
    mutating func next() -> Duration {
        defer { upcoming = min(upcoming * 2, Self.longest) }
        return upcoming
    }

    /// The attempt succeeded.
    mutating func reset() {
        upcoming = Self.shortest
    }
}

/// Schedules reading everything again after a failed attempt.
///
/// Never more than one attempt is scheduled, however many others fail meanwhile.
struct RetrySchedule: Equatable {
    private enum State {
        case none, wanted, scheduled
    }

    private var state = State.none
    private var backoff = Backoff()

    /// An attempt failed, or the connection was lost.
    mutating func want() {
        if state == .none { state = .wanted }
    }

    /// The delay of the next attempt; `nil` if none is wanted, or one is scheduled already.
    mutating func takeDelay() -> Duration? {
        guard state == .wanted else { return nil }
        state = .scheduled
        return backoff.next()
    }

    /// The scheduled attempt begins: if it fails too, another may be scheduled.
    mutating func begin() {
        state = .none
    }

    /// Everything was read: the next failure is followed by a short delay again.
    mutating func succeed() {
        backoff.reset()
    }
}

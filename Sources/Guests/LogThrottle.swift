import Common

/// Bounds repeated log messages: each subject once a minute, and not too many of them, because a guest can make up addresses
/// faster than a person can read.
final class LogThrottle<Subject: Hashable & Sendable, Message: Equatable & Sendable>: Sendable {
    private struct State {
        var seen: [Subject: Message] = [:]
        var count = 0
        var since: ContinuousClock.Instant
    }

    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Locked<State>

    init(now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.now = now
        state = Locked(State(since: now()))
    }

    /// The number of this message in its minute; 0 if it is a repetition, or beyond the ``LogThrottleLimits/capacity``.
    func number(of message: Message, about subject: Subject) -> Int {
        let time = now()
        return state.withLock { state in
            if time - state.since >= LogThrottleLimits.memory { state = State(since: time) }
            guard state.count < LogThrottleLimits.capacity, state.seen[subject] != message else { return 0 }
            state.seen[subject] = message
            state.count += 1
            return state.count
        }
    }
}

/// The limits of every throttle.
enum LogThrottleLimits {
    /// How many messages there may be within the time that they are remembered, and so how many are remembered.
    static let capacity = 64
    /// After this time a repetition is logged again.
    static let memory = Duration.seconds(60)
}

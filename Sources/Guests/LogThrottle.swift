import Common

/// Bounds repeated log messages: each subject once a minute for the same message, and not too many of them, because a guest can
/// make up addresses faster than a person can read. No subject has all of them, or one guest could hide what happens to another.
final class LogThrottle<Subject: Hashable & Sendable, Message: Equatable & Sendable>: Sendable {
    private struct State {
        var seen: [Subject: (message: Message, count: Int)] = [:]
        var count = 0
        var since: ContinuousClock.Instant
    }

    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Locked<State>

    init(now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.now = now
        state = Locked(State(since: now()))
    }

    /// The number of this message in its minute; 0 if it is a repetition, or beyond the ``LogThrottleLimits/capacity`` in all or
    /// ``LogThrottleLimits/mostOfSubject``.
    func number(of message: Message, about subject: Subject) -> Int {
        let time = now()
        return state.withLock { state in
            if time - state.since >= LogThrottleLimits.memory { state = State(since: time) }
            let last = state.seen[subject]
            guard state.count < LogThrottleLimits.capacity, last?.message != message else { return 0 }
            let count = (last?.count ?? 0) + 1
            guard count <= LogThrottleLimits.mostOfSubject else { return 0 }
            state.seen[subject] = (message, count)
            state.count += 1
            return state.count
        }
    }
}

/// The limits of every throttle.
enum LogThrottleLimits {
    /// How many messages there may be within the time that they are remembered, and so how many are remembered.
    static let capacity = 64
    /// How many of them may be about one subject: more than there are kinds of limits.
    static let mostOfSubject = 8
    /// After this time a repetition is logged again.
    static let memory = Duration.seconds(60)
}

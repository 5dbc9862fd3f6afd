import Common

/// What operators have not been told in the last minute, and of that not too much: a guest can make up addresses faster than anyone
/// can read.
final class Novelty<Subject: Hashable & Sendable, What: Equatable & Sendable>: Sendable {
    private struct State {
        var seen: [Subject: What] = [:]
        var told = 0
        var since: ContinuousClock.Instant
    }

    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Locked<State>

    /// - Parameter now: the clock to go by.
    init(now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.now = now
        state = Locked(State(since: now()))
    }

    /// The number of this piece of news in its minute; 0 if it is none, or beyond the ``NoveltyLimits/capacity``.
    func number(of what: What, about subject: Subject) -> Int {
        let time = now()
        return state.withLock { state in
            if time - state.since >= NoveltyLimits.memory { state = State(since: time) }
            guard state.told < NoveltyLimits.capacity, state.seen[subject] != what else { return 0 }
            state.seen[subject] = what
            state.told += 1
            return state.told
        }
    }
}

/// What holds for all kinds of news.
enum NoveltyLimits {
    /// How many pieces of news there are within the time that they are remembered, and so how many are remembered.
    static let capacity = 64
    /// What comes again after this long is news again.
    static let memory = Duration.seconds(60)
}

import Common
import Logging
import Synchronization

/// Tells the operator of callers that are not known: each once for the same reason, and then again after some time; and of not
/// too many in that time, for a guest can make up addresses faster than anyone can read.
final class StrangerLog: Sendable {
    /// How many callers are told of within the time that they are remembered, and so how many are remembered.
    static let capacity = 64
    /// A caller that comes back after this long is told of again.
    static let memory = Duration.seconds(60)

    private struct State {
        var seen: [IPAddress: UnknownCaller] = [:]
        var told = 0
        var since: ContinuousClock.Instant
    }

    private let logger: Logger
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Mutex<State>

    /// - Parameter now: the clock to go by.
    init(logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        (self.logger, self.now) = (logger, now)
        state = Mutex(State(since: now()))
    }

    func note(_ caller: Caller, _ reason: UnknownCaller) {
        let number = state.withLock { numberOfNews(caller, reason, &$0) }
        let level: Logger.Level = number > 0 ? .notice : .debug
        logger.log(
            level: level, "an unknown caller gets 404",
            metadata: [
                "caller.address": "\(caller.address)", "caller.mac": "\(caller.mac.map(\.description) ?? "unknown")",
                "reason": "\(reason)",
            ])
        if number == Self.capacity {
            logger.notice(
                "there are more unknown callers; no other is told of for up to a minute, except to those who ask for debug")
        }
    }

    /// The number of this piece of news in its minute; 0 if it is none.
    private func numberOfNews(_ caller: Caller, _ reason: UnknownCaller, _ state: inout State) -> Int {
        let time = now()
        if time - state.since >= Self.memory { state = State(since: time) }
        guard state.told < Self.capacity, state.seen[caller.address] != reason else { return 0 }
        state.seen[caller.address] = reason
        state.told += 1
        return state.told
    }
}

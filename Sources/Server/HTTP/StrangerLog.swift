import Common
import Logging

/// Tells the operator of callers that are not known: each once for the same reason, and then again after some time.
final class StrangerLog: Sendable {
    private let logger: Logger
    private let novelty: Novelty<IPAddress, UnknownCaller>

    /// - Parameter now: the clock to go by.
    init(logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        self.logger = logger
        novelty = Novelty(now: now)
    }

    func note(_ caller: Caller, _ reason: UnknownCaller) {
        let number = novelty.number(of: reason, about: caller.address)
        let level: Logger.Level = number > 0 ? .notice : .debug
        logger.log(
            level: level, "an unknown caller gets 404",
            metadata: [
                "caller.address": "\(caller.address)", "caller.mac": "\(caller.mac.map(\.description) ?? "unknown")",
                "reason": "\(reason)",
            ])
        if number == NoveltyLimits.capacity {
            logger.notice(
                "there are more unknown callers; no other is told of for up to a minute, except to those who ask for debug")
        }
    }
}

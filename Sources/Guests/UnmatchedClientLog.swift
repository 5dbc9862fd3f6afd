package import Common
package import Logging

/// Logs clients that are matched to no instance: each once for the same reason, and again after some time.
package final class UnmatchedClientLog: Sendable {
    private let logger: Logger
    private let throttle: LogThrottle<IPAddress, MatchFailure>

    package init(logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        self.logger = logger
        throttle = LogThrottle(now: now)
    }

    package func note(_ client: Client, _ reason: MatchFailure) {
        let number = throttle.number(of: reason, about: client.address)
        let level: Logger.Level = number > 0 ? .notice : .debug
        logger.log(
            level: level, "an unknown caller gets 404",
            metadata: [
                "caller.address": "\(client.address)", "caller.mac": "\(client.mac.map(\.description) ?? "unknown")",
                "reason": "\(reason)",
            ])
        if number == LogThrottleLimits.capacity {
            logger.notice(
                "there are more unknown callers; no other is told of for up to a minute, except to those who ask for debug")
        }
    }
}

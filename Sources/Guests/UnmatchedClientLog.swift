package import Common
package import Logging

/// Logs clients that are matched to no instance: each once for the same reason, and again after some time. What a guest cannot
/// choose identifies it, as for its limits.
package final class UnmatchedClientLog: Sendable {
    private let logger: Logger
    private let throttle: LogThrottle<ConnectionLimits.Key, MatchFailure>

    package init(logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        self.logger = logger
        throttle = LogThrottle(now: now)
    }

    package func note(_ client: Client, _ reason: MatchFailure) {
        let number = throttle.number(of: reason, about: ConnectionLimits.Key(client))
        let level: Logger.Level = number > 0 ? .notice : .debug
        logger.log(
            level: level, "returned 404: client not matched to any domain",
            metadata: client.facts.merging(["error": "\(reason)"]) { $1 })
        if number == LogThrottleLimits.capacity {
            logger.notice(
                "suppressing further messages about unmatched clients for up to 60 s",
                metadata: ["hint": "log-level: debug shows all"])
        }
    }
}

extension Client {
    /// The client in logs.
    fileprivate var facts: Logger.Metadata {
        var facts: Logger.Metadata = [
            "client.ip": "\(address)", "client.mac": "\(mac.map(\.description) ?? "unknown")",
        ]
        switch entrance {
        case .unknown, .named: break
        case .bridge(let bridge): facts["bridge"] = "\(bridge)"
        case .port(let port, let bridge, _, _): (facts["bridge"], facts["port"]) = ("\(bridge)", "\(port)")
        }
        return facts
    }
}

package import Common
package import Logging

/// Logs that connections cannot be accepted, and why: at most once a minute.
package final class AcceptLog: Sendable {
    private let logger: Logger
    private let throttle: LogThrottle<CInt, Bool>

    package init(logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        self.logger = logger
        throttle = LogThrottle(now: now)
    }

    package func note(_ failure: KernelError) {
        guard throttle.number(of: true, about: failure.code.rawValue) > 0 else { return }
        logger.warning(
            "accept() failed; pausing new connections",
            metadata: [
                "error": "\(failure)", "setting": "max-connections",
                "hint": "if there are too many open files: raise LimitNOFILE, or lower max-connections",
            ])
    }
}

import Common
import Logging
import Synchronization

/// Tells the operator of callers that are not known: each once for the same reason, and then again after some time.
final class StrangerLog: Sendable {
    /// How many callers are remembered; a guest that makes up addresses fills no memory.
    private static let capacity = 1024
    /// A caller that comes back after this long is told of again.
    private static let memory = Duration.seconds(60)

    private let logger: Logger
    private let seen = Mutex<[IPAddress: (reason: UnknownCaller, at: ContinuousClock.Instant)]>([:])

    init(logger: Logger) {
        self.logger = logger
    }

    func note(_ caller: Caller, _ reason: UnknownCaller) {
        let now = ContinuousClock.now
        let isNews = seen.withLock { seen in
            if let last = seen[caller.address], last.reason == reason, now - last.at < Self.memory { return false }
            if seen.count >= Self.capacity { seen.removeAll() }
            seen[caller.address] = (reason, now)
            return true
        }
        let level: Logger.Level = isNews ? .notice : .debug
        logger.log(level: level, "an unknown caller gets 404", metadata: [
            "caller.address": "\(caller.address)", "caller.mac": "\(caller.mac.map(\.description) ?? "unknown")", "reason": "\(reason)",
        ])
    }
}

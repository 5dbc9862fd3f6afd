import Logging
import Synchronization

/// From which level on is logged at the moment, for all loggers that were made with it.
final class LogThreshold: Sendable {
    private let index: Atomic<Int>

    init(_ level: Logger.Level) {
        index = Atomic(Self.index(of: level))
    }

    var level: Logger.Level {
        get { Logger.Level.allCases[index.load(ordering: .relaxed)] }
        set { index.store(Self.index(of: newValue), ordering: .relaxed) }
    }

    private static func index(of level: Logger.Level) -> Int {
        Logger.Level.allCases.firstIndex(of: level) ?? 0
    }
}

/// A log handler whose level is the threshold's, until somebody gives it one of its own.
struct ThresholdLogHandler: LogHandler {
    private var ground: any LogHandler
    private let threshold: LogThreshold
    private var own: Logger.Level?

    /// - Parameter ground: what writes.
    init(_ ground: any LogHandler, _ threshold: LogThreshold) {
        (self.ground, self.threshold) = (ground, threshold)
        self.ground.logLevel = .trace
    }

    var logLevel: Logger.Level {
        get { own ?? threshold.level }
        set { own = newValue }
    }

    var metadata: Logger.Metadata {
        get { ground.metadata }
        set { ground.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { ground[metadataKey: key] }
        set { ground[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        ground.log(event: event)
    }
}

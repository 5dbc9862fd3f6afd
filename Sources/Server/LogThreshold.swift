package import Admin
import Common
package import Logging
import Synchronization

/// The current log level of all loggers that were made with it.
package final class LogThreshold: Sendable {
    private let index: Atomic<Int>

    package init(_ level: Logger.Level) {
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

/// A log handler whose level is the threshold's, unless it is set for this handler.
package struct ThresholdLogHandler: LogHandler {
    private var ground: any LogHandler
    private let threshold: LogThreshold
    private let lastError: LastError?
    private var own: Logger.Level?

    /// - Parameters:
    ///   - ground: the handler that writes.
    ///   - lastError: keeps the last event of level `error` or above.
    package init(_ ground: any LogHandler, _ threshold: LogThreshold, lastError: LastError? = nil) {
        (self.ground, self.threshold, self.lastError) = (ground, threshold, lastError)
        self.ground.logLevel = .trace
    }

    package var logLevel: Logger.Level {
        get { own ?? threshold.level }
        set { own = newValue }
    }

    package var metadata: Logger.Metadata {
        get { ground.metadata }
        set { ground.metadata = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { ground[metadataKey: key] }
        set { ground[metadataKey: key] = newValue }
    }

    package func log(event: LogEvent) {
        if event.level >= .error {
            let facts = ground.metadata.merging(event.metadata ?? [:]) { $1 }
            lastError?.note("\(event.message.description.cleaned())\(LineLogHandler.text(of: facts))")
        }
        ground.log(event: event)
    }
}

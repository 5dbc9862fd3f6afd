package import Logging

/// A log that hands what is logged, of every level, to the test.
package struct RecordingLog: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel = Logger.Level.trace
    private let note: @Sendable (LogEvent) -> Void

    package init(_ note: @escaping @Sendable (LogEvent) -> Void) { self.note = note }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) { note(event) }

    /// A logger that writes into it.
    package static func logger(_ note: @escaping @Sendable (LogEvent) -> Void) -> Logger {
        var logger = Logger(label: "test") { _ in RecordingLog(note) }
        logger.logLevel = .trace
        return logger
    }
}

import Logging

/// A log that hands what is logged, of every level, to the test.
struct RecordingLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    private let note: @Sendable (LogEvent) -> Void

    init(_ note: @escaping @Sendable (LogEvent) -> Void) { self.note = note }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { note(event) }

    /// A logger that writes into it.
    static func logger(_ note: @escaping @Sendable (LogEvent) -> Void) -> Logger {
        var logger = Logger(label: "test") { _ in RecordingLog(note) }
        logger.logLevel = .trace
        return logger
    }
}

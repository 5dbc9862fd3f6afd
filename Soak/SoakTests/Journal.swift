import Common
import Logging

/// The server's log, counted: how often each message came, and where the server listens.
final class Journal: Sendable {
    private struct State {
        var counts: [String: Int] = [:]
        var errors = 0
        var address: String?
    }

    private let state = Locked(State())

    /// Where the server listens, once it does.
    var address: String? { state.withLock { $0.address } }

    /// How many errors there were.
    var errors: Int { state.withLock { $0.errors } }

    /// Each message, with its level and how often it came.
    var lines: [String] { state.withLock { $0.counts.map { "\($0.value) × \($0.key)" }.sorted() } }

    func note(_ event: LogEvent) {
        state.withLock { state in
            // Messages are fixed text, so there are few of them.
            state.counts["\(event.level): \(event.message)", default: 0] += 1
            if event.level >= .error { state.errors += 1 }
            if "\(event.message)" == "listening" { state.address = event.metadata?["address"].map { "\($0)" } }
        }
    }

    /// What writes into it.
    struct Handler: LogHandler {
        let journal: Journal
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { journal.note(event) }
    }
}

import Common
import FoundationEssentials
import Glibc
import Host
package import Logging

/// Writes each log event as one line: the message, and then its metadata as `key=value`, ordered by key.
package struct LineLogHandler: LogHandler {
    /// What precedes the message.
    package enum Form: Sendable, Equatable {
        /// The priority as sd-daemon(3) reads it, `<4>`: the journal adds the time and the program's name.
        case journal
        /// The time, the level and the program's name.
        case timestamped

        /// The form for the standard error stream of this process.
        package static var ofStandardError: Form {
            let variable = ProcessInfo.processInfo.environment["JOURNAL_STREAM"]
            return JournalStream.isConnected(STDERR_FILENO, variable: variable) ? .journal : .timestamped
        }
    }

    package var metadata: Logger.Metadata = [:]
    package var logLevel = Logger.Level.trace
    private let label: String
    private let form: Form
    private let write: @Sendable ([UInt8]) -> Void

    /// - Parameter write: writes one line, with its newline.
    package init(
        label: String, form: Form = .ofStandardError, write: @escaping @Sendable ([UInt8]) -> Void = Self.writeToStandardError
    ) {
        (self.label, self.form, self.write) = (label, form, write)
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let start =
            switch form {
            case .journal: "<\(event.level.priority)>"
            case .timestamped: "\(Date().formatted(.iso8601)) \(event.level) \(label): "
            }
        var facts = metadata.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error { facts["error"] = "\(error)" }
        write(Array("\(start)\(event.message.description.cleaned())\(Self.text(of: facts))\n".utf8))
    }

    /// The facts as they follow a message, each behind a space; the hint is the last.
    package static func text(of facts: Logger.Metadata) -> String {
        func order(_ key: String) -> (Int, String) { (key == "hint" ? 1 : 0, key) }
        return facts.sorted { order($0.key) < order($1.key) }.map { " \($0.key)=\(field($0.value.description))" }.joined()
    }

    /// A value as it follows `key=`: quoted where it is empty, or where a reader could take a part of it for another field.
    private static func field(_ value: String) -> String {
        let text = value.cleaned()
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > UInt8(ascii: " ") && $0 != UInt8(ascii: "\"") }
        // A character that was replaced by its escape has left a backslash.
        guard !isPlain || text != value else { return text }
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// Writes a whole line at once, so that lines of several threads do not mix. A stream that nobody can read loses it.
    package static func writeToStandardError(_ line: [UInt8]) {
        try? FileDescriptors.write(line, to: STDERR_FILENO)
    }
}

extension Logger.Level {
    /// The priority of syslog(3).
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

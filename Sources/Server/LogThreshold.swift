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

/// A log handler whose level is the threshold's, unless it is set for this handler. It cleans messages and metadata before it
/// passes them on: guests and operators of single domains wrote part of them.
package struct ThresholdLogHandler: LogHandler {
    private var ground: any LogHandler
    private let threshold: LogThreshold
    private var own: Logger.Level?

    /// - Parameter ground: the handler that writes.
    package init(_ ground: any LogHandler, _ threshold: LogThreshold) {
        (self.ground, self.threshold) = (ground, threshold)
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
        var event = event
        event.message = "\(event.message.description.cleaned())"
        event.metadata = event.metadata?.mapValues(\.cleaned)
        ground.log(event: event)
    }
}

extension Logger.MetadataValue {
    /// A value as it follows `key=`: in quotation marks where a reader could take a part of it for another field, or for a
    /// message. A domain's name may be any text.
    private static func field(_ text: String) -> String {
        let hasBlank = text.utf8.contains(UInt8(ascii: " "))
        let looksLikeMore = hasBlank && text.utf8.contains { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "[") }
        guard looksLikeMore || text.utf8.contains(UInt8(ascii: "\"")) else { return text }
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// The same without characters that a terminal would interpret.
    fileprivate var cleaned: Logger.MetadataValue {
        switch self {
        case .string(let text): .string(Self.field(text.cleaned()))
        case .stringConvertible(let value): .string(Self.field(value.description.cleaned()))
        case .dictionary(let members): .dictionary(members.mapValues(\.cleaned))
        case .array(let values): .array(values.map(\.cleaned))
        }
    }
}

import Common
package import FoundationEssentials

/// The last error that was logged, for `status`.
package final class LastError: Sendable {
    package struct Event: Sendable {
        package let time: Date
        /// The message and its metadata, as in the log.
        package let text: String
    }

    private let held = Locked<Event?>(nil)

    package init() {}

    package var event: Event? { held.withLock { $0 } }

    package func note(_ text: String) {
        let event = Event(time: Date(), text: text)
        held.withLock { $0 = event }
    }
}

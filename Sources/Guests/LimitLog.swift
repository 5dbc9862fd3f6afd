package import Logging

/// Logs the limits that guests meet: for each guest once, and again after a while. A limit of all guests together is logged once
/// a minute, however many guests have been logged.
package final class LimitLog: Sendable {
    private let logger: Logger
    private let ofClients: LogThrottle<ConnectionLimits.Key?, ConnectionLimits.Exceeded>
    private let ofAll: LogThrottle<String, Bool>

    package init(logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        self.logger = logger
        (ofClients, ofAll) = (LogThrottle(now: now), LogThrottle(now: now))
    }

    package func note(_ client: ConnectionLimits.Key?, _ exceeded: ConnectionLimits.Exceeded) {
        let (message, option) = Self.text(of: exceeded)
        guard !exceeded.isOfAll else {
            guard ofAll.number(of: true, about: option) > 0 else { return }
            return logger.warning(message, metadata: ["option": "\(option)"])
        }
        guard ofClients.number(of: exceeded, about: client) > 0 else { return }
        var metadata: Logger.Metadata = ["caller": "\(client.map(\.description) ?? "a peer that is trusted to name guests")"]
        if !option.isEmpty { metadata["option"] = "\(option)" }
        logger.notice(message, metadata: metadata)
    }

    /// The message, and the options that set the limit, where there are any.
    private static func text(of exceeded: ConnectionLimits.Exceeded) -> (Logger.Message, String) {
        switch exceeded {
        case .connections: ("a guest opens too many connections; the others are closed", "--connections-per-caller")
        case .heldRequests:
            ("a guest has too many requests that wait for its domain; the others get 404", "--held-requests-per-caller")
        case .requests: ("a guest asks too much; it gets 429", "--requests-per-second, --bytes-per-second, --cpu-per-second")
        case .waitingRequests: ("a guest sends too many requests before it reads a reply; the connection is closed", "")
        case .memory: ("a guest leaves too much unread or unfinished; the connection is closed", "")
        case .slowReading: ("a guest reads its reply too slowly; the connection is closed", "")
        case .allConnections:
            ("all connections are taken; new ones are closed, but for the first of each guest on a port", "--connections")
        case .allHeldRequests: ("too many requests wait for their domain; the others get 404", "--held-requests")
        }
    }
}

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
            return logger.warning(message, metadata: ["setting": "\(option)"])
        }
        guard ofClients.number(of: exceeded, about: client) > 0 else { return }
        var metadata: Logger.Metadata = client.map(\.facts) ?? ["client": "trusted proxy"]
        if !option.isEmpty { metadata["setting"] = "\(option)" }
        logger.notice(message, metadata: metadata)
    }

    /// The message, and the options that set the limit, where there are any.
    private static func text(of exceeded: ConnectionLimits.Exceeded) -> (Logger.Message, String) {
        switch exceeded {
        case .connections: ("guest connection limit exceeded; further connections are closed", "max-connections-per-guest")
        case .connectionRate:
            ("guest opens connections too fast; further connections wait or are dropped", "max-connections-per-second")
        case .heldRequests:
            ("guest held-request limit exceeded; further requests get 404 or 503", "max-held-requests-per-guest")
        case .requests:
            ("guest rate limit exceeded; requests get 429", "max-requests-per-second,max-bytes-per-second,max-cpu-per-second")
        case .waitingRequests: ("guest pipelined too many requests; connection closed", "")
        case .memory: ("guest left too much data unread or unfinished; connection closed", "")
        case .slowReading: ("guest read its response too slowly; connection closed", "")
        case .allConnections:
            ("connection limit exceeded; new connections are closed, except the first of each guest port", "max-connections")
        case .allHeldRequests: ("held-request limit exceeded; further requests get 404 or 503", "max-held-requests")
        }
    }
}

extension ConnectionLimits.Key {
    /// The client in logs.
    fileprivate var facts: Logger.Metadata {
        switch self {
        case .port(let port): ["port": "\(port)"]
        case .mac(let mac): ["client.mac": "\(mac)"]
        case .address(let address): ["client.ip": "\(address)"]
        }
    }
}

/// A misbehaviour on purpose: which requests, when, and what goes on the wire instead of the answer.
package struct Fault: Sendable, Equatable {
    /// Which of the requests that match; counted from 1, in the order in which they arrive.
    package struct Condition: Sendable, Equatable {
        /// The beginning and the end of a time window, from the start of the timeline; without an end, it lasts.
        var from = Duration.zero
        var to: Duration?
        /// How many matching requests of the window are answered first.
        var after = 0
        /// One of so many of those that remain; 1 for each.
        var every = 1
        /// How often it happens at most.
        var first: Int?
        /// From 0 to 1.
        var probability = 1.0

        package init() {}
    }

    /// Which new connections are refused: the port is closed meanwhile.
    package enum Refusal: String, Sendable, CaseIterable {
        case all
        /// Of IPv4, so that the service is reachable by IPv6 alone.
        case ipv4
        case ipv6
    }

    package enum Action: Sendable, Equatable {
        /// Happens to a request.
        case wire(WireFault)
        /// Happens to connections, in the time window.
        case refuse(Refusal)
    }

    package var name: String
    /// The name that the file gives it; without one, it has a number.
    package var givenName: String?
    package var requests = RequestPattern()
    package var condition = Condition()
    package var action: Action
    package var line: Int
}

/// What goes on the wire for one request.
package struct WireFault: Sendable, Equatable {
    /// What is sent in place of the instance's answer.
    package enum Answer: Sendable, Equatable {
        /// The instance's own.
        case normal
        case status(Int, headers: [Header], body: [UInt8]?)
        /// Bytes that are no HTTP, then the end.
        case garbage
        /// Nothing: the request is read, and the connection stays open.
        case nothing
    }

    package struct Header: Sendable, Equatable {
        package let name: String
        package let value: String
    }

    /// How a connection ends early.
    package enum End: Sendable, Equatable {
        /// By FIN, after so many bytes of the body.
        case closed(afterBody: Int)
        /// By RST, after so many bytes of the body; `nil` before the head.
        case reset(afterBody: Int?)
    }

    package var answer = Answer.normal
    /// Before the first byte.
    package var delay = Duration.zero
    /// Between head and body.
    package var bodyDelay = Duration.zero
    /// The body's bytes per second; `nil` for as fast as possible.
    package var rate: Int?
    /// The announced length, in place of the body's.
    package var contentLength: Int?
    package var end: End?
    /// The hop limit of the answer's packets.
    package var hopLimit: Int?

    package init() {}
}

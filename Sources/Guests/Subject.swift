import Common
import NIOHTTP1

/// What a reply is about, besides its bytes: input for the connection, and for the operator's counters and journal.
struct Subject: Sendable {
    /// The number of its view in `views`; `nil` where no view claims the path.
    var view: Int?
    /// The instance's domain; `nil` where there is none, or it is not known.
    private(set) var domain: InstanceUUID?
    /// The domain run, where the connection's own packets determine it.
    private(set) var run: DomainRun?
    /// The hop limit of its packets; `nil` for none.
    var hopLimit: Int?
    /// Whether an agent relays it.
    let isRelayed: Bool

    init(isRelayed: Bool) { self.isRelayed = isRelayed }

    mutating func matched(_ match: Match) { (domain, run) = (match.instance.domain, match.run) }
}

extension Reply {
    /// The reply as it is sent: the only function that sets the subject of a reply.
    consuming func finished(about subject: Subject) -> Reply {
        var reply = subject.isRelayed ? relayable : self
        reply.subject = subject
        return reply
    }

    /// The same reply with a status that an agent relays: an agent turns all others into a failure of its own.
    private var relayable: Reply {
        switch status {
        case .methodNotAllowed, .requestTimeout, .lengthRequired, .payloadTooLarge, .requestHeaderFieldsTooLarge: .badRequest
        case .unauthorized: .forbidden
        default: self
        }
    }
}

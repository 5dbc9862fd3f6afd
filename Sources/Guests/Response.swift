import Common
import VendorData

/// The outcome of a request, and the event to report about it.
package struct Response {
    package enum Outcome {
        case reply(Reply)
        /// The instance is not known yet: try again when the inventory changes.
        indirect case hold(Doubt)
        /// An effect comes first, and its outcome makes the reply.
        case deferred(Deferral)
    }

    package let outcome: Outcome
    /// `nil` as a rule.
    package let note: Note?

    init(_ outcome: Outcome, _ note: Note? = nil) { (self.outcome, self.note) = (outcome, note) }

    /// The domain run that the reply is about, where the connection's own packets determine it.
    var run: DomainRun? {
        switch outcome {
        case .reply(let reply): reply.subject.run
        case .deferred(let deferral): deferral.subject.run
        case .hold: nil
        }
    }
}

/// Why a request waits: its client, and the step of the match that failed so far.
package struct Doubt: Sendable {
    let client: Client
    let reason: MatchFailure
    /// Whether the client may be matched in a moment.
    let mayPass: Bool
    var subject = Subject(isRelayed: false)

    init(client: Client, reason: MatchFailure, mayPass: Bool) {
        (self.client, self.reason, self.mayPass) = (client, reason, mayPass)
    }
}

/// The findings on the way to a response.
struct ResponseDraft {
    enum Answer {
        case reply(Reply)
        case deferred(Effect)
    }

    var subject: Subject
    var note: Note?

    init(isRelayed: Bool) { subject = Subject(isRelayed: isRelayed) }

    func response(_ answer: Answer) -> Response {
        switch answer {
        case .reply(let reply): Response(.reply(reply.finished(about: subject)), note)
        case .deferred(let effect): Response(.deferred(Deferral(effect: effect, subject: subject)), note)
        }
    }
}

/// An effect to perform before there is a reply.
enum Effect: Sendable {
    /// Stores a guest's password.
    case storePassword(String, by: GuestPasswords, for: InstanceUUID, of: HostNumber)
    /// Requests the operator's vendor data targets about an instance; their values make the reply.
    case askVendorDataTargets(VendorDataTargets, about: Instance, reply: @Sendable ([JSONMember]) -> Reply)
    /// Signs a document about an instance; its seal makes the reply.
    case sign(DocumentSignatures, document: [UInt8], about: Instance, reply: @Sendable (DocumentSeal) -> Reply)

    /// How long the effect may take.
    var limit: Duration {
        switch self {
        case .storePassword: PasswordOutcome.limit
        case .askVendorDataTargets(let targets, _, _): targets.limit
        case .sign: DocumentSignatures.limit
        }
    }
}

/// An effect, and the subject of the reply that it makes.
package struct Deferral: Sendable {
    let effect: Effect
    let subject: Subject

    /// How long the effect may take.
    package var limit: Duration { effect.limit }

    /// Performs the effect and passes the reply on, once; on any thread.
    package func perform(done: @escaping @Sendable (Reply) -> Void) {
        let finish = { @Sendable [subject] (reply: Reply) in done(reply.finished(about: subject)) }
        switch effect {
        case .storePassword(let text, let passwords, let domain, let host):
            passwords.keep(text, for: domain, of: host) { finish(.outcome($0)) }
        case .askVendorDataTargets(let targets, let instance, let reply): targets.ask(about: instance) { finish(reply($0)) }
        case .sign(let signatures, let document, let instance, let reply):
            signatures.make(of: document, about: instance) { seal in finish(seal.map(reply) ?? .unavailable) }
        }
    }
}

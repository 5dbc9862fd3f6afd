import Common
import Identity
import NIOHTTP1

/// What session tokens mean to a request: how one is asked for, and what it opens.
struct SessionTokens: Sendable {
    /// How a token is asked for, with the seconds that it shall live; the answer repeats them.
    static let lifetimeField = "X-aws-ec2-metadata-token-ttl-seconds"
    /// How a token is presented.
    static let tokenField = "X-aws-ec2-metadata-token"

    let authority: TokenAuthority
    let clock: TokenClock
    let memory = TokenMemory()
    /// What holds for instances of which their operators say nothing.
    let policy: CurrentPolicy

    init(authority: TokenAuthority, clock: TokenClock, policy: SessionPolicy) {
        (self.authority, self.clock, self.policy) = (authority, clock, CurrentPolicy(policy))
    }

    /// The lifetime that a request asks for, in seconds; `nil` if it is missing, given twice, no number, or out of range.
    func lifetime(in headers: HTTPHeaders) -> Int? {
        let fields = headers[Self.lifetimeField]
        guard fields.count == 1, let text = fields.first, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let seconds = Int(text), TokenAuthority.lifetimes.contains(seconds)
        else { return nil }
        return seconds
    }

    /// The answer to whoever asks for a token.
    func issue(to instance: Instance, lifetime: Int, entropy: Entropy) -> Reply {
        let token = authority.token(
            for: instance.domain, lifetime: lifetime, at: clock.now, nonce: entropy.bytes(TokenAuthority.nonceBytes))
        var reply = Reply(.text(token))
        reply.field = (Self.lifetimeField, String(lifetime))
        reply.hopLimit = instance.sessions.hopLimit ?? policy.value.hopLimit
        return reply
    }

    /// Whether a request may read an instance's metadata. A token that is presented has to be good, also where none is required.
    func admits(_ headers: HTTPHeaders, to instance: Instance) -> Bool {
        let fields = headers[Self.tokenField]
        guard let token = fields.first else { return (instance.sessions.tokens ?? policy.value.tokens) != .required }
        guard fields.count == 1 else { return false }
        let now = clock.now
        if memory.knows(token, of: instance.domain, at: now) { return true }
        guard let expiry = authority.expiry(of: token, for: instance.domain, at: now) else { return false }
        memory.remember(token, of: instance.domain, until: expiry, at: now)
        return true
    }
}

/// The policy that counts at the moment.
final class CurrentPolicy: Sendable {
    private let held: Locked<SessionPolicy>

    init(_ policy: SessionPolicy) { held = Locked(policy) }

    var value: SessionPolicy { held.withLock { $0 } }

    func replace(by new: SessionPolicy) { held.withLock { $0 = new } }
}

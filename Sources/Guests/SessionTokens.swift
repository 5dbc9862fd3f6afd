package import Common
package import Identity

/// Session tokens in requests: how one is requested, and what it gives access to.
package struct SessionTokens: Sendable {
    /// The field of a token request that holds the lifetime in seconds; the answer repeats it.
    static let lifetimeField: StaticString = "X-aws-ec2-metadata-token-ttl-seconds"
    /// The field that presents a token.
    static let tokenField: StaticString = "X-aws-ec2-metadata-token"

    package let authority: TokenAuthority
    package let clock: TokenClock
    package let memory = TokenMemory()
    /// The policy of instances whose operators set none.
    package let policy: CurrentPolicy

    package init(authority: TokenAuthority, clock: TokenClock, policy: SessionPolicy) {
        (self.authority, self.clock, self.policy) = (authority, clock, CurrentPolicy(policy))
    }

    /// The lifetime that a request asks for, in seconds; `nil` if it is missing, repeated, not a number, or out of range.
    func lifetime(_ field: FieldValue) -> Int? {
        guard case .once(let text) = field, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seconds = Int(text),
            TokenAuthority.lifetimes.contains(seconds)
        else { return nil }
        return seconds
    }

    /// Issues a new token to an instance's guest.
    func issue(to instance: Instance, lifetime: Int, entropy: Entropy) -> Reply {
        let token = authority.token(
            for: instance.domain, lifetime: lifetime, at: clock.now, nonce: entropy.bytes(TokenAuthority.nonceBytes))
        var reply = Reply(text: token)
        reply.field = ("\(Self.lifetimeField)", String(lifetime))
        return reply
    }

    /// The hop limit of tokens for an instance's guest; `nil` for none.
    package func hopLimit(of instance: Instance) -> Int? { instance.sessions.hopLimit ?? policy.value.hopLimit }

    /// Whether a request with this token may read an instance's metadata. A presented token has to be valid, also where none is
    /// required.
    func admits(_ field: FieldValue, to instance: Instance) -> Bool {
        switch field {
        case .absent: return (instance.sessions.tokens ?? policy.value.tokens) != .required
        case .repeated: return false
        case .once(let token):
            let now = clock.now
            if memory.knows(token, of: instance.domain, at: now) { return true }
            guard let expiry = authority.expiry(of: token, for: instance.domain, at: now) else { return false }
            memory.remember(token, of: instance.domain, until: expiry, at: now)
            return true
        }
    }
}

/// The policy in effect, which a reload replaces.
package final class CurrentPolicy: Sendable {
    private let held: Locked<SessionPolicy>

    init(_ policy: SessionPolicy) { held = Locked(policy) }

    var value: SessionPolicy { held.withLock { $0 } }

    package func replace(by new: SessionPolicy) { held.withLock { $0 = new } }
}

import Common
import Guests
import Identity
import Logging

/// What requests are decided by while the same tokens are good.
struct EmulatedSessions: Sendable {
    let responder: GuestResponder
    let authority: TokenAuthority
    let clock: TokenClock
    /// How often the tokens were revoked before.
    let generation: Int
}

/// What the sessions of one instance have in common.
struct SessionSetting: Sendable {
    let name: String
    let rules: EmulatedInstance.Rules
    let clock: any EmulatorClock
    let views: [any MetadataView]
    let board: InstanceBoard
    let lookup: ClientLookup
    let signatures: DocumentSignatures

    /// Sessions with a new key, so that no earlier token is good.
    func sessions(generation: Int) -> EmulatedSessions {
        let key = rules.entropy("token key \(generation) of \(name)").bytes(TokenAuthority.keyBytes)
        guard let authority = TokenAuthority(key: key) else { preconditionFailure("the key has the length that is wanted") }
        let (clock, board) = (clock, board)
        let tokenClock = TokenClock(wall: { Int64(clock.wallTime) }, steady: { clock.elapsed.components.seconds })
        let passwords = GuestPasswords(
            keeper: { text, _, _, done in done(board.keep(text)) }, logger: Logger(label: name) { _ in SwiftLogNoOpLogHandler() })
        let events = GuestEvents(
            watch: RequestWatch(board.snapshots, views: views.map(\.name)), board: board.snapshots, passwords: passwords,
            onUnmatched: { _, _ in }, wantLeases: { _, _ in })
        let responder = GuestResponder(
            views: views, board: board.snapshots, lookup: lookup,
            tokens: SessionTokens(authority: authority, clock: tokenClock, policy: rules.sessions),
            sources: MetadataSources(entropy: rules.entropy("documents \(generation) of \(name)"), signatures: signatures),
            passwords: passwords, hosts: HostNames(rules.hostNames), events: events)
        return EmulatedSessions(responder: responder, authority: authority, clock: tokenClock, generation: generation)
    }
}

package import Common
import EC2API
package import Guests
import Identity
import Logging
import Netlink
import NoCloudAPI
import OpenStackAPI

/// An instance that an emulator serves: whoever connects to its port is its guest.
///
/// The reply to a request is decided by the server's own ``GuestResponder``, with the server's views; ``values`` take the place of
/// theirs. Any thread may change the instance; a change shows in the next reply.
package final class EmulatedInstance: Sendable {
    /// How an instance is served, whatever its source.
    package struct Rules: Sendable {
        /// Whether tokens are required, and their hop limit, unless the source says so.
        package var sessions = SessionPolicy()
        /// The random bytes of tokens and documents, by their purpose.
        package var entropy: @Sendable (_ purpose: String) -> Entropy = { _ in .system }
        /// Names by which a browser may reach the emulator; programs may use any.
        package var hostNames = HostNames.usual

        package init() {}
    }

    /// What requests are decided by, and the tokens that are good.
    private struct Sessions {
        let responder: GuestResponder
        let authority: TokenAuthority
        let clock: TokenClock
        /// How often the tokens were revoked before.
        let generation: Int
    }

    /// The name of the instance among those of the emulator: in the access log, in rules and in lists.
    package let name: String
    /// The values that differ from the source.
    package let values: EmulatedValues
    /// The address that the guest asks from, for values that depend on it. The emulator's clients have other ones.
    package let address: IPAddress

    private let rules: Rules
    private let clock: any EmulatorClock
    private let views: [any MetadataView]
    private let board: InstanceBoard
    private let lookup: ClientLookup
    private let signatures: DocumentSignatures
    private let sessions: Locked<Sessions?>

    /// - Throws: ``EmulatorError`` where the instance has no interface: no guest without one reaches the server.
    package init(
        _ instance: Instance, name: String, address: IPAddress, rules: Rules, clock: any EmulatorClock
    ) throws(EmulatorError) {
        guard !instance.interfaces.isEmpty else {
            throw EmulatorError("\(name): the domain has no interface with a MAC address; add an <interface> with a <mac>")
        }
        do throws(KernelError) {
            lookup = ClientLookup(neighbours: try Neighbours(), file: nil, trusted: [])
        } catch {
            throw EmulatorError("cannot open a netlink socket: \(error.message)")
        }
        (self.name, self.address, self.rules, self.clock) = (name, address, rules, clock)
        let values = EmulatedValues()
        self.values = values
        views = [
            OverlaidView(OpenStackView(), tree: .openStack, values: values),
            OverlaidView(NoCloudView(), tree: .noCloud, values: values),
            // Claims every path, so it comes last.
            OverlaidView(EC2View(), tree: .ec2, values: values),
        ]
        let board = InstanceBoard(instance)
        self.board = board
        signatures = LazySignatures.make(for: board.snapshots, logger: Self.logger)
        sessions = Locked(nil)
        beginSessions(generation: 0)
    }

    // MARK: Changes

    /// The instance as its source describes it, with the password that its guest has stored.
    package var instance: Instance { board.instance }

    /// Replaces what the source describes.
    package func replace(by instance: Instance) throws(EmulatorError) {
        guard !instance.interfaces.isEmpty else {
            throw EmulatorError("\(name): the domain has no interface with a MAC address; add an <interface> with a <mac>")
        }
        board.replace(by: instance)
    }

    /// Makes every token invalid that was issued so far, as when an instance is stopped and started.
    package func revokeTokens() { beginSessions(generation: (sessions.withLock { $0?.generation } ?? 0) + 1) }

    private func beginSessions(generation: Int) {
        let key = rules.entropy("token key \(generation) of \(name)").bytes(TokenAuthority.keyBytes)
        // The key has the length that is wanted.
        guard let authority = TokenAuthority(key: key) else { return }
        let clock = self.clock
        let tokenClock = TokenClock(
            wall: { Int64(clock.wallTime) }, steady: { clock.elapsed.components.seconds })
        let board = self.board
        let passwords = GuestPasswords(keeper: { text, _, done in done(board.keep(text)) }, logger: Self.logger)
        let watch = RequestWatch(board.snapshots, views: views.map(\.name))
        let events = GuestEvents(
            watch: watch, board: board.snapshots, passwords: passwords, onUnmatched: { _, _ in }, wantLeases: { _, _ in })
        let responder = GuestResponder(
            views: views, board: board.snapshots, lookup: lookup,
            tokens: SessionTokens(authority: authority, clock: tokenClock, policy: rules.sessions),
            sources: MetadataSources(entropy: rules.entropy("documents \(generation) of \(name)"), signatures: signatures),
            passwords: passwords, hosts: HostNames(rules.hostNames), events: events)
        sessions.withLock {
            $0 = Sessions(responder: responder, authority: authority, clock: tokenClock, generation: generation)
        }
    }

    /// An emulator's messages are its access log and its errors; what the server would log about guests is in the former.
    private static let logger = Logger(label: "virt-metadata") { _ in SwiftLogNoOpLogHandler() }

    // MARK: Requests

    /// Decides the reply to a request.
    func respond(to request: GuestRequest, body: [UInt8]) -> Response? {
        guard let sessions = sessions.withLock({ $0 }) else { return nil }
        let mac = board.instance.interfaces[0].mac
        let response = sessions.responder.respond(
            to: request, body: body, from: .client(Client(address: address, mac: mac, entrance: .unknown)))
        if case .hold(let doubt) = response.outcome { return sessions.responder.giveUp(doubt) }
        return response
    }

    /// How many bytes of a request's body the server keeps.
    var keptBody: GuestRequest.KeptBody {
        { [sessions] method, path in sessions.withLock { $0 }?.responder.keptBody(method, path) ?? 0 }
    }

    /// What a request presents as token.
    func tokenState(of request: GuestRequest) -> TokenState {
        guard case .once(let token) = request.fields.token else { return request.fields.token == .absent ? .none : .wrong }
        guard let sessions = sessions.withLock({ $0 }) else { return .wrong }
        let domain = board.instance.domain
        if sessions.authority.expiry(of: token, for: domain, at: sessions.clock.now) != nil { return .good }
        return sessions.authority.hasIssued(token, to: domain) ? .expired : .wrong
    }
}

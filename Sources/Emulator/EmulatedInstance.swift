package import Common
import EC2API
package import Guests
import Identity
import Logging
import Netlink
import NoCloudAPI
import OpenStackAPI
import Recording

/// An instance that an emulator serves: whoever connects to its port is its guest.
///
/// The reply to a request is decided by the server's own ``GuestResponder``, with the server's views; ``values`` take the place of
/// theirs. Any thread may change the instance; a change shows in the next reply.
package final class EmulatedInstance: Sendable {
    /// How an instance is served, whatever its source.
    package struct Rules: Sendable {
        /// Whether tokens are required, and their hop limit, whatever the source says; `nil` for the source's.
        package var sessions = SessionPolicy()
        /// The random bytes of tokens and documents, by their purpose.
        package var entropy: @Sendable (_ purpose: String) -> Entropy = { _ in .system }
        /// Signs identity documents; `nil` for a key that is made when the first one is to be signed.
        package var sign: (@Sendable (_ document: [UInt8]) throws -> DocumentSignatures.Forms)?
        /// Names by which a browser may reach the emulator; programs may use any.
        package var hostNames = HostNames.usual

        package init() {}
    }

    /// The name of the instance among those of the emulator: in the access log, in rules and in lists.
    package let name: String
    /// The values that differ from the source.
    package let values: EmulatedValues
    /// The address that the guest asks from, for values that depend on it. The emulator's clients have other ones.
    package let address: IPAddress

    /// Whether this stands for clients that are no instance's.
    package let isUnmatched: Bool
    /// The name in the access log; `nil` for clients that are no instance's.
    var recordedName: String? { isUnmatched ? nil : name }

    private let board: InstanceBoard
    private let setting: SessionSetting
    private let sessions: Locked<EmulatedSessions>
    /// What the recorded server answered; `nil` where the source is a domain.
    let recording: RecordingIndex?
    /// Whether tokens are issued: a recorded server may have had none, and the emulator's user want them.
    let issuesTokens: Bool
    /// The trees, as the requests reach them.
    let trees: [OverlaidView]

    /// - Throws: ``EmulatorError`` where the instance has no interface: no guest without one reaches the server.
    package convenience init(_ source: EmulatorSource, rules: Rules = Rules(), clock: any EmulatorClock) throws(EmulatorError) {
        try self.init(source, rules, clock, isUnmatched: false)
    }

    /// In the place of an instance for clients that are none's: they are answered as a host answers a client that it matches to no domain.
    package static func unmatched(clock: any EmulatorClock) throws(EmulatorError) -> EmulatedInstance {
        let source = try EmulatorSource(domain: BuiltInInstance.standIn, from: "built-in instance")
        return try EmulatedInstance(source, Rules(), clock, isUnmatched: true)
    }

    private init(
        _ source: EmulatorSource, _ rules: Rules, _ clock: any EmulatorClock, isUnmatched: Bool
    ) throws(EmulatorError) {
        self.isUnmatched = isUnmatched
        let instance = source.instance.asking(rules.sessions)
        recording = source.recording.map(RecordingIndex.init)
        try Self.check(instance, source.name)
        let lookup: ClientLookup
        do throws(KernelError) {
            lookup = ClientLookup(neighbours: try Neighbours(), file: nil, trusted: [])
        } catch {
            throw EmulatorError("cannot open a netlink socket: \(error.message)")
        }
        (name, address) = (source.name, source.address)
        let values = EmulatedValues()
        self.values = values
        let board = InstanceBoard(instance, isPublished: !isUnmatched)
        self.board = board
        var rules = rules
        issuesTokens = source.issuesTokens || rules.sessions.tokens != nil
        trees = Self.trees(values, recording, issuesTokens: issuesTokens)
        if let policy = recording?.recording.tokens, rules.sessions.tokens == nil {
            rules.sessions.tokens = policy == .required ? .required : .optional
        }
        setting = SessionSetting(
            name: name, rules: rules, clock: clock, views: trees, board: board, lookup: lookup,
            signatures: LazySignatures.make(for: board.snapshots, by: rules.sign, logger: Self.logger))
        sessions = Locked(setting.sessions(generation: 0))
    }

    /// The first one that claims a path answers; EC2's claims every path, so it comes last.
    private static func trees(
        _ values: EmulatedValues, _ recording: RecordingIndex?, issuesTokens: Bool
    ) -> [OverlaidView] {
        let own: [(EmulatedPath.Tree, any MetadataView)] = [
            (.openStack, OpenStackView()), (.noCloud, NoCloudView()), (.ec2, EC2View()),
        ]
        return own.map { tree, view in
            let recorded = recording.map { RecordedTree(index: $0, tree: tree, issuesTokens: issuesTokens) }
            return OverlaidView(recorded ?? view, tree: tree, values: values)
        }
    }

    private static func check(_ instance: Instance, _ name: String) throws(EmulatorError) {
        guard instance.interfaces.isEmpty else { return }
        throw EmulatorError("\(name): the domain has no interface with a MAC address; add an <interface> with a <mac>")
    }

    // MARK: Changes

    /// The instance as its source describes it, with the password that its guest has stored.
    package var instance: Instance { board.instance }

    /// Replaces what the source describes.
    package func replace(by instance: Instance) throws(EmulatorError) {
        try Self.check(instance, name)
        board.replace(by: instance)
    }

    /// Makes every token invalid that was issued so far, as when an instance is stopped and started.
    package func revokeTokens() {
        sessions.withLock { $0 = setting.sessions(generation: $0.generation + 1) }
    }

    /// An emulator's messages are its access log and its errors; what the server would log about guests is in the former.
    private static let logger = Logger(label: "virt-metadata") { _ in SwiftLogNoOpLogHandler() }

    // MARK: Requests

    /// Whether a value is set or removed at a path, above or below it.
    func isChanged(at path: TreePath) -> Bool { trees.first { $0.claims(path) }?.isChanged(at: path) ?? false }

    /// Decides the reply to a request.
    func respond(to request: GuestRequest, body: [UInt8]) -> Response {
        let sessions = sessions.withLock { $0 }
        let mac = board.instance.interfaces[0].mac
        let response = sessions.responder.respond(
            to: request, body: body, from: .client(Client(address: address, mac: mac, entrance: .unknown)))
        // The inventory is complete, so a request that is held now would be held for ever.
        if case .hold(let doubt) = response.outcome { return sessions.responder.giveUp(doubt) }
        return response
    }

    /// How many bytes of a request's body the server keeps.
    var keptBody: GuestRequest.KeptBody {
        { [self] method, path in sessions.withLock { $0 }.responder.keptBody(method, path) }
    }

    /// What a request presents as token.
    func tokenState(of request: GuestRequest) -> TokenState {
        guard case .once(let token) = request.fields.token else { return request.fields.token == .absent ? .none : .wrong }
        let sessions = sessions.withLock { $0 }
        let domain = board.instance.domain
        if sessions.authority.expiry(of: token, for: domain, at: sessions.clock.now) != nil { return .good }
        return sessions.authority.hasIssued(token, to: domain) ? .expired : .wrong
    }
}

import Common
import Inventory
import NIOHTTP1

/// From a request to its reply: who is asking, what is known, which view, which place. A pure function of values; what is to be
/// done in the world before there is a reply, it names.
///
/// A class, for it is handed on with every request, and what it holds would be counted each time.
final class GuestResponder: Sendable {
    /// What becomes of a request.
    enum Outcome {
        case reply(Reply)
        /// Nobody knows yet whether the caller is one of ours: ask again when more is known.
        case hold(Doubt)
        /// Something is to be done first, and the reply says what became of it.
        case deferred(Effect)
    }

    /// What is to be done in the world for a request.
    enum Effect {
        /// A guest leaves a password.
        case storePassword(String, for: InstanceUUID)
        /// The operator's vendor data targets are asked about an instance; the reply is made of what they say.
        case askVendorDataTargets(VendorDataTargets, about: Instance, reply: @Sendable ([JSONMember]) -> Reply)

        /// How long it may take.
        var limit: Duration {
            switch self {
            case .storePassword: PasswordKeeper.limit
            case .askVendorDataTargets(let targets, _, _): targets.limit
            }
        }
    }

    /// Why a request waits: whose it is, and which step to its instance failed so far.
    struct Doubt {
        let caller: Caller
        let reason: UnknownCaller
    }

    /// A view behind one reference, for the same reason.
    private final class Room: Sendable {
        let view: any MetadataView
        /// Which of the views it is.
        let number: Int

        init(_ view: any MetadataView, number: Int) { (self.view, self.number) = (view, number) }
    }

    private let rooms: [Room]
    let board: SnapshotBoard
    let identification: CallerIdentification
    let tokens: SessionTokens
    let entropy: Entropy
    let seal: DocumentSeal?
    let renderings = Renderings()
    /// Who names instances over connections that come by no bridge; `nil` where nobody does.
    let agent: NeutronAgent?
    let passwords: GuestPasswords
    /// Who has a say in vendor data; `nil` where nobody has.
    let vendorDataTargets: VendorDataTargets?
    /// Who keeps count of what is answered.
    let watch: RequestWatch
    /// Told of each caller that is not known, and why.
    let onUnknown: @Sendable (Caller, UnknownCaller) -> Void
    /// Told of each network whose leases would tell an address that nothing else does, and of the host that it is on.
    let wantLeases: @Sendable (_ network: String, _ host: HostNumber) -> Void

    /// - Parameters:
    ///   - views: the first that claims a path answers.
    ///   - seal: how documents are vouched for; `nil` where nobody does.
    init(
        views: [any MetadataView], board: SnapshotBoard, identification: CallerIdentification, tokens: SessionTokens,
        entropy: Entropy, seal: DocumentSeal?, agent: NeutronAgent?, passwords: GuestPasswords,
        vendorDataTargets: VendorDataTargets?, watch: RequestWatch? = nil,
        onUnknown: @escaping @Sendable (Caller, UnknownCaller) -> Void,
        wantLeases: @escaping @Sendable (_ network: String, _ host: HostNumber) -> Void
    ) {
        rooms = views.enumerated().map { Room($1, number: $0) }
        self.watch = watch ?? RequestWatch(board)
        (self.board, self.identification, self.tokens, self.entropy) = (board, identification, tokens, entropy)
        (self.seal, self.agent, self.passwords, self.vendorDataTargets) = (seal, agent, passwords, vendorDataTargets)
        (self.onUnknown, self.wantLeases) = (onUnknown, wantLeases)
    }

    /// How many bytes of a request's body are to be kept, from its beginning; none as a rule. One more than is taken tells that
    /// it is too long.
    func keptBody(of head: HTTPRequestHead) -> Int {
        guard head.method == .POST, let path = TreePath(target: head.uri),
            case .storePassword? = room(of: path)?.view.operation(at: path)
        else { return 0 }
        return GuestPasswords.longest + 1
    }

    /// Answers a request that came over a caller's connection.
    ///
    /// - Parameter body: what was kept of its body.
    func respond(to head: HTTPRequestHead, body: [UInt8], over connection: Caller) -> Outcome {
        let path = TreePath(target: head.uri)
        let room = path.flatMap(room)
        let outcome = respond(to: head, path, room, body: body, over: connection)
        guard case .reply(var reply) = outcome else { return outcome }
        reply.view = room?.number
        return .reply(reply)
    }

    private func respond(
        to head: HTTPRequestHead, _ path: TreePath?, _ room: Room?, body: [UInt8], over connection: Caller
    ) -> Outcome {
        let operation = path.flatMap { room?.view.operation(at: $0) }
        switch operation {
        case .issueToken: return issueToken(to: head, over: connection)
        case .storePassword where !head.isReading: return storePassword(body, of: head, over: connection)
        case .storePassword, .askVendorDataTargets, nil: break
        }
        guard head.isReading else { return .reply(.readOnly) }
        guard let path, let room else { return .reply(.notFound) }
        if let node = room.view.publicNode(at: path) { return .reply(Reply(node)) }

        return outcome(of: head, over: connection) { [self] asker in
            guard tokens.admits(head.headers, to: asker.instance) else { return .reply(.unauthorized) }
            return read(operation, path, in: room, by: asker, head)
        }
    }

    /// What an instance's guest would be answered who asks for a place with nothing but a good token, where one is needed.
    func answer(to target: String, about instance: Instance, on host: HostNumber) -> Outcome {
        guard let path = TreePath(target: target), let room = room(of: path) else { return .reply(.notFound) }
        if let node = room.view.publicNode(at: path) { return .reply(Reply(node)) }
        let asker = Asker(
            instance: instance, host: host, address: nil, interface: instance.interfaces.isEmpty ? nil : 0)
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target)
        return read(room.view.operation(at: path), path, in: room, by: asker, head)
    }

    private func read(
        _ operation: Operation?, _ path: TreePath, in room: Room, by asker: Asker, _ head: HTTPRequestHead
    ) -> Outcome {
        if case .askVendorDataTargets = operation, let targets = vendorDataTargets {
            return readAsking(targets, path, in: room, by: asker, head)
        }
        return .reply(read(path, in: room, by: asker, head))
    }

    private func readAsking(
        _ targets: VendorDataTargets, _ path: TreePath, in room: Room, by asker: Asker, _ head: HTTPRequestHead
    ) -> Outcome {
        let reply = { @Sendable [self] in read(path, in: room, by: asker, head, targetsSay: $0) }
        if let known = targets.known(about: asker.instance) { return .reply(reply(known)) }
        return .deferred(.askVendorDataTargets(targets, about: asker.instance, reply: reply))
    }

    private func read(
        _ path: TreePath, in room: Room, by asker: Asker, _ head: HTTPRequestHead, targetsSay: [JSONMember] = []
    ) -> Reply {
        let question = Question(
            about: asker.instance, address: asker.address, interface: asker.interface, entropy: entropy, seal: seal,
            renderings: renderings, targetsSay: targetsSay)
        for network in question.networksWithUnknownAddresses { wantLeases(network, asker.host) }
        guard let node = room.view.node(at: path, for: question) else { return .notFound }
        if case .directory(let directory) = node, Acceptance(head.headers).prefersJSON {
            return Reply(room.view.json(of: directory) ?? node)
        }
        return Reply(node)
    }

    /// Which view claims what a request asks for.
    func view(of head: HTTPRequestHead) -> Int? {
        TreePath(target: head.uri).flatMap(room)?.number
    }

    private func room(of path: TreePath) -> Room? {
        rooms.first { $0.view.claims(path) }
    }

    private func issueToken(to head: HTTPRequestHead, over connection: Caller) -> Outcome {
        guard head.method == .PUT else { return .reply(.methodNotAllowed(but: "PUT")) }
        // An agent relays no field by which a token could be asked for or shown.
        if isAgents(connection) { return .reply(.badRequest) }
        // Whoever reaches us through an open proxy gets no token: such proxies say for whom they ask, as Amazon found.
        guard let caller = identification.callerOfSession(head.headers, over: connection) else { return .reply(.forbidden) }
        guard let lifetime = tokens.lifetime(in: head.headers) else { return .reply(.badRequest) }
        return outcome(for: caller) { owner in
            var reply = tokens.issue(to: owner.instance, lifetime: lifetime, entropy: entropy)
            watch.metrics.tokenIssued()
            // Behind a proxy, the hops to the guest are the proxy's business.
            if caller != connection { reply.hopLimit = nil }
            return .reply(reply)
        }
    }

    private func storePassword(_ body: [UInt8], of head: HTTPRequestHead, over connection: Caller) -> Outcome {
        guard head.method == .POST else { return .reply(.methodNotAllowed(but: "GET, HEAD, POST")) }
        return outcome(of: head, over: connection) { asker in
            guard tokens.admits(head.headers, to: asker.instance) else { return .reply(.unauthorized) }
            guard asker.instance.password == nil else { return .reply(.conflict) }
            guard passwords.isAllowed(to: asker.instance), head.saysLength, let text = GuestPasswords.text(of: body) else {
                return .reply(.badRequest)
            }
            // As with Nova, nothing leaves all as it was.
            return text.isEmpty ? .reply(.done) : .deferred(.storePassword(text, for: asker.instance.domain))
        }
    }

    /// Does what a request needs, and says once what became of it; on any thread.
    func perform(_ effect: Effect, done: @escaping @Sendable (Reply) -> Void) {
        switch effect {
        case .storePassword(let text, let domain): passwords.keep(text, for: domain) { done(.outcome($0)) }
        case .askVendorDataTargets(let targets, let instance, let reply): targets.ask(about: instance) { done(reply($0)) }
        }
    }

    /// What becomes of a request: whom it is about, its connection says, or somebody who is believed.
    private func outcome(of head: HTTPRequestHead, over connection: Caller, _ answer: (Asker) -> Outcome) -> Outcome {
        if let agent, isAgents(connection) { return outcome(of: head, from: agent, over: connection, answer) }
        guard let caller = identification.caller(of: head.headers, over: connection) else { return .reply(.badRequest) }
        return outcome(for: caller) { owner in
            answer(Asker(instance: owner.instance, host: owner.host, address: caller.address, interface: owner.interface))
        }
    }

    /// What becomes of a request that an agent forwards.
    private func outcome(
        of head: HTTPRequestHead, from agent: NeutronAgent, over connection: Caller, _ answer: (Asker) -> Outcome
    ) -> Outcome {
        let snapshot = board.snapshot
        do throws(NeutronAgent.Refusal) {
            let asker = try agent.asker(in: head.headers, snapshot)
            return answer(asker).about(asker.instance)
        } catch {
            switch error {
            case .incomplete: return .reply(.badRequest)
            case .unsigned: return .reply(.forbidden)
            case .unknown(let reason):
                let doubt = Doubt(caller: connection, reason: reason)
                return snapshot.isComplete ? .reply(giveUp(doubt)) : .hold(doubt)
            }
        }
    }

    /// What becomes of a caller's request, if it is known or can become known.
    private func outcome(for caller: Caller, _ answer: (Snapshot.Owner) -> Outcome) -> Outcome {
        let snapshot = board.snapshot
        switch recognise(caller, in: snapshot) {
        case .success(let owner): return answer(owner).about(owner.instance)
        case .failure(let reason):
            let doubt = Doubt(caller: caller, reason: reason)
            return mayPass(doubt, in: snapshot) ? .hold(doubt) : .reply(giveUp(doubt))
        }
    }

    /// Whether what goes back over a connection goes to an agent.
    func isAgents(_ connection: Caller) -> Bool { agent != nil && !connection.entrance.isBridge }

    /// Whether a connection comes from a peer that asks for many, and so is not measured by what one may.
    func standsForMany(_ connection: Caller) -> Bool {
        identification.isTrusted(connection) || isAgents(connection)
    }

    /// Ends the wait of a request, or does not let it begin.
    func giveUp(_ doubt: Doubt) -> Reply {
        // Before all domains are known, not to know one is no news.
        if board.snapshot.isComplete(for: doubt.caller) { onUnknown(doubt.caller, doubt.reason) }
        return .notFound
    }

    /// Whether a caller that is not known may be in a moment.
    ///
    /// A guest can ask before its hypervisor has told us of it, but only by a bridge; and one whose domain has just stopped asks
    /// no more.
    private func mayPass(_ doubt: Doubt, in snapshot: Snapshot) -> Bool {
        guard snapshot.isComplete(for: doubt.caller) else { return true }
        guard doubt.caller.entrance.isBridge else { return false }
        switch doubt.reason {
        case .noOwner(let mac), .elsewhere(let mac, _): return !snapshot.hasDeparted(mac, by: .now)
        case .noPort: return true
        case .noHardwareAddress, .severalOwners, .wrongPort, .noInstance, .foreignProject: return false
        }
    }

    /// The bridge is looked up only where the hardware address alone does not tell.
    private func recognise(_ caller: Caller, in snapshot: Snapshot) -> Result<Snapshot.Owner, UnknownCaller> {
        let result = snapshot.recognise(caller)
        guard case .failure(.severalOwners) = result, !caller.entrance.isBridge,
            let located = identification.locating(caller), case .success(let owner) = snapshot.recognise(located)
        else { return result }
        return .success(owner)
    }
}

extension GuestResponder.Outcome {
    /// The same, where a reply says whose instance it is about.
    fileprivate func about(_ instance: Instance) -> GuestResponder.Outcome {
        guard case .reply(var reply) = self else { return self }
        reply.domain = instance.domain
        return .reply(reply)
    }
}

extension GuestResponder.Effect {
    /// The domain that it is done for.
    var domain: InstanceUUID {
        switch self {
        case .storePassword(_, let domain): domain
        case .askVendorDataTargets(_, let instance, _): instance.domain
        }
    }
}

extension HTTPRequestHead {
    /// Whether it asks for what stands at a place.
    fileprivate var isReading: Bool { method == .GET || method == .HEAD }

    /// Whether it says where its body ends; one that does not has none (RFC 9112 §6.3).
    fileprivate var saysLength: Bool {
        headers.contains(name: "Content-Length") || headers.contains(name: "Transfer-Encoding")
    }
}

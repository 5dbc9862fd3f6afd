import Common
import NIOHTTP1

/// From a request to its reply: who is asking, what is known, which view, which place. A pure function of values.
struct GuestResponder: Sendable {
    /// What becomes of a request.
    enum Outcome {
        case reply(Reply)
        /// Nobody knows yet whether the caller is one of ours: ask again when more is known.
        case hold(Doubt)
    }

    /// Why a request waits: whose it is, and which step to its instance failed so far.
    struct Doubt {
        let caller: Caller
        let reason: UnknownCaller
    }

    let views: [any MetadataView]
    let board: SnapshotBoard
    let identification: CallerIdentification
    let tokens: SessionTokens
    let entropy: Entropy
    let seal: DocumentSeal?
    /// Who names instances over connections that come by no bridge; `nil` where nobody does.
    let agent: NeutronAgent?
    /// Told of each caller that is not known, and why.
    let onUnknown: @Sendable (Caller, UnknownCaller) -> Void
    /// Told of each network whose leases would tell an address that nothing else does, and of the host that it is on.
    let wantLeases: @Sendable (_ network: String, _ host: HostNumber) -> Void

    /// Answers a request that came over a caller's connection.
    func respond(to head: HTTPRequestHead, over connection: Caller) -> Outcome {
        let path = TreePath(target: head.uri)
        let view = path.flatMap { path in views.first { $0.claims(path) } }
        if let path, let operation = view?.operation(at: path) { return perform(operation, head, over: connection) }
        guard head.method == .GET || head.method == .HEAD else { return .reply(.readOnly) }
        guard let path, let view else { return .reply(.notFound) }
        if let node = view.publicNode(at: path) { return .reply(Reply(node)) }

        if let agent, !connection.entrance.isBridge { return respond(to: head, about: path, view, over: connection, agent) }
        guard let caller = identification.caller(of: head.headers, over: connection) else { return .reply(.badRequest) }
        return reply(to: caller) { owner in
            let question = Question(
                about: owner.instance, address: caller.address, interface: owner.interface, entropy: entropy, seal: seal)
            return answer(question, at: path, view, head, from: owner.host)
        }
    }

    /// Answers what a known instance asks for.
    ///
    /// - Parameter host: whose word of it counts.
    private func answer(
        _ question: Question, at path: TreePath, _ view: any MetadataView, _ head: HTTPRequestHead, from host: HostNumber
    ) -> Reply {
        guard tokens.admits(head.headers, to: question.instance) else { return .unauthorized }
        for network in question.networksWithUnknownAddresses { wantLeases(network, host) }
        guard let node = view.node(at: path, for: question) else { return .notFound }
        if case .directory(let directory) = node, Acceptance(head.headers).prefersJSON {
            return Reply(view.json(of: directory) ?? node)
        }
        return Reply(node)
    }

    /// Answers a request that an agent forwards.
    private func respond(
        to head: HTTPRequestHead, about path: TreePath, _ view: any MetadataView, over connection: Caller, _ agent: NeutronAgent
    ) -> Outcome {
        let snapshot = board.snapshot
        do throws(NeutronAgent.Refusal) {
            let (instance, address) = try agent.instance(in: head.headers, snapshot)
            let asking = instance.interfaces.indices.first { index in
                instance.interfaces[index].addresses.contains { $0.address == address }
            }
            let only = instance.interfaces.count == 1 && address != nil ? 0 : nil
            let question = Question(about: instance, address: address, interface: asking ?? only, entropy: entropy, seal: seal)
            let host = snapshot.host(of: instance.domain) ?? .local
            return .reply(answer(question, at: path, view, head, from: host))
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

    private func perform(_ operation: Operation, _ head: HTTPRequestHead, over connection: Caller) -> Outcome {
        switch operation {
        case .issueToken:
            guard head.method == .PUT else { return .reply(.methodNotAllowed(but: "PUT")) }
            // An agent relays no field by which a token could be asked for or shown.
            if isAgents(connection) { return .reply(.badRequest) }
            // Whoever reaches us through an open proxy gets no token: such proxies say for whom they ask, as Amazon found.
            guard let caller = identification.callerOfSession(head.headers, over: connection) else { return .reply(.forbidden) }
            guard let lifetime = tokens.lifetime(in: head.headers) else { return .reply(.badRequest) }
            return reply(to: caller) { owner in
                var reply = tokens.issue(to: owner.instance, lifetime: lifetime, entropy: entropy)
                // Behind a proxy, the hops to the guest are the proxy's business.
                if caller != connection { reply.hopLimit = nil }
                return reply
            }
        }
    }

    /// What is said to a caller, if it is known or can become known.
    private func reply(to caller: Caller, _ answer: (Snapshot.Owner) -> Reply) -> Outcome {
        let snapshot = board.snapshot
        switch recognise(caller, in: snapshot) {
        case .success(let owner): return .reply(answer(owner))
        case .failure(let reason):
            let doubt = Doubt(caller: caller, reason: reason)
            return mayPass(doubt, in: snapshot) ? .hold(doubt) : .reply(giveUp(doubt))
        }
    }

    /// Whether what goes back over a connection goes to an agent.
    func isAgents(_ connection: Caller) -> Bool { agent != nil && !connection.entrance.isBridge }

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

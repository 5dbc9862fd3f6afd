package import Common
package import NIOHTTP1
import VendorData

/// Turns a request into its reply: the instance that it is about, whether it may be answered, the view that claims its path, the
/// node at that path. Effects on the world are named in the response, and not performed here.
///
/// A class, because it is passed on with every request, and its members would be retained each time.
package final class GuestResponder: Sendable {
    /// The sender of a request.
    package enum Requester: Sendable {
        /// The peer of a connection, which is yet to be matched to an instance.
        case client(Client)
        /// An operator who reads what an instance's guest gets: with a valid token, where one is needed, and nothing else.
        case admin(asking: Instance, on: HostNumber)
    }

    /// A view behind one reference, for the same reason.
    private final class ServedView: Sendable {
        let view: any MetadataView
        let number: Int

        init(_ view: any MetadataView, number: Int) { (self.view, self.number) = (view, number) }
    }

    /// The instance that is read, and the circumstances of the read.
    private struct Reading: Sendable {
        let view: ServedView
        let path: TreePath
        let match: Match
        /// The accepted media types.
        let accept: String?
    }

    /// Why a request gets no answer from a view.
    private enum Refusal: Error {
        case refused(Reply)
        case unmatched(Doubt)
    }

    private let views: [ServedView]
    package let board: SnapshotBoard
    private let lookup: ClientLookup
    /// The agent that names instances over connections that come through no bridge; `nil` where there is none.
    private let agent: NeutronAgent?
    private let tokens: SessionTokens
    private let sources: MetadataSources
    private let passwords: GuestPasswords
    /// The host names by which a browser may reach the server.
    private let hosts: HostNames
    package let events: GuestEvents

    /// - Parameter views: the first one that claims a path answers.
    package init(
        views: [any MetadataView], board: SnapshotBoard, lookup: ClientLookup, agent: NeutronAgent? = nil, tokens: SessionTokens,
        sources: MetadataSources, passwords: GuestPasswords, hosts: HostNames = HostNames(), events: GuestEvents
    ) {
        self.views = views.enumerated().map { ServedView($1, number: $0) }
        (self.board, self.lookup, self.agent, self.tokens) = (board, lookup, agent, tokens)
        (self.sources, self.passwords, self.hosts, self.events) = (sources, passwords, hosts, events)
    }

    // MARK: The client of a connection

    /// The client of an accepted connection; see ``ClientLookup/client(socket:peer:of:)``.
    package func client(socket: CInt?, peer: @autoclosure () -> IPAddress?, of scope: ListenScope) -> Client? {
        lookup.client(socket: socket, peer: peer(), of: scope)
    }

    /// Whether the peer of a connection is an agent.
    private func isAgent(_ connection: Client) -> Bool { agent != nil && !connection.entrance.isBridge }

    /// Whether a connection comes from a peer that stands for many clients, and so is not limited as one.
    func standsForMany(_ connection: Client) -> Bool { lookup.isTrusted(connection) || isAgent(connection) }

    // MARK: From a request to its reply

    /// How many bytes of a request's body to keep, from its beginning; none as a rule. One byte more than is accepted shows that
    /// the body is too long.
    package func keptBody(_ method: HTTPMethod, _ path: TreePath?) -> Int {
        guard method == .POST, let path, let view = servedView(of: path)?.view,
            case .storePassword? = view.operation(at: path)
        else { return 0 }
        return GuestPasswords.longest + 1
    }

    /// Answers a request, or returns what it must wait for. A held request is answered by calling this again.
    ///
    /// - Parameter body: the kept part of its body.
    package func respond(to request: GuestRequest, body: [UInt8] = [], from requester: Requester) -> Response {
        var draft = ResponseDraft(isRelayed: isRelayed(requester))
        do throws(Refusal) {
            if let refusal = request.fields.origin.refusal(of: request, hosts) { throw .refused(refusal) }
            let view = request.path.flatMap(servedView)
            draft.subject.view = view?.number
            let answer = try answer(to: request, in: view, body, from: requester, &draft)
            // Not before: the draft is complete only now.
            return draft.response(answer)
        } catch {
            switch error {
            case .refused(let reply): return draft.response(.reply(reply))
            case .unmatched(var doubt):
                doubt.subject = draft.subject
                return doubt.mayPass ? Response(.hold(doubt)) : giveUp(doubt)
            }
        }
    }

    /// Ends the hold of a request, or refuses to begin it.
    ///
    /// As long as some domains have not been read once, the client may be one of them: it is told to come again, not that it has no
    /// metadata.
    package func giveUp(_ doubt: Doubt) -> Response {
        let reply = board.snapshot.isComplete(for: doubt.client) ? Reply.notFound : .unavailable
        return Response(.reply(reply.finished(about: doubt.subject)), .unmatched(doubt))
    }

    /// A reply that the connection itself makes, without a view.
    func refusal(_ reply: Reply, to client: Client) -> Reply { reply.finished(about: Subject(isRelayed: isAgent(client))) }

    private func answer(
        to request: GuestRequest, in view: ServedView?, _ body: [UInt8], from requester: Requester, _ draft: inout ResponseDraft
    ) throws(Refusal) -> ResponseDraft.Answer {
        let operation = request.path.flatMap { view?.view.operation(at: $0) }
        switch operation {
        case .issueToken:
            return .reply(try issueToken(for: request, from: requester, &draft))
        case .storePassword where !request.isReading:
            guard request.method == .POST else { throw .refused(.methodNotAllowed(but: "GET, HEAD, POST")) }
            let match = try match(request, from: requester)
            draft.subject.matched(match)
            try admit(request, to: match.instance, from: requester)
            return try storePassword(body, of: request, for: match, &draft)
        case .storePassword, .askVendorDataTargets, nil:
            guard request.isReading else { throw .refused(.readOnly) }
            guard let path = request.path, let view else { throw .refused(.notFound) }
            if let node = view.view.publicNode(at: path) { return .reply((try? Reply(node)) ?? .unavailable) }
            let match = try match(request, from: requester)
            draft.subject.matched(match)
            try admit(request, to: match.instance, from: requester)
            if !match.instance.networksWithUnknownAddresses.isEmpty { draft.note = .leasesWanted(match.instance, on: match.host) }
            let reading = Reading(view: view, path: path, match: match, accept: request.fields.accept)
            guard case .askVendorDataTargets = operation, let targets = sources.vendorDataTargets else { return read(reading) }
            return read(reading, asking: targets)
        }
    }

    // MARK: Which instance

    /// The instance that a request is about: its connection determines it, or a trusted peer names it.
    private func match(_ request: GuestRequest, from requester: Requester) throws(Refusal) -> Match {
        switch requester {
        case .admin(let instance, let host):
            return Match(instance: instance, host: host, address: nil, interface: instance.interfaces.isEmpty ? nil : 0)
        case .client(let connection):
            if let agent, isAgent(connection) { return try match(request, from: agent, over: connection) }
            guard let client = lookup.client(of: request, over: connection) else { throw .refused(.badRequest) }
            return try match(client)
        }
    }

    /// The instance that an agent names in a request that it forwards.
    private func match(_ request: GuestRequest, from agent: NeutronAgent, over connection: Client) throws(Refusal) -> Match {
        let snapshot = board.snapshot
        do throws(NeutronAgent.Refusal) {
            return try agent.match(request, in: snapshot)
        } catch {
            switch error {
            case .incomplete: throw .refused(.badRequest)
            case .unsigned: throw .refused(.forbidden)
            case .unknown(let reason):
                throw .unmatched(Doubt(client: connection, reason: reason, mayPass: !snapshot.isComplete))
            }
        }
    }

    /// The instance that a client's address, or its port, belongs to.
    private func match(_ client: Client) throws(Refusal) -> Match {
        let snapshot = board.snapshot
        switch match(client, in: snapshot) {
        case .success(let owner): return Match(owner, at: client.address)
        case .failure(let reason):
            throw .unmatched(Doubt(client: client, reason: reason, mayPass: mayPass(reason, of: client, in: snapshot)))
        }
    }

    /// The bridge is looked up only where the MAC address alone is ambiguous.
    private func match(_ client: Client, in snapshot: Snapshot) -> Result<Snapshot.Owner, MatchFailure> {
        let result = snapshot.match(client)
        guard case .failure(.severalOwners) = result, !client.entrance.isBridge, let located = lookup.locating(client),
            case .success(let owner) = snapshot.match(located)
        else { return result }
        return .success(owner)
    }

    /// Whether an unmatched client may be matched in a moment.
    ///
    /// A guest can send requests before its hypervisor has reported it, but only through a bridge. Whose port it is decides, and not
    /// who else has its MAC address: the author of another domain chooses that one's.
    private func mayPass(_ reason: MatchFailure, of client: Client, in snapshot: Snapshot) -> Bool {
        guard snapshot.isComplete(for: client) else { return true }
        guard client.entrance.isBridge else { return false }
        switch reason {
        case .noOwner, .elsewhere, .unreadPort, .wrongPort(_, of: _, at: _, pluggedIn: nil): return true
        case .noHardwareAddress, .severalOwners, .contestedPort, .wrongPort, .noInstance, .foreignProject: return false
        }
    }

    // MARK: Authorization

    private func isRelayed(_ requester: Requester) -> Bool {
        if case .client(let connection) = requester { isAgent(connection) } else { false }
    }

    private func admit(_ request: GuestRequest, to instance: Instance, from requester: Requester) throws(Refusal) {
        if case .client = requester, !tokens.admits(request.fields.token, to: instance) { throw .refused(.unauthorized) }
    }

    private func issueToken(for request: GuestRequest, from requester: Requester, _ draft: inout ResponseDraft) throws(Refusal)
        -> Reply
    {
        guard request.method == .PUT else { throw .refused(.methodNotAllowed(but: "PUT")) }
        // An agent relays no field that could request or present a token, and no operator needs one.
        guard case .client(let connection) = requester, !isAgent(connection) else { throw .refused(.badRequest) }
        // A client that comes through an open proxy gets no token: such proxies name the client that they forward for, as Amazon
        // found.
        if request.fields.origin.isForwarded, !lookup.isTrusted(connection) { throw .refused(.forbidden) }
        guard let client = lookup.clientOfSession(request, over: connection) else { throw .refused(.forbidden) }
        guard let lifetime = tokens.lifetime(request.fields.tokenLifetime) else { throw .refused(.badRequest) }
        let match = try match(client)
        draft.subject.matched(match)
        draft.note = .tokenIssued
        // Behind a proxy, the hops to the guest are the proxy's concern.
        if client == connection { draft.subject.hopLimit = tokens.hopLimit(of: match.instance) }
        return tokens.issue(to: match.instance, lifetime: lifetime, entropy: sources.entropy)
    }

    private func storePassword(
        _ body: [UInt8], of request: GuestRequest, for match: Match, _ draft: inout ResponseDraft
    ) throws(Refusal) -> ResponseDraft.Answer {
        let instance = match.instance
        guard instance.password == nil else { throw .refused(.conflict) }
        guard passwords.areAllowed else {
            draft.note = .passwordRefused(instance)
            throw .refused(.badRequest)
        }
        guard request.hasBodyLength, let text = GuestPasswords.text(of: body) else { throw .refused(.badRequest) }
        // As with Nova, an empty body changes nothing.
        return text.isEmpty ? .reply(.done) : .deferred(.storePassword(text, by: passwords, for: instance.domain, of: match.host))
    }

    // MARK: Reading

    private func servedView(of path: TreePath) -> ServedView? { views.first { $0.view.claims(path) } }

    private func read(_ reading: Reading) -> ResponseDraft.Answer {
        do throws(Unsigned) {
            return .reply(try reply(to: reading))
        } catch {
            guard case .wanted(let document) = error, let signatures = sources.signatures else { return .reply(.unavailable) }
            return .deferred(
                .sign(signatures, document: document, about: reading.match.instance) { [self] seal in
                    (try? reply(to: reading, seal: seal)) ?? .unavailable
                })
        }
    }

    private func read(_ reading: Reading, asking targets: VendorDataTargets) -> ResponseDraft.Answer {
        if let known = targets.known(about: reading.match.instance) {
            return .reply((try? reply(to: reading, targetsSay: known)) ?? .unavailable)
        }
        return .deferred(
            .askVendorDataTargets(targets, about: reading.match.instance) { [self] members in
                (try? reply(to: reading, targetsSay: members)) ?? .unavailable
            })
    }

    private func reply(
        to reading: Reading, targetsSay: [JSONMember] = [], seal: DocumentSeal? = nil
    ) throws(Unsigned) -> Reply {
        let (view, path, match) = (reading.view.view, reading.path, reading.match)
        let question = Question(
            about: match.instance, address: match.address, interface: match.interface, entropy: sources.entropy,
            seal: seal ?? sources.seal, renderings: sources.renderings, targetsSay: targetsSay)
        guard let node = view.node(at: path, for: question) else { return .notFound }
        guard case .directory(let directory) = node else { return try Reply(node) }
        guard let acceptance = Acceptance(reading.accept) else { return .badRequest }
        return try Reply(acceptance.prefersJSON ? view.json(of: directory, at: path) ?? node : node)
    }
}

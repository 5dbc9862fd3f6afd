import Common
import NIOHTTP1

/// From a request to its reply: who is asking, what is known, which view, which place. A pure function of values.
struct GuestResponder: Sendable {
    /// What becomes of a request.
    enum Outcome {
        case reply(Reply)
        /// Nobody knows yet whether the caller is one of ours: ask again when more is known.
        case hold
    }

    let views: [any MetadataView]
    let board: SnapshotBoard
    let identification: CallerIdentification
    let entropy: Entropy
    /// Told of each caller that is not known, and why.
    let onUnknown: @Sendable (Caller, UnknownCaller) -> Void
    /// Told of each network whose leases would tell an address that nothing else does.
    let wantLeases: @Sendable (_ network: String) -> Void

    /// Answers a request that came over a caller's connection.
    func respond(to head: HTTPRequestHead, over connection: Caller) -> Outcome {
        guard head.method == .GET || head.method == .HEAD else { return .reply(.methodNotAllowed) }
        guard let path = TreePath(target: head.uri), let view = views.first(where: { $0.claims(path) }) else {
            return .reply(.notFound)
        }
        if let node = view.publicNode(at: path) { return .reply(Reply(node)) }

        guard let caller = identification.caller(of: head.headers, over: connection) else { return .reply(.badRequest) }
        let snapshot = board.snapshot
        switch recognise(caller, in: snapshot) {
        case .success(let owner):
            let question = Question(
                about: owner.instance, address: caller.address, interface: owner.interface, entropy: entropy)
            for network in question.networksWithUnknownAddresses { wantLeases(network) }
            return .reply(view.node(at: path, for: question).map(Reply.init) ?? .notFound)
        case .failure(let reason):
            guard snapshot.isComplete else { return .hold }
            onUnknown(caller, reason)
            return .reply(.notFound)
        }
    }

    /// The bridge is looked up only where the hardware address alone does not tell.
    private func recognise(_ caller: Caller, in snapshot: Snapshot) -> Result<Snapshot.Owner, UnknownCaller> {
        let result = snapshot.recognise(caller)
        guard case .failure(.severalOwners) = result, let located = identification.locating(caller) else { return result }
        return snapshot.recognise(located)
    }
}

import Common
import NIOCore

// Having requests answered.
extension GuestSocket {
    func answer() {
        work.begin()
        if let seconds = loop.rules.limits.takeRequest(slot, at: work.received) {
            connection.pause()
            return sendOwn(.tooManyRequests(after: seconds))
        }
        respond()
    }

    /// Has the request answered, for the first time or again while it is held.
    func respond() {
        guard isOpen, let request = connection.request else { return }
        guard !isOfAnother else { return abort() }
        let responder = loop.rules.responder
        var response = responder.respond(to: request, body: connection.body, from: .client(client))
        if let note = response.note { responder.events.note(note) }
        guard connection.belongs(to: response.run) else { return abort() }
        if case .hold(let doubt) = response.outcome {
            guard !connection.hold(ifGranted: { loop.rules.limits.beginHolding(slot) }) else { return }
            response = responder.giveUp(doubt)
            if let note = response.note { responder.events.note(note) }
        }
        if connection.endHold() { loop.rules.limits.endHolding(slot) }
        switch response.outcome {
        case .reply(let reply): send(reply, to: request)
        case .deferred(let deferral): begin(deferral)
        case .hold: break
        }
    }

    /// Whether the guest at the port may be another one than the one that connected. A tap that another program can open says so before it is
    /// announced, and what the connection was matched to before says nothing about who reads now.
    var isOfAnother: Bool { scope.generation != connection.generation || scope.isOpenedAnew }

    private func begin(_ deferral: Deferral) {
        let number = connection.beginEffect(limit: Tick.count(in: deferral.effect.limit))
        let (token, execute) = (token, loop.execute)
        deferral.perform { reply in
            execute { loop in loop.serve(token) { $0.effectEnded(number, with: reply) } }
        }
    }

    private func effectEnded(_ number: Int, with reply: Reply) {
        guard connection.effectEnded(number), let request = connection.request else { return }
        guard !isOfAnother else { return abort() }
        work.resume()
        send(reply, to: request)
        handleWaiting()
    }
}

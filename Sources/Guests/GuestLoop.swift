import Common
import NIOCore
import Sockets

/// The connections of one thread, from accept(2) to the last reply: everything in it belongs to that thread.
///
/// All timeouts are checked ten times a second, while there are connections: a timer for each would be set and cleared with every
/// request.
final class GuestLoop {
    typealias Task = @Sendable (GuestLoop) -> Void

    /// A socket that guests connect to.
    struct Listener: Sendable {
        let id: GuestListener.ID
        let socket: ServerSocket
        let scope: ListenScope

        fileprivate var token: UInt64 { GuestLoop.ofListener | UInt64(id.number) }
    }

    /// The bit that tokens of listeners have.
    private static let ofListener: UInt64 = 1 << 63
    /// How much is read at a time, in bytes: the whole request of any cloud agent, and little enough that nothing grows for a
    /// guest that sends faster than it is answered. Unread bytes stay in the kernel, which makes the guest wait.
    private static let readSize = 2 << 10
    /// How many connections are accepted before others have their turn.
    private static let mostAccepted = 16
    /// How long a guest has to confirm the last bytes before the first look at it: longer than a packet's way to a guest and back.
    private static let lookDelay = TimeAmount.milliseconds(5)
    /// How large the buffer of replies may stay, in bytes.
    private static let mostKept = 64 << 10

    let rules: ServingRules
    let poller: Poller
    /// Has a task run by the loop's thread; any thread may call it.
    let execute: @Sendable (@escaping Task) -> Void
    let dates = DateCache()
    /// The number of ticks so far; the clock of all timeouts.
    private(set) var now = 0
    /// What was received last, by any connection.
    var input = [UInt8](repeating: 0, count: readSize)
    /// The replies to it that are not sent yet; empty between two connections' turns.
    var output = ByteBuffer()
    /// What each client has had of this turn.
    var shares = TurnShares()
    var processor = ProcessorClock()
    /// The tokens of connections that have requests for the next turn.
    private var resuming: [UInt64] = []
    private(set) var sockets: [GuestSocket?] = []
    private var free: [Int] = []
    /// How many sockets there have been: the high half of their tokens, so that none is taken for the next one in its place.
    private var made: UInt64 = 0
    private var listeners: [Int: Listener] = [:]
    /// Listeners that are not accepted from until the next tick: accept(2) failed, or their guest connects too fast.
    private var paused: [Listener] = []
    private var events: [Poller.Event] = []
    /// The tokens of connections that have ended but for the guest's confirmation, until the next look at them.
    private var confirming: [UInt64] = []
    /// Those that had not confirmed at the last look.
    private var confirmingLate: [UInt64] = []
    private var nextLook: NIODeadline?
    private var nextTick: NIODeadline?
    /// Whether the server is about to stop.
    private(set) var isQuiescing = false
    private var whenAllEnded: (@Sendable () -> Void)?

    init(rules: ServingRules, poller: Poller, execute: @escaping @Sendable (@escaping Task) -> Void) {
        (self.rules, self.poller, self.execute) = (rules, poller, execute)
    }

    /// How many connections there are.
    var count: Int { sockets.count - free.count }

    // MARK: Turns

    /// Waits for events, a tick or a wake, and handles what there is.
    func turn() { turn(waiting: resuming.isEmpty ? timeToWait : 0) }

    /// - Parameter milliseconds: how long to wait at most; `nil` for any time.
    func turn(waiting milliseconds: Int32?) {
        poller.wait(milliseconds, for: &events)
        if let nextLook, NIODeadline.now() >= nextLook { closeConfirmed() }
        shares.begin()
        resume()
        for event in events {
            if event.token & Self.ofListener != 0 {
                let listener = listeners[Int(event.token & ~Self.ofListener)]
                if let listener { accept(from: listener, atMost: Self.mostAccepted) }
            } else {
                // Epoll reports again what nothing was done about.
                serve(event.token) { if !shares.isSpent(by: $0.slot.rateLimit) { $0.handle(event) } }
            }
        }
        if let nextTick, NIODeadline.now() >= nextTick { tick() }
    }

    /// Goes on with requests that waited for this turn, in the order in which they began to wait.
    private func resume() {
        guard !resuming.isEmpty else { return }
        let waiting = resuming
        resuming = []
        for token in waiting {
            serve(token) { if shares.isSpent(by: $0.slot.rateLimit) { resumeNextTurn($0) } else { $0.resume() } }
        }
    }

    /// Gives a connection a turn although nothing may arrive for it.
    func resumeNextTurn(_ socket: GuestSocket) { resuming.append(socket.token) }

    /// Has a connection closed once the guest has confirmed everything. There is no event for that: one look at all of them together costs less
    /// than asking each of them in every turn, and those that have not confirmed after two looks are looked at with every tick.
    func watchConfirmation(of socket: GuestSocket) {
        confirming.append(socket.token)
        if nextLook == nil { nextLook = .now() + Self.lookDelay }
    }

    private func closeConfirmed() {
        for token in confirmingLate { serve(token) { _ = $0.closeIfConfirmed() } }
        confirmingLate.removeAll(keepingCapacity: true)
        for token in confirming { serve(token) { if !$0.closeIfConfirmed() { confirmingLate.append(token) } } }
        confirming.removeAll(keepingCapacity: true)
        nextLook = confirmingLate.isEmpty ? nil : .now() + Self.lookDelay
    }

    /// The time to the next tick or look in milliseconds, rounded up.
    private var timeToWait: Int32? {
        guard let next = nextLook.map({ min($0, nextTick ?? $0) }) ?? nextTick else { return nil }
        return Int32(max(0, (next - NIODeadline.now()).nanoseconds + 999_999) / 1_000_000)
    }

    func tick() {
        now += 1
        processor.look()
        let waiting = paused
        paused = []
        for listener in waiting { add(listener) }
        for case let socket? in sockets { serve(socket) { $0.tick() } }
        nextTick = nil
        tickWhileNeeded()
    }

    private func tickWhileNeeded() {
        if nextTick == nil, count > 0 || !paused.isEmpty { nextTick = .now() + Tick.interval }
    }

    /// Gives a connection its turn.
    func serve(_ token: UInt64, _ body: (GuestSocket) -> Void) {
        let index = Int(token & 0xFFFF_FFFF)
        guard index < sockets.count, let socket = sockets[index], socket.token == token else { return }
        serve(socket, body)
    }

    private func serve(_ socket: GuestSocket, _ body: (GuestSocket) -> Void) {
        body(socket)
        socket.flush()
        socket.updateInterest()
        // What one connection has not sent must never reach another.
        output.clear()
    }

    /// Empties the buffer of replies, and makes it small again after a large one.
    func clearOutput() {
        if output.capacity > Self.mostKept { output = ByteBuffer() } else { output.clear() }
    }

    // MARK: Listeners

    func add(_ listener: Listener) {
        listeners[listener.id.number] = listener
        do throws(KernelError) {
            try poller.add(listener.socket.descriptor, [.reading, .shared], token: listener.token)
        } catch {
            pause(listener, for: error)
        }
    }

    private func accept(from listener: Listener, atMost count: Int) {
        let time = NIODeadline.now()
        do throws(KernelError) {
            for _ in 0..<count {
                guard rules.limits.allowsConnection(of: listener.scope, at: time) else { return pause(listener) }
                guard let socket = try listener.socket.accept() else { return }
                listener.scope.connectionRate?.takeConnection(at: time)
                adopt(socket, from: listener.id, of: listener.scope)
            }
        } catch {
            pause(listener, for: error)
        }
    }

    /// Connections wait in the kernel's queue until the next tick: trying again at once would do nothing else.
    private func pause(_ listener: Listener, for error: KernelError? = nil) {
        if let error { rules.onAcceptFailure(error) }
        poller.remove(listener.socket.descriptor)
        guard listeners[listener.id.number] != nil else { return }
        paused.append(listener)
        tickWhileNeeded()
    }

    /// Stops listening, and ends the listener's connections as soon as they are idle.
    func close(_ id: GuestListener.ID) {
        guard let listener = listeners.removeValue(forKey: id.number) else { return }
        poller.remove(listener.socket.descriptor)
        paused.removeAll { $0.id == id }
        for case let socket? in sockets where socket.listener == id { serve(socket) { $0.quiesce() } }
    }

    /// Stops listening on all sockets, for the server is asked to stop.
    ///
    /// - Parameter done: called once no connection is left.
    func quiesce(done: @escaping @Sendable () -> Void) {
        isQuiescing = true
        closeAll()
        // Not before: while a listener is being closed, its socket still accepts connections.
        whenAllEnded = done
        for case let socket? in sockets { serve(socket) { $0.quiesce() } }
        reportEnd()
    }

    private func closeAll() {
        for listener in Array(listeners.values) {
            // Those that wait to be accepted have connected before the stop.
            accept(from: listener, atMost: GuestListener.backlog)
            close(listener.id)
        }
    }

    private func reportEnd() {
        guard count == 0, let done = whenAllEnded else { return }
        whenAllEnded = nil
        done()
    }

    /// Closes everything.
    func end() {
        for listener in listeners.values { poller.remove(listener.socket.descriptor) }
        (listeners, paused) = ([:], [])
        // The kernel sends the rest, for there is no next turn.
        for case let socket? in sockets { socket.close(dropsRest: false) }
    }

    // MARK: Connections

    /// Serves an accepted connection.
    private func adopt(_ socket: StreamSocket, from listener: GuestListener.ID, of scope: ListenScope) {
        guard let client = rules.responder.client(socket: socket.descriptor, peer: socket.peer, of: scope) else {
            return socket.close()
        }
        adopt(socket, of: client, from: listener, of: scope)
    }

    /// Serves a connection whose client is known.
    func adopt(_ socket: StreamSocket, of client: Client, from listener: GuestListener.ID, of scope: ListenScope) {
        let key = rules.responder.standsForMany(client) ? nil : ConnectionLimits.Key(client)
        guard let slot = rules.limits.admit(key) else { return refuse(socket) }
        let index = free.popLast() ?? sockets.count
        made = (made + 1) & 0x7FFF_FFFF
        let guest = GuestSocket(
            socket, token: made << 32 | UInt64(index), of: client, slot: slot, from: listener, of: scope, on: self)
        if index < sockets.count { sockets[index] = guest } else { sockets.append(guest) }
        tickWhileNeeded()
        serve(guest) { guest in
            if isQuiescing { guest.quiesce() }
            // Its request may have arrived already.
            if !shares.isSpent(by: slot.rateLimit) { guest.readMore() }
        }
    }

    /// Closes a connection beyond a limit, of which the kernel must keep nothing either.
    private func refuse(_ socket: StreamSocket) {
        try? ConnectionReset.atClose(of: socket.descriptor)
        socket.close()
    }

    /// Forgets a connection that is about to be closed.
    func remove(_ socket: GuestSocket) {
        let index = Int(socket.token & 0xFFFF_FFFF)
        sockets[index] = nil
        free.append(index)
        rules.limits.release(socket.slot)
        reportEnd()
    }
}

import Common
import NIOCore
import NIOHTTP1
import Sockets

/// What all connections have in common.
final class ServingRules: Sendable {
    let responder: GuestResponder
    let limits: ConnectionLimits
    let connections: GuestConnection.Rules
    let head: RequestParser.Limits
    let keptBody: @Sendable (HTTPMethod, TreePath?) -> Int
    let onAcceptFailure: @Sendable (KernelError) -> Void

    init(
        responder: GuestResponder, limits: GuestLimits, connections: ConnectionLimits,
        onAcceptFailure: @escaping @Sendable (KernelError) -> Void
    ) {
        (self.responder, self.limits, self.onAcceptFailure) = (responder, connections, onAcceptFailure)
        self.connections = GuestConnection.Rules(limits)
        head = RequestParser.Limits(limits)
        keptBody = { responder.keptBody($0, $1) }
    }
}

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
    private var sockets: [GuestSocket?] = []
    private var free: [Int] = []
    /// How many sockets there have been: the high half of their tokens, so that none is taken for the next one in its place.
    private var made: UInt64 = 0
    private var listeners: [Int: Listener] = [:]
    /// Listeners that are not accepted from until the next tick, for accept(2) failed.
    private var paused: [Listener] = []
    private var events: [Poller.Event] = []
    private var nextTick: NIODeadline?
    private var isQuiescing = false
    private var whenAllEnded: (@Sendable () -> Void)?

    init(rules: ServingRules, poller: Poller, execute: @escaping @Sendable (@escaping Task) -> Void) {
        (self.rules, self.poller, self.execute) = (rules, poller, execute)
    }

    /// How many connections there are.
    var count: Int { sockets.count - free.count }

    // MARK: Turns

    /// Waits for events, a tick or a wake, and handles what there is.
    func turn() { turn(waiting: timeToTick) }

    /// - Parameter milliseconds: how long to wait at most; `nil` for any time.
    func turn(waiting milliseconds: Int32?) {
        poller.wait(milliseconds, for: &events)
        for event in events {
            if event.token & Self.ofListener != 0 {
                accept(from: Int(event.token & ~Self.ofListener))
            } else {
                serve(event.token) { $0.handle(event) }
            }
        }
        if let nextTick, NIODeadline.now() >= nextTick { tick() }
    }

    /// The time to the next tick in milliseconds, rounded up.
    private var timeToTick: Int32? {
        nextTick.map { Int32(max(0, ($0 - NIODeadline.now()).nanoseconds + 999_999) / 1_000_000) }
    }

    func tick() {
        now += 1
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

    private func accept(from number: Int) {
        guard let listener = listeners[number] else { return }
        accept(from: listener, atMost: Self.mostAccepted)
    }

    private func accept(from listener: Listener, atMost count: Int) {
        do throws(KernelError) {
            for _ in 0..<count {
                guard let socket = try listener.socket.accept() else { return }
                adopt(socket, from: listener.id, of: listener.scope)
            }
        } catch {
            pause(listener, for: error)
        }
    }

    /// Connections wait in the kernel's queue until the next tick: trying again at once would do nothing else.
    private func pause(_ listener: Listener, for error: KernelError) {
        rules.onAcceptFailure(error)
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
        whenAllEnded = done
        for listener in Array(listeners.values) {
            // Those that wait to be accepted have connected before the stop.
            accept(from: listener, atMost: GuestListener.backlog)
            close(listener.id)
        }
        for case let socket? in sockets { serve(socket) { $0.quiesce() } }
        reportEnd()
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
        for case let socket? in sockets { socket.close() }
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
        guard let slot = rules.limits.admit(key) else { return socket.close() }
        let index = free.popLast() ?? sockets.count
        made = (made + 1) & 0x7FFF_FFFF
        let guest = GuestSocket(
            socket, token: made << 32 | UInt64(index), of: client, slot: slot, from: listener, of: scope, on: self)
        if index < sockets.count { sockets[index] = guest } else { sockets.append(guest) }
        tickWhileNeeded()
        serve(guest) { guest in
            if isQuiescing { guest.quiesce() }
            // Its request may have arrived already.
            guest.readMore()
        }
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

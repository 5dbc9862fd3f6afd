package import Common
import Dispatch
package import NIOCore
import ServiceLifecycle
import Sockets

/// The sockets that guests connect to, from the first connection to the last reply; sockets can be opened and closed meanwhile.
package final class GuestListener: Service {
    /// How many connections may wait to be accepted, the kernel's own limit aside: a rack that boots at once.
    static let backlog = 4096
    /// The same for the sockets of one port, which serve one guest.
    private static let backlogOfPort = 256
    /// The kernel's buffers of a connection for received bytes and for unconfirmed reply bytes; the kernel doubles both. Enough
    /// to keep a fast guest busy, and little enough to detect a slow one: by default the kernel would buffer megabytes for each
    /// connection, out of the host's memory. Less than one packet of loopback, 64 KiB, would make it wait for each confirmation.
    private static let (receiveBuffer, sendBuffer) = (Int32(16 << 10), Int32(64 << 10))
    /// How long a guest may leave sent bytes unacknowledged, in milliseconds, before the kernel gives the connection up; this
    /// includes connections that the server has closed, which are no longer counted.
    private static let silence: Int32 = 10_000
    /// How long replies may take that are on their way when the server is asked to stop.
    private static let farewell = DispatchTimeInterval.milliseconds(3500)

    /// Identifies a listening socket, to close it.
    package struct ID: Hashable, Sendable {
        let number: Int
    }

    /// One listening socket, and its address with the port that the kernel chose.
    private struct Socket {
        let socket: ServerSocket
        let address: SocketAddress
    }

    private struct State {
        var sockets: [ID: Socket] = [:]
        var opened = 0
        var isEnding = false
    }

    package let responder: GuestResponder
    private let connectionLimits: ConnectionLimits
    private let threads: [GuestThread]
    private let state = Locked(State())

    /// Listens on no address yet.
    ///
    /// - Parameters:
    ///   - threads: how many threads serve guests.
    ///   - onLimit: called each time that a limit is met, with the client.
    ///   - onAcceptFailure: called each time that accept(2) fails.
    /// - Throws: `KernelError`.
    package init(
        threads: Int, responder: GuestResponder, limits: GuestLimits,
        onLimit: @escaping @Sendable (ConnectionLimits.Key?, ConnectionLimits.Exceeded) -> Void,
        onAcceptFailure: @escaping @Sendable (KernelError) -> Void
    ) throws(KernelError) {
        self.responder = responder
        connectionLimits = ConnectionLimits(limits: limits, onLimit: onLimit)
        let rules = ServingRules(
            responder: responder, limits: limits, connections: connectionLimits, onAcceptFailure: onAcceptFailure)
        var started: [GuestThread] = []
        for number in 0..<threads { started.append(try GuestThread(number: number, rules: rules)) }
        self.threads = started
        connectionLimits.memory.onLeaving { [started] client in
            for thread in started { thread.execute { $0.dropUnread(of: client) } }
        }
    }

    deinit {
        for thread in threads { thread.end() }
    }

    /// Listens on an address; guests are answered from now on.
    ///
    /// - Throws: `ListenError`.
    @discardableResult
    package func open(_ address: SocketAddress, of scope: ListenScope = .anywhere) async throws(ListenError) -> ID {
        let socket: ServerSocket
        do throws(KernelError) {
            socket = try Self.socket(on: address, of: scope)
        } catch {
            throw ListenError(address: address, scope: scope, cause: error)
        }
        var bound = address
        if let port = socket.port { bound.port = port }
        return state.withLock { state in
            state.opened += 1
            let id = ID(number: state.opened)
            // The server may have been asked to stop while the socket was opened.
            guard !state.isEnding else { return id }
            state.sockets[id] = Socket(socket: socket, address: bound)
            let listener = GuestLoop.Listener(id: id, socket: socket, scope: scope)
            for thread in threads { thread.execute { $0.add(listener) } }
            return id
        }
    }

    /// Stops listening on a socket; requests already received are answered. A closed socket is left as it is.
    package func close(_ id: ID) {
        guard state.withLock({ $0.sockets.removeValue(forKey: id) }) != nil else { return }
        for thread in threads { thread.execute { $0.close(id) } }
    }

    /// The address of a socket, with the port that the kernel chose; `nil` for a closed one.
    package func address(of id: ID) -> SocketAddress? {
        state.withLock { $0.sockets[id]?.address }
    }

    /// How many connections are open now, and how many requests are held.
    package var present: (connections: Int, held: Int) { connectionLimits.present }

    /// Calls back once every thread has handled what it has to do now: late, or never, where one is blocked.
    package func whenAllTurned(_ done: @escaping @Sendable () -> Void) {
        let countdown = Countdown(from: threads.count, then: done)
        for thread in threads where !thread.execute({ _ in countdown.count() }) {
            // It has ended, and blocks nobody.
            countdown.count()
        }
    }

    /// Waits until the server is asked to stop or the task is cancelled, and then until all replies on their way have left, or
    /// time is up.
    package func run() async throws {
        let completion = Completion()
        await withTaskCancellationOrGracefulShutdownHandler {
            await completion.wait()
        } onCancelOrGracefulShutdown: { [self] in
            let isFirst = state.withLock { state in
                defer { (state.isEnding, state.sockets) = (true, [:]) }
                return !state.isEnding
            }
            // Both can happen.
            guard isFirst else { return }
            // Guests may keep all threads busy for longer than the server waits.
            DispatchQueue(label: "farewell").asyncAfter(deadline: .now() + Self.farewell) { completion.signal() }
            let countdown = Countdown(from: threads.count) { completion.signal() }
            for thread in threads { thread.execute { $0.quiesce { countdown.count() } } }
        }
        for thread in threads { thread.end() }
    }

    /// Whether an IPv6 socket accepts IPv4 connections too; `nil` where the host decides.
    private static func acceptsIPv4(_ scope: ListenScope) -> Bool? {
        switch scope {
        case .anywhere: nil
        // One socket for each family, so that `::` does not accept IPv4 connections.
        case .bridge: false
        // One for both families: each guest has a socket of its own.
        case .port: true
        }
    }

    private static func socket(on address: SocketAddress, of scope: ListenScope) throws(KernelError) -> ServerSocket {
        let (device, mark, backlog): (Int32?, UInt32?, Int) =
            switch scope {
            case .anywhere: (nil, nil, Self.backlog)
            case .bridge(let bridge): (bridge.index, nil, Self.backlog)
            case .port(let port): (port.bridge.index, port.mark, Self.backlogOfPort)
            }
        let options = ServerSocket.Options(
            backlog: Int32(backlog), receiveBuffer: receiveBuffer, sendBuffer: sendBuffer, silence: silence,
            acceptsIPv4: acceptsIPv4(scope))
        let result: Result<ServerSocket, KernelError> = unsafe address.withSockAddr { pointer, length in
            do throws(KernelError) {
                let socket = try unsafe ServerSocket(on: UnsafeRawBufferPointer(start: pointer, count: length), options) {
                    socket throws(KernelError) in
                    try SavedSYN.keep(onListener: socket)
                    if let device { try SocketDevice.bind(socket, toInterface: device) }
                    if let mark {
                        try SocketFilter.takeOnly(mark: mark, on: socket)
                        // ICMP from guests and the LAN must not change the size of packets.
                        try PathMTU.goByLinkAlone(socket)
                    }
                }
                return .success(socket)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

/// Calls back when it has been called as often as it was told.
private final class Countdown: Sendable {
    private let left: Locked<Int>
    private let done: @Sendable () -> Void

    init(from count: Int, then done: @escaping @Sendable () -> Void) {
        left = Locked(count)
        self.done = done
    }

    func count() {
        let isLast = left.withLock { left in
            left -= 1
            return left == 0
        }
        if isLast { done() }
    }
}

/// Signals that all connections have ended, or are no longer waited for.
private final class Completion: Sendable {
    private enum State {
        case waiting(CheckedContinuation<Void, Never>?)
        case happened
    }

    private let state = Locked(State.waiting(nil))

    /// Waits for the signal; at most one task waits.
    func wait() async {
        await withCheckedContinuation { continuation in
            let hasHappened = state.withLock { state in
                if case .happened = state { return true }
                state = .waiting(continuation)
                return false
            }
            if hasHappened { continuation.resume() }
        }
    }

    /// Repeated calls have no effect.
    func signal() {
        let continuation: CheckedContinuation<Void, Never>? = state.withLock { state in
            defer { state = .happened }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume()
    }
}

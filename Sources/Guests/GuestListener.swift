import Common
import Dispatch
import Glibc
package import NIOCore
import NIOExtras
package import NIOPosix
import ServiceLifecycle
import Sockets

/// The sockets that guests connect to, from the first connection to the last reply; sockets can be opened and closed meanwhile.
package final class GuestListener: Service {
    /// How many connections may wait to be accepted, the kernel's own limit aside: a rack that boots at once.
    private static let backlog = 4096
    /// The same for the sockets of one port, which serve one guest.
    private static let backlogOfPort = 256
    /// The kernel's buffers of a connection for received bytes and for unconfirmed reply bytes; the kernel doubles both. Enough
    /// to keep a fast guest busy, and little enough to detect a slow one: by default the kernel would buffer megabytes for each
    /// connection, out of the host's memory. Less than one packet of loopback, 64 KiB, would make it wait for each confirmation.
    private static let (receiveBuffer, sendBuffer) = (16 << 10, 64 << 10)
    /// How long a guest may leave sent bytes unacknowledged, in milliseconds, before the kernel gives the connection up; this
    /// includes connections that the server has closed, which are no longer counted.
    private static let silence = 10_000
    /// How long replies may take that are on their way when the server is asked to stop.
    private static let farewell = DispatchTimeInterval.milliseconds(3500)

    /// Identifies a listening socket, to close it.
    package struct ID: Hashable, Sendable {
        fileprivate let number: Int
    }

    /// One listening socket, and the helper that tracks its connections.
    private struct Socket {
        let channel: any Channel
        let quiescing: ServerQuiescingHelper
    }

    private struct State {
        var sockets: [ID: Socket] = [:]
        var opened = 0
        var isEnding = false
    }

    /// The event loops that serve guests.
    package let group: MultiThreadedEventLoopGroup
    package let responder: GuestResponder
    private let limits: GuestLimits
    private let connectionLimits: ConnectionLimits
    private let tables: LoopTables
    private let onAcceptFailure: @Sendable (IOError) -> Void
    private let state = Locked(State())

    /// Listens on no address yet.
    ///
    /// - Parameters:
    ///   - onLimit: called each time that a limit is met, with the client.
    ///   - onAcceptFailure: called each time that accept(2) fails.
    package init(
        group: MultiThreadedEventLoopGroup, responder: GuestResponder, limits: GuestLimits,
        onLimit: @escaping @Sendable (ConnectionLimits.Key?, ConnectionLimits.Exceeded) -> Void,
        onAcceptFailure: @escaping @Sendable (IOError) -> Void
    ) async throws {
        (self.group, self.responder, self.limits) = (group, responder, limits)
        self.onAcceptFailure = onAcceptFailure
        connectionLimits = ConnectionLimits(limits: limits, onLimit: onLimit)
        tables = try await LoopTables(group: group, limits: connectionLimits)
    }

    /// Listens on an address; guests are answered from now on.
    ///
    /// - Throws: `ListenError`.
    @discardableResult
    package func open(_ address: SocketAddress, of scope: ListenScope = .anywhere) async throws(ListenError) -> ID {
        let quiescing = ServerQuiescingHelper(group: group)
        let socket: Socket
        do {
            let bootstrap = bootstrap(quiescing, of: scope)
            if let acceptsIPv4 = Self.acceptsIPv4(scope), address.protocol == .inet6 {
                let option = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
                _ = bootstrap.serverChannelOption(option, value: acceptsIPv4 ? 0 : 1)
            }
            let channel = try await bootstrap.bind(to: address).get()
            socket = Socket(channel: channel, quiescing: quiescing)
        } catch {
            throw ListenError(address: address, scope: scope, cause: error)
        }
        let (id, isLate) = state.withLock { state in
            state.opened += 1
            let id = ID(number: state.opened)
            if !state.isEnding { state.sockets[id] = socket }
            return (id, state.isEnding)
        }
        // The server was asked to stop while the socket was opened.
        if isLate { quiescing.initiateShutdown(promise: nil) }
        return id
    }

    /// Stops listening on a socket; requests already received are answered. A closed socket is left as it is.
    package func close(_ id: ID) {
        let socket = state.withLock { $0.sockets.removeValue(forKey: id) }
        socket?.quiescing.initiateShutdown(promise: nil)
    }

    /// The address of a socket, with the port that the kernel chose; `nil` for a closed one.
    package func address(of id: ID) -> SocketAddress? {
        state.withLock { $0.sockets[id]?.channel.localAddress }
    }

    /// How many connections are open now, and how many requests are held.
    package var present: (connections: Int, held: Int) { connectionLimits.present }

    /// Waits until the server is asked to stop or the task is cancelled, and then until all replies on their way have left, or
    /// time is up.
    package func run() async throws {
        // Not a promise of an event loop: guests may keep all loops busy for longer than the server waits.
        let completion = Completion()
        await withTaskCancellationOrGracefulShutdownHandler {
            await completion.wait()
        } onCancelOrGracefulShutdown: { [self] in
            let sockets: [Socket]? = state.withLock { state in
                defer { state.isEnding = true }
                return state.isEnding ? nil : Array(state.sockets.values)
            }
            // Both can happen.
            guard let sockets else { return }
            let farewells = sockets.map { socket in
                let farewell = group.any().makePromise(of: Void.self)
                socket.quiescing.initiateShutdown(promise: farewell)
                return farewell.futureResult
            }
            DispatchQueue(label: "farewell").asyncAfter(deadline: .now() + Self.farewell) { completion.signal() }
            EventLoopFuture.andAllComplete(farewells, on: group.any()).whenComplete { _ in completion.signal() }
        }
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

    private func bootstrap(_ quiescing: ServerQuiescingHelper, of scope: ListenScope) -> ServerBootstrap {
        let guests = GuestPipeline(responder: responder, scope: scope, limits: limits)
        let tables = tables
        let (device, mark, backlog): (Int32?, UInt32?, Int) =
            switch scope {
            case .anywhere: (nil, nil, Self.backlog)
            case .bridge(let bridge): (bridge.index, nil, Self.backlog)
            case .port(let port): (port.bridge.index, port.mark, Self.backlogOfPort)
            }
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Accepted sockets inherit these, as they inherit NIO's own TCP_NODELAY: nothing else has to be set on them.
            .serverChannelOption(.socketOption(.so_rcvbuf), value: .init(Self.receiveBuffer))
            .serverChannelOption(.tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: .init(Self.silence))
            .serverChannelOption(.socketOption(.so_sndbuf), value: .init(Self.sendBuffer))
            .serverChannelInitializer { [onAcceptFailure] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.withUnsafeTransportIfAvailable(of: CInt.self) { socket in
                        try SavedSYN.keep(onListener: socket)
                        if let device { try SocketDevice.bind(socket, toInterface: device) }
                        if let mark {
                            try SocketFilter.takeOnly(mark: mark, on: socket)
                            // ICMP from guests and the LAN must not change the size of packets.
                            try PathMTU.goByLinkAlone(socket)
                        }
                    }
                    try pipeline.addHandlers([
                        quiescing.makeServerChannelHandler(channel: channel),
                        AcceptFailures(onAcceptFailure),
                    ])
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try guests.addHandlers(to: channel, of: tables.table(of: channel.eventLoop))
                }
            }
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

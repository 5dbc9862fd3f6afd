import Common
import Glibc
import Kernel
import NIOCore
import NIOExtras
import NIOPosix
import ServiceLifecycle

/// The sockets that guests connect to, from the first connection to the last reply; they may come and go meanwhile.
final class GuestListener: Service {
    /// How many connections may wait to be accepted, the kernel's own limit aside: a rack that boots at once.
    private static let backlog = 4096
    /// How much of a reply the kernel takes beyond what a guest has room for, in bytes: enough to keep a fast one busy, and little
    /// enough that we see a slow one read, and that its kernel memory is not the host's.
    private static let unsent = 256 << 10
    /// How long replies that are on their way may take once we are asked to stop.
    private static let farewell: TimeAmount = .milliseconds(3500)

    /// A listening socket, to be closed by.
    struct ID: Hashable, Sendable {
        fileprivate let number: Int
    }

    /// One listening socket, and who knows its connections.
    private struct Socket {
        let channel: any Channel
        let quiescing: ServerQuiescingHelper
    }

    private struct State {
        var sockets: [ID: Socket] = [:]
        var opened = 0
        var isEnding = false
    }

    /// Whose event loops serve guests.
    let group: MultiThreadedEventLoopGroup
    /// Who answers.
    let responder: GuestResponder
    private let limits: Configuration.Limits
    private let census: Census
    private let tables: LoopTables
    private let onAcceptFailure: @Sendable (IOError) -> Void
    private let state = Locked(State())

    /// Listens nowhere yet.
    ///
    /// - Parameters:
    ///   - onExcess: told of each caller that meets a limit of its own, each time.
    ///   - onAcceptFailure: told when the kernel gives us no connection, each time.
    init(
        group: MultiThreadedEventLoopGroup, responder: GuestResponder, limits: Configuration.Limits,
        onExcess: @escaping @Sendable (Census.Caller, Census.Excess) -> Void,
        onAcceptFailure: @escaping @Sendable (IOError) -> Void
    ) async throws {
        (self.group, self.responder, self.limits) = (group, responder, limits)
        self.onAcceptFailure = onAcceptFailure
        census = Census(limits: limits, onExcess: onExcess)
        tables = try await LoopTables(group: group, census: census)
    }

    /// Listens on an address; guests are answered from now on.
    /// - Throws: `ListenError`.
    @discardableResult
    func open(_ address: SocketAddress, at place: ListeningPlace = .anywhere) async throws(ListenError) -> ID {
        let quiescing = ServerQuiescingHelper(group: group)
        let socket: Socket
        do {
            let bootstrap = bootstrap(quiescing, at: place)
            if place != .anywhere, address.protocol == .inet6 {
                // One socket for each family, so that `::` does not take what is IPv4's.
                let option = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
                _ = bootstrap.serverChannelOption(option, value: 1)
            }
            let channel = try await bootstrap.bind(to: address).get()
            socket = Socket(channel: channel, quiescing: quiescing)
        } catch {
            throw ListenError(address: address, place: place, cause: error)
        }
        let (id, isLate) = state.withLock { state in
            state.opened += 1
            let id = ID(number: state.opened)
            if !state.isEnding { state.sockets[id] = socket }
            return (id, state.isEnding)
        }
        // We were asked to stop while it was opened.
        if isLate { quiescing.initiateShutdown(promise: nil) }
        return id
    }

    /// Listens on a socket no longer; what its guests have asked is answered. Nothing happens to one that is closed.
    func close(_ id: ID) {
        let socket = state.withLock { $0.sockets.removeValue(forKey: id) }
        socket?.quiescing.initiateShutdown(promise: nil)
    }

    /// The address of a socket, with the port that the kernel chose; `nil` for one that is closed.
    func address(of id: ID) -> SocketAddress? {
        state.withLock { $0.sockets[id]?.channel.localAddress }
    }

    /// How many connections are open now, and how many requests are held.
    var present: (connections: Int, held: Int) { census.present }

    /// Waits until we are asked to stop, and then until all replies that were on their way have left, or the time for that is up.
    func run() async throws {
        let gone = group.any().makePromise(of: Void.self)
        try await withGracefulShutdownHandler {
            try await gone.futureResult.get()
        } onGracefulShutdown: { [self] in
            let sockets = state.withLock { state in
                state.isEnding = true
                return Array(state.sockets.values)
            }
            let farewells = sockets.map { socket in
                let farewell = group.any().makePromise(of: Void.self)
                socket.quiescing.initiateShutdown(promise: farewell)
                return farewell.futureResult
            }
            let loop = group.any()
            let timeout = loop.scheduleTask(in: Self.farewell) { gone.succeed() }
            EventLoopFuture.andAllComplete(farewells, on: loop).whenComplete { _ in
                timeout.cancel()
                gone.succeed()
            }
        }
    }

    private func bootstrap(_ quiescing: ServerQuiescingHelper, at place: ListeningPlace) -> ServerBootstrap {
        let reception = Reception(responder: responder, place: place, limits: limits)
        let tables = tables
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(Self.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // What is accepted inherits this, as it does NIO's own TCP_NODELAY: nothing is left to set there.
            .serverChannelOption(.tcpOption(.init(rawValue: TCP_NOTSENT_LOWAT)), value: Self.unsent)
            .serverChannelInitializer { [onAcceptFailure] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.withUnsafeTransportIfAvailable(of: CInt.self) { socket in
                        try SavedSYN.keep(onListener: socket)
                        if case .bridge(let bridge) = place {
                            try SocketDevice.bind(socket, toInterface: bridge.index)
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
                    try reception.addHandlers(to: channel, of: tables.table(of: channel.eventLoop))
                }
            }
    }
}

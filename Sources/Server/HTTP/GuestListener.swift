import Glibc
import Kernel
import NIOCore
import NIOExtras
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// The sockets that guests connect to, from the first connection to the last reply.
struct GuestListener: Service {
    /// How many connections may wait to be accepted, the kernel's own limit aside: a rack that boots at once.
    private static let backlog = 4096
    /// How much of a reply the kernel takes beyond what a guest has room for, in bytes: enough to keep a fast one busy, and little
    /// enough that we see a slow one read, and that its kernel memory is not the host's.
    private static let unsent = 256 << 10
    /// How long replies that are on their way may take once we are asked to stop.
    private static let farewell: TimeAmount = .milliseconds(3500)

    /// One listening socket, and who knows its connections.
    private struct Socket {
        let channel: any Channel
        let quiescing: ServerQuiescingHelper
    }

    private let group: MultiThreadedEventLoopGroup
    private let sockets: [Socket]

    /// Listens on all addresses; guests are answered from now on.
    ///
    /// - Throws: `ListenError` for the first address that cannot be listened on; then none is.
    init(
        on addresses: [SocketAddress], group: MultiThreadedEventLoopGroup, responder: GuestResponder, limits: Configuration.Limits
    ) async throws {
        let reception = Reception(
            responder: responder, limits: limits, tables: try await LoopTables(group: group, limits: limits))
        var sockets: [Socket] = []
        for address in addresses {
            let quiescing = ServerQuiescingHelper(group: group)
            do {
                let channel = try await Self.bootstrap(group, quiescing, reception).bind(to: address).get()
                sockets.append(Socket(channel: channel, quiescing: quiescing))
            } catch {
                for socket in sockets { try? await socket.channel.close() }
                throw ListenError(address: address, cause: error)
            }
        }
        (self.group, self.sockets) = (group, sockets)
    }

    /// The addresses that are listened on, with the ports that the kernel chose.
    var addresses: [SocketAddress] { sockets.compactMap(\.channel.localAddress) }

    /// Waits until we are asked to stop, and then until all replies that were on their way have left, or the time for that is up.
    func run() async throws {
        let gone = group.any().makePromise(of: Void.self)
        try await withGracefulShutdownHandler {
            try await gone.futureResult.get()
        } onGracefulShutdown: { [group, sockets] in
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

    private static func bootstrap(
        _ group: MultiThreadedEventLoopGroup, _ quiescing: ServerQuiescingHelper, _ reception: Reception
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // What is accepted inherits this, as it does NIO's own TCP_NODELAY: nothing is left to set there.
            .serverChannelOption(.tcpOption(.init(rawValue: TCP_NOTSENT_LOWAT)), value: unsent)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.withUnsafeTransportIfAvailable(of: CInt.self) { try SavedSYN.keep(onListener: $0) }
                    try pipeline.addHandler(quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try reception.addHandlers(to: channel) }
            }
    }
}

/// How a new connection is received: what stands between its bytes and its replies.
private struct Reception: Sendable {
    let responder: GuestResponder
    let limits: Configuration.Limits
    let tables: LoopTables

    func addHandlers(to channel: any Channel) throws {
        // Set here and not by the bootstrap, which takes several thousand instructions more for it.
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        let loop = tables.table(of: channel.eventLoop)
        var parsing = NIOHTTPDecoderLimitConfiguration()
        parsing.maxHeaderFieldSize = limits.requestHeadBytes
        parsing.maxHeaderListSize = limits.requestHeadBytes
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: parsing)
        let connection = GuestConnection(
            responder: responder, table: loop.connections, patience: patience, bodyLimit: limits.requestBodyBytes,
            dates: loop.dates)
        try channel.pipeline.syncOperations.addHandlers([ByteArrival(connection), ByteToMessageHandler(decoder), connection])
    }

    private var patience: GuestConnection.Patience {
        GuestConnection.Patience(
            request: ConnectionTable.ticks(limits.requestTimeout), idle: ConnectionTable.ticks(limits.idleTimeout),
            hold: ConnectionTable.ticks(limits.holdTimeout))
    }
}

/// An address that cannot be listened on.
struct ListenError: Error, CustomStringConvertible {
    let address: SocketAddress
    let cause: any Error

    /// What is wrong, and what to do about it.
    var description: String {
        let place = address.inBrackets
        switch (cause as? IOError)?.errnoCode {
        case EADDRINUSE:
            return "cannot listen on \(place): something else does; `ss -ltnp sport = :\(address.port ?? 0)` shows what"
        case EADDRNOTAVAIL:
            return
                "cannot listen on \(place): no interface has this address; give it to one (`ip address add`), or choose another "
                + "with --listen"
        case EACCES:
            return "cannot listen on \(place): ports below 1024 need root or the capability CAP_NET_BIND_SERVICE"
        default:
            return "cannot listen on \(place): \(cause)"
        }
    }
}

extension SocketAddress {
    /// As it is written in the configuration: `127.0.0.1:80`, `[::1]:80`.
    var inBrackets: String {
        let host = ipAddress ?? ""
        return host.contains(":") ? "[\(host)]:\(port ?? 0)" : "\(host):\(port ?? 0)"
    }
}

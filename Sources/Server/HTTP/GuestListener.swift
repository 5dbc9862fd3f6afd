import Common
import Kernel
import Logging
import NIOCore
import NIOExtras
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// The sockets that guests connect to, from the first connection to the last reply.
struct GuestListener: Service {
    /// How many connections may wait to be accepted, the kernel's own limit aside: a rack that boots at once.
    private static let backlog = 4096
    /// How long replies that are on their way may take once we are asked to stop.
    private static let farewell: TimeAmount = .seconds(4)

    let addresses: [SocketAddress]
    let group: MultiThreadedEventLoopGroup
    let responder: GuestResponder
    let limits: Configuration.Limits
    let logger: Logger
    /// Told of the addresses that are listened on, once all are.
    let onListening: @Sendable ([SocketAddress]) -> Void

    func run() async throws {
        let quiescing = ServerQuiescingHelper(group: group)
        let tables = try await LoopTables(group: group, limits: limits)
        var channels: [any Channel] = []
        do {
            for address in addresses {
                channels.append(try await bootstrap(quiescing, tables).bind(to: address).get())
            }
        } catch {
            for channel in channels { try? await channel.close() }
            throw ListenError(address: addresses[channels.count], reason: "\(error)")
        }
        onListening(channels.compactMap(\.localAddress))
        try await withGracefulShutdownHandler {
            for channel in channels { try await channel.closeFuture.get() }
            try await tables.drained(within: Self.farewell)
        } onGracefulShutdown: {
            quiescing.initiateShutdown(promise: nil)
        }
    }

    private func bootstrap(_ quiescing: ServerQuiescingHelper, _ tables: LoopTables) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(Self.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.withUnsafeTransportIfAvailable(of: CInt.self) { try SavedSYN.keep(onListener: $0) }
                    try pipeline.addHandler(quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            // NIO sets TCP_NODELAY on the listener, which hands it on to what it accepts: nothing is left to set there.
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try addHandlers(to: channel, tables.table(of: channel.eventLoop)) }
            }
    }

    private func addHandlers(to channel: any Channel, _ loop: LoopTables.Loop) throws {
        var parsing = NIOHTTPDecoderLimitConfiguration()
        parsing.maxHeaderFieldSize = limits.requestHeadBytes
        parsing.maxHeaderListSize = limits.requestHeadBytes
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: parsing)
        let connection = GuestConnection(
            responder: responder, table: loop.connections, patience: patience, bodyLimit: limits.requestBodyBytes, dates: loop.dates)
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
    let reason: String

    var description: String {
        "cannot listen on \(address.text): \(reason)"
    }
}

extension SocketAddress {
    /// `address:port`, an IPv6 address in brackets, as settings write it.
    var text: String {
        let host = ipAddress ?? "?"
        return "\(host.contains(":") ? "[\(host)]" : host):\(port ?? 0)"
    }
}

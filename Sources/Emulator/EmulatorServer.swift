package import Common
import Glibc
package import Guests
import NIOCore
import NIOPosix

/// Serves instances over sockets: each at a port of its own, or several at one, where the client's address says which one it is.
///
/// All connections of an emulator are on one thread. It never listens at 169.254.169.254 unless it is told that address.
package final class EmulatorServer: Sendable {
    /// How many connections there may be; more are closed at once.
    package static let mostConnections = 1024

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let loop: any EventLoop
    private let ports: [EmulatorPort]
    private let onFailure: @Sendable (String) -> Void
    let desk: EmulatorDesk

    /// - Parameters:
    ///   - ports: the clients of each.
    ///   - addresses: where each port is; their URLs are in this order.
    ///   - limits: the server's own, of which those of a request and of a connection hold here too.
    ///   - onRecord: gets the record of each request, on the thread of the connections.
    ///   - onFailure: is told of an address that is not listened on again after its connections were refused.
    package init(
        _ ports: [ClientSelection], on addresses: [IPAddress], clock: any EmulatorClock,
        director: any RequestDirector = FaithfulDirector(), limits: GuestLimits = GuestLimits(),
        onRecord: @escaping @Sendable (AccessRecord) -> Void = { _ in },
        onFailure: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        loop = group.next()
        self.ports = ports.map { EmulatorPort($0, addresses) }
        self.onFailure = onFailure
        desk = EmulatorDesk(clock: clock, director: director, limits: limits, onRecord: onRecord, loop: loop)
    }

    /// Serves each instance at a port of its own.
    package convenience init(
        _ instances: [EmulatedInstance], on addresses: [IPAddress], clock: any EmulatorClock,
        director: any RequestDirector = FaithfulDirector(), limits: GuestLimits = GuestLimits(),
        onRecord: @escaping @Sendable (AccessRecord) -> Void = { _ in }
    ) {
        self.init(
            instances.map { ClientSelection($0) }, on: addresses, clock: clock, director: director, limits: limits,
            onRecord: onRecord)
    }

    /// Has the scenario, whose ports are this server's, take part from now on.
    package func conduct(by director: any RequestDirector) { desk.director.withLock { $0 = director } }

    // MARK: Listening

    /// Listens.
    ///
    /// - Parameter port: the first one, the others are those after it; 0 has the system choose each.
    /// - Throws: ``EmulatorError`` where an address cannot be listened on.
    package func start(port: Int) async throws(EmulatorError) {
        for (number, served) in ports.enumerated() {
            try served.hold(port == 0 ? 0 : port + number)
            for index in served.addresses.indices { served.opened(index, try await listen(index, of: served)) }
        }
        desk.begin()
    }

    private func listen(_ index: Int, of port: EmulatorPort) async throws(EmulatorError) -> any Channel {
        let socket = try port.listeningSocket(index)
        do {
            return try await serve(socket, of: port).get()
        } catch {
            throw Self.error(error, index, port)
        }
    }

    /// Accepts connections of a socket that listens.
    private func serve(_ socket: Int32, of port: EmulatorPort) -> EventLoopFuture<any Channel> {
        bootstrap(for: port).withBoundSocket(socket).map { channel in
            // NIO has listened once more, with a backlog of its own.
            _ = Glibc.listen(socket, EmulatorPort.backlog)
            return channel
        }
    }

    private static func error(_ error: any Error, _ index: Int, _ port: EmulatorPort) -> EmulatorError {
        EmulatorError("cannot listen on \(EmulatorPort.text(port.addresses[index], port.number)): \(error)")
    }

    private func bootstrap(for port: EmulatorPort) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [desk] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EmulatedConnection(port, desk))
                }
            }
    }

    /// Closes everything.
    package func stop() async {
        for port in ports {
            for index in port.addresses.indices { try? await port.close(index)?.close() }
        }
        await desk.end()
        try? await group.shutdownGracefully()
    }

    // MARK: Addresses

    /// The URLs at which an instance is served, without a final slash.
    package func urls(of instance: EmulatedInstance) -> [String] {
        ports.first { $0.clients.instances.contains { $0 === instance } }?.urls ?? []
    }
}

extension EmulatorServer: PortSwitch {
    package func refuse(_ families: FamilySet, of instance: String) {
        for port in ports where port.clients.instances.contains(where: { $0.name == instance }) {
            let refused = port.refuse(families, of: instance)
            loop.execute { [self] in
                for (index, address) in port.addresses.enumerated() {
                    let isRefused = address.family == .v4 ? refused.v4 : refused.v6
                    if isRefused { port.close(index)?.close(promise: nil) } else { reopen(index, of: port) }
                }
            }
        }
    }

    /// Listens at the same port again.
    private func reopen(_ index: Int, of port: EmulatorPort) {
        guard !port.isOpen(index) else { return }
        do throws(EmulatorError) {
            let socket = try port.listeningSocket(index)
            serve(socket, of: port).whenComplete { [onFailure] result in
                switch result {
                case .success(let channel): port.opened(index, channel)
                case .failure(let error): onFailure("connections are still refused: \(Self.error(error, index, port))")
                }
            }
        } catch {
            onFailure("connections are still refused: \(error)")
        }
    }
}

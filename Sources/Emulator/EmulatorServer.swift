package import Common
import Glibc
import Guests
import NIOCore
import NIOPosix

/// Serves instances over sockets: each has a port of its own, and whoever connects to it is the instance's guest.
///
/// All connections of an emulator are on one thread. It never listens at 169.254.169.254 unless it is told that address.
package final class EmulatorServer: Sendable {
    /// How many connections there may be; more are closed at once.
    package static let mostConnections = 1024

    /// Where an instance is served.
    private final class Port: Sendable {
        let instance: EmulatedInstance
        let addresses: [IPAddress]
        /// The port and the open socket of each address; `nil` while it refuses connections.
        let open = Locked<(port: Int, sockets: [(any Channel)?])>((0, []))

        init(_ instance: EmulatedInstance, _ addresses: [IPAddress]) { (self.instance, self.addresses) = (instance, addresses) }
    }

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let loop: any EventLoop
    private let ports: [Port]
    let desk: EmulatorDesk

    /// - Parameters:
    ///   - addresses: where each instance is served, at the same port of each.
    ///   - onRecord: gets the record of each request, on the thread of the connections.
    package init(
        _ instances: [EmulatedInstance], on addresses: [IPAddress], clock: any EmulatorClock,
        director: any RequestDirector = FaithfulDirector(), onRecord: @escaping @Sendable (AccessRecord) -> Void = { _ in }
    ) {
        loop = group.next()
        ports = instances.map { Port($0, addresses) }
        desk = EmulatorDesk(clock: clock, director: director, onRecord: onRecord, loop: loop)
    }

    /// Has the scenario, whose ports are this server's, take part from now on.
    package func conduct(by director: any RequestDirector) { desk.director.withLock { $0 = director } }

    // MARK: Listening

    /// Listens.
    ///
    /// - Parameter port: of the first instance, the others have those after it; 0 has the system choose one for each.
    /// - Throws: ``EmulatorError`` where an address cannot be listened on.
    package func start(port: Int) async throws(EmulatorError) {
        for (number, served) in ports.enumerated() {
            var chosen = port == 0 ? 0 : port + number
            var sockets: [any Channel] = []
            for address in served.addresses {
                let socket = try await listen(on: address, port: chosen, for: served.instance)
                chosen = socket.localAddress?.port ?? chosen
                sockets.append(socket)
            }
            let all = sockets
            served.open.withLock { [chosen] in $0 = (chosen, all) }
        }
        desk.begin()
    }

    private func listen(on address: IPAddress, port: Int, for instance: EmulatedInstance) async throws(EmulatorError)
        -> any Channel
    {
        do {
            return try await bootstrap(for: instance).bind(host: "\(address)", port: port).get()
        } catch {
            let code = (error as? IOError)?.errnoCode
            let reason = code.map { KernelError(KernelError.Code(rawValue: $0), in: "bind").message } ?? "\(error)"
            let remedy = code == EADDRINUSE ? "; choose another port, or none for a free one" : ""
            throw EmulatorError("cannot listen on \(Self.text(address, port)): \(reason)\(remedy)")
        }
    }

    private func bootstrap(for instance: EmulatedInstance) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [desk] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EmulatedConnection(instance, desk))
                }
            }
    }

    /// Closes everything.
    package func stop() async {
        for port in ports {
            for socket in port.open.withLock({ $0.sockets }) { try? await socket?.close() }
        }
        await desk.end()
        try? await group.shutdownGracefully()
    }

    // MARK: Addresses

    /// The URLs at which an instance is served, without a final slash.
    package func urls(of instance: EmulatedInstance) -> [String] {
        guard let port = ports.first(where: { $0.instance === instance }) else { return [] }
        let number = port.open.withLock { $0.port }
        return port.addresses.map { "http://\(Self.text($0, number))" }
    }

    /// An authority, without HTTP's own port.
    private static func text(_ address: IPAddress, _ port: Int) -> String {
        let host = address.family == .v6 ? "[\(address)]" : "\(address)"
        return port == 80 ? host : "\(host):\(port)"
    }
}

extension EmulatorServer: PortSwitch {
    package func refuse(_ families: FamilySet, of instance: String) {
        for port in ports where port.instance.name == instance {
            loop.execute { [self] in
                for (index, address) in port.addresses.enumerated() {
                    let isRefused = address.family == .v4 ? families.v4 : families.v6
                    isRefused ? close(index, of: port) : reopen(index, of: port)
                }
            }
        }
    }

    private func close(_ index: Int, of port: Port) {
        let socket = port.open.withLock { open -> (any Channel)? in
            defer { open.sockets[index] = nil }
            return open.sockets[index]
        }
        socket?.close(promise: nil)
    }

    /// Listens at the same port again. Should another program have taken it, clients find that program.
    private func reopen(_ index: Int, of port: Port) {
        let (number, isOpen) = port.open.withLock { ($0.port, $0.sockets[index] != nil) }
        guard !isOpen else { return }
        bootstrap(for: port.instance).bind(host: "\(port.addresses[index])", port: number).whenSuccess { socket in
            port.open.withLock { $0.sockets[index] = socket }
        }
    }
}

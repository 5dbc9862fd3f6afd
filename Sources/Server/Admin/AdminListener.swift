import Common
import FoundationEssentials
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// The operator's side: a Unix socket for root, and metrics on loopback where that is wanted. No guest network reaches either.
///
/// It has an event loop of its own, so that whoever asks for much keeps no guest waiting.
final class AdminListener: Service {
    /// How long a connection may be silent.
    private static let idle = TimeAmount.seconds(30)
    /// Whose socket it is alone: what it says of guests is their operator's.
    private static let permissions: mode_t = 0o600
    private static let backlog: Int32 = 64

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let responder: AdminResponder
    private let logger: Logger
    private let sockets = Locked<[(channel: any Channel, file: String?)]>([])

    /// Listens nowhere yet.
    init(_ responder: AdminResponder, logger: Logger) {
        (self.responder, self.logger) = (responder, logger)
    }

    /// Listens where a configuration says.
    ///
    /// - Throws: `CommandFailure` where it cannot; but a socket that nobody named is done without, and that is said.
    func open(_ configuration: Configuration) async throws {
        if let address = configuration.adminListen {
            do {
                let channel = try await bootstrap(.health).bind(to: address).get()
                sockets.withLock { $0.append((channel, nil)) }
            } catch {
                throw CommandFailure("--admin-listen: \(ListenError(address: address, place: .anywhere, cause: error))")
            }
        }
        guard let path = configuration.adminSocketPath, try configuration.adminSocket != nil || configuration.followsBridges()
        else {
            return
        }
        do {
            try await openSocket(path)
        } catch {
            let failure = CommandFailure("cannot listen on the admin socket \(path): \(Self.reason(error))")
            guard configuration.adminSocket == nil else { throw failure }
            logger.warning(
                "the server cannot be asked by `virt-metadata list`, `get`, `log` and `doctor`",
                metadata: ["reason": "\(failure)", "option": "--admin-socket"])
        }
    }

    /// The address of the TCP socket, with the port that the kernel chose.
    var address: SocketAddress? { sockets.withLock { $0.first { $0.file == nil }?.channel.localAddress } }

    func run() async throws {
        try? await gracefulShutdown()
        for socket in sockets.withLock({ $0 }) {
            try? await socket.channel.close()
            // What is in its place by now is another server's, or was taken away.
            if let file = socket.file { try? FileManager.default.removeItem(atPath: file) }
        }
        try await group.shutdownGracefully()
    }

    private func openSocket(_ path: String) async throws {
        if FileManager.default.fileExists(atPath: path) {
            if await answers(path) { throw Taken() }
            // Nobody answers: it is what a server left that was killed. NIO removes it, if it is a socket.
        }
        let channel = try await bootstrap(.everything)
            // What is bound has the mode that the socket has before (unix(7), inode of the socket).
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    _ = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { socket in
                        guard fchmod(socket, Self.permissions) == 0 else {
                            throw IOError(errnoCode: errno, reason: "fchmod")
                        }
                    }
                }
            }
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        sockets.withLock { $0.append((channel, path)) }
    }

    private struct Taken: Error {}

    /// Whether a server listens there.
    private func answers(_ path: String) async -> Bool {
        guard let channel = try? await ClientBootstrap(group: group).connect(unixDomainSocketPath: path).get() else {
            return false
        }
        try? await channel.close()
        return true
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case is Taken: "another server answers there; stop it, or choose another with --admin-socket"
        case let error as IOError where error.errnoCode == ENOENT: "its directory is not there"
        case let error as IOError where error.errnoCode == EACCES: "this user may not write to its directory"
        default: "\(error)"
        }
    }

    private func bootstrap(_ scope: AdminResponder.Scope) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [responder] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: true, withErrorHandling: true)
                    try pipeline.addHandler(IdleStateHandler(allTimeout: Self.idle))
                    try pipeline.addHandler(AdminConnection(responder, within: scope))
                }
            }
    }
}

import Common
package import Configuration
import FoundationEssentials
import Glibc
import Guests
package import Logging
package import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// The admin interface: a Unix socket for root, and metrics on loopback where they are enabled. No guest network reaches either.
///
/// It has an event loop of its own, so that large admin requests delay no guest.
package final class AdminListener: Service {
    private static let idle = TimeAmount.seconds(30)
    /// Only the owner may connect: the interface shows the guests' metadata.
    private static let permissions: mode_t = 0o600
    private static let backlog: Int32 = 64

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let responder: AdminResponder
    private let logger: Logger
    private let sockets = Locked<[(channel: any Channel, file: String?)]>([])

    /// Listens on no socket yet.
    package init(_ responder: AdminResponder, logger: Logger) {
        (self.responder, self.logger) = (responder, logger)
    }

    /// Listens on the configured sockets.
    ///
    /// - Throws: `CommandFailure` where it cannot; a socket that is not configured explicitly is skipped, which is logged.
    package func open(_ configuration: Configuration) async throws {
        if let address = configuration.adminListen {
            do {
                let channel = try await bootstrap(.health).bind(to: address).get()
                sockets.withLock { $0.append((channel, nil)) }
            } catch {
                let cause = (error as? IOError).map { KernelError(KernelError.Code(rawValue: $0.errnoCode), in: "bind") }
                let failure = ListenError(address: address, scope: .anywhere, cause: cause ?? error)
                if failure.isHeldByAnother { throw ConfigurationError(location: "--admin-listen", problem: "\(failure)") }
                throw CommandFailure("--admin-listen: \(failure)")
            }
        }
        guard let path = configuration.adminSocketPath, try configuration.adminSocket != nil || configuration.followsBridges()
        else {
            return
        }
        do {
            try await openSocket(path)
        } catch {
            let problem = "cannot listen on \(path): \(Self.reason(error))"
            guard configuration.adminSocket == nil else {
                if error is SocketInUse { throw ConfigurationError(location: "--admin-socket", problem: problem) }
                throw CommandFailure("--admin-socket: \(problem)")
            }
            logger.warning(
                "admin socket not available; `virt-metadata status`, `get`, `requests`, `list` and `doctor` cannot query the server",
                metadata: ["error": "\(problem)", "setting": "admin-socket"])
        }
    }

    /// The address of the TCP socket, with the port that the kernel chose.
    package var address: SocketAddress? { sockets.withLock { $0.first { $0.file == nil }?.channel.localAddress } }

    package func run() async throws {
        try? await gracefulShutdown()
        for socket in sockets.withLock({ $0 }) {
            try? await socket.channel.close()
            // The file at this path is now another server's, or was removed.
            if let file = socket.file { try? FileManager.default.removeItem(atPath: file) }
        }
        try await group.shutdownGracefully()
    }

    private func openSocket(_ path: String) async throws {
        if FileManager.default.fileExists(atPath: path) {
            if await answers(path) { throw SocketInUse() }
            // No server answers: the socket is left over from a killed server. NIO removes it, if it is a socket.
        }
        let channel = try await bootstrap(.everything)
            // A bound socket gets the mode that it had before (unix(7), inode of the socket).
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

    private struct SocketInUse: Error {}

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
        case is SocketInUse: "another server uses it; stop that server, or choose another path"
        case let error as IOError where error.errnoCode == ENOENT: "no such directory"
        case let error as IOError where error.errnoCode == EACCES: "permission denied"
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

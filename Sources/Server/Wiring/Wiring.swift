import Common
import Inventory
import Kernel
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// Where the objects of the server meet: built from a configuration, run until a signal.
struct Wiring {
    /// How long after SIGTERM the process is gone, whatever guests do.
    private static let patience = Duration.milliseconds(4500)

    private let configuration: Configuration
    private let logger: Logger

    init(_ configuration: Configuration) {
        self.configuration = configuration
        var logger = Logger(label: "virt-metadata")
        logger.logLevel = configuration.logLevel
        self.logger = logger
    }

    func run() async throws {
        let board = SnapshotBoard()
        let inventory = InventoryService(
            uri: configuration.connect, edited: configuration.edited, sweepInterval: configuration.sweepInterval, board: board,
            clock: ContinuousClock(), logger: logger)
        let listener = try makeListener(board: board, wantLeases: { inventory.wantLeases(of: $0) })
        var services = ServiceGroupConfiguration(
            services: [inventory, listener], gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        services.maximumGracefulShutdownDuration = Self.patience
        do {
            try await ServiceGroup(configuration: services).run()
        } catch let error as ListenError {
            throw CommandFailure("\(error)")
        }
    }

    /// The service group's own remarks are about its inside, and not for operators.
    private var quiet: Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, configuration.logLevel <= .debug ? .debug : .error)
        return quiet
    }

    private func makeListener(board: SnapshotBoard, wantLeases: @escaping @Sendable (String) -> Void) throws -> GuestListener {
        let strangers = StrangerLog(logger: logger)
        let responder = GuestResponder(
            views: views, board: board, identification: try makeIdentification(), entropy: .system,
            onUnknown: { strangers.note($0, $1) }, wantLeases: wantLeases)
        return GuestListener(
            addresses: configuration.listen, group: MultiThreadedEventLoopGroup(numberOfThreads: configuration.threads),
            responder: responder, limits: configuration.limits, logger: logger,
            onListening: { [logger] addresses in
                for address in addresses { logger.info("listening", metadata: ["address": "\(address.text)"]) }
            })
    }

    private func makeIdentification() throws -> CallerIdentification {
        do {
            return CallerIdentification(
                neighbours: try Neighbours(), file: try configuration.neighbours.map { try NeighbourFile(path: $0) },
                trusted: configuration.trustForwardedFor)
        } catch let error as NeighbourFileError {
            throw ConfigurationError(place: "--neighbours", problem: "\(error)")
        } catch let error as KernelError {
            throw CommandFailure("cannot ask the kernel for neighbours: \(error)")
        }
    }
}

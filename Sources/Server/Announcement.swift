import Common
import Configuration
import Guests
import Interception
import Logging
import NIOCore
import ServiceLifecycle

/// Logs the start, with what is served, and the end. The start is logged once signals are handled, so that the log's reader may already stop the
/// server.
struct Announcement: Service {
    private let configuration: Configuration
    private let addresses: [SocketAddress]
    private let logger: Logger

    /// - Parameter addresses: the listen addresses outside bridges.
    init(_ configuration: Configuration, addresses: [SocketAddress], logger: Logger) {
        (self.configuration, self.addresses, self.logger) = (configuration, addresses, logger)
    }

    func run() async throws {
        let isFollowing = try configuration.followsBridges()
        logger.notice(
            "started",
            metadata: [
                "version": "\(Version.current)", "bridges": "\(isFollowing ? selection : "none")",
                "hypervisor.uri": "\(configuration.connect.joined(separator: ","))",
            ])
        for address in addresses { logger.info("listening", metadata: ["address": "\(address.inBrackets)"]) }
        try? await gracefulShutdown()
    }

    /// Which bridges the settings select.
    private var selection: String {
        let selection = configuration.interception.selection
        if selection.servesAll { return "all" }
        if selection.isOptIn { return "of enabled domains" }
        return (selection.networks.map { "network \($0)" } + selection.bridges).joined(separator: ", ")
    }

    /// Logs what the server leaves behind.
    ///
    /// - Parameter bridges: those that were served; `nil` for none.
    func logStop(_ bridges: BridgeStatusBoard?) {
        let names = (bridges?.bridges ?? []).map(\.name)
        guard !names.isEmpty else { return logger.notice("stopped") }
        guard !configuration.leavesBridgesOpen else {
            return logger.notice("stopped: addresses and rules removed", metadata: ["bridge": "\(names.joined(separator: ","))"])
        }
        logger.notice(
            "stopped: bridges stay closed to metadata requests",
            metadata: ["bridge": "\(names.joined(separator: ","))", "hint": "to open them: virt-metadata cleanup"])
    }
}

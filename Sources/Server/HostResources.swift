import Common
package import Configuration
package import Interception
package import Logging
import NFTables
import Netlink

/// The resources to serve a host's bridges: the lock and the record of installed state, nftables, and the kernel's notifications.
package final class HostResources {
    /// `nil` where nftables cannot be used, which has been logged.
    let tables: NFTables?
    /// The kernel's notifications of links, addresses and routes.
    let events: NetworkEvents
    private var file: InstalledStateFile?

    /// - Throws: `ConfigurationError` where another process serves this host, `CommandFailure` where the host cannot be served.
    package init(_ configuration: Configuration, logger: Logger) throws {
        do throws(NFTablesError) {
            tables = try NFTables()
        } catch {
            tables = nil
            logger.error(
                "nftables cannot be used: no bridge is served", metadata: ["error": "\(error)"])
        }
        do throws(KernelError) {
            events = try NetworkEvents(of: [.links, .addresses, .routes], routesTo: MetadataAddress.v4)
        } catch {
            throw CommandFailure("cannot subscribe to the kernel's link changes: \(error)")
        }
        file = try Self.file(in: configuration.runDirectory)
    }

    /// The record; it can be taken once.
    func takeFile() -> InstalledStateFile {
        guard let file = file.take() else { preconditionFailure("the record is taken once") }
        return file
    }

    /// Takes the lock and reads the record.
    package static func file(in directory: String) throws -> InstalledStateFile {
        do throws(InstalledStateFile.Failure) {
            return try InstalledStateFile(directory: directory)
        } catch {
            if case .held = error { throw ConfigurationError(location: "--run-directory", problem: "\(error)") }
            throw CommandFailure("\(error)")
        }
    }
}

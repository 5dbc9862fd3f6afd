import Kernel
import Logging

/// What it takes to serve a host's bridges: the lock and the record of what is ours, nftables, and the kernel's notifications.
final class HostResources {
    /// `nil` where nftables cannot be used; the operator has been told.
    let tables: NFTables?
    /// What the kernel says of links, addresses and routes.
    let events: NetworkEvents
    private var file: OwnedFile?

    /// - Throws: `ConfigurationError` where another process serves this host, `CommandFailure` where the host cannot be served.
    init(_ configuration: Configuration, logger: Logger) throws {
        do throws(NFTablesError) {
            tables = try NFTables()
        } catch {
            tables = nil
            logger.error(
                "nftables cannot be used: nothing is guarded, redirected or closed", metadata: ["reason": "\(error)"])
        }
        do throws(KernelError) {
            events = try NetworkEvents(of: [.links, .addresses, .routes])
        } catch {
            throw CommandFailure("cannot follow the kernel's links: \(error)")
        }
        file = try Self.file(in: configuration.runDirectory)
    }

    /// The record, once.
    func takeFile() -> OwnedFile {
        guard let file = file.take() else { preconditionFailure("the record is taken once") }
        return file
    }

    /// Takes the lock and reads the record.
    static func file(in directory: String) throws -> OwnedFile {
        do throws(OwnedFile.Failure) {
            return try OwnedFile(directory: directory)
        } catch {
            if case .held = error { throw ConfigurationError(place: "--run-directory", problem: "\(error)") }
            throw CommandFailure("\(error)")
        }
    }
}

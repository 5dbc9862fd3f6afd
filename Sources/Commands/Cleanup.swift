import ArgumentParser
import Common
import Configuration
import Interception
import NFTables
import Server

/// `virt-metadata cleanup`: removes the addresses and rules that a server installed in the kernel.
struct Cleanup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove the addresses and rules that a stopped server left behind.",
        discussion: """
            A server that stops leaves drop rules on the bridges that it served, so that guests cannot reach another metadata \
            server meanwhile. This command removes these rules, and the addresses that the server added, as recorded in the run \
            directory. Nothing else is changed. Needs root; stop the server first.

            EXAMPLES
                sudo systemctl stop virt-metadata
                sudo virt-metadata cleanup
            """)

    @OptionGroup var settings: SettingsOptions<RecordSettings>

    func run() async throws {
        let configuration = try settings.load()
        // The record is processed with no more rights than its writer had.
        try Demotion.becomeOwner(ofFile: InstalledStateFile.path(in: configuration.runDirectory), configuration)
        var file = try Self.file(in: configuration.runDirectory)
        if let damage = file.damage {
            throw CommandFailure(
                "\(file.path): \(damage); the file was renamed to \(file.path).damaged. Remove by hand what it recorded: "
                    + InstalledState.families.sorted().map { "nft delete table \($0) \(RuleTable.name); " }.joined()
                    + "ip address del \(MetadataAddress.v4)/32 dev BRIDGE")
        }
        let problems = file.release(try? NFTables())
        guard problems.isEmpty else { throw CommandFailure("cannot remove everything: " + problems.joined(separator: "; ")) }
        VirtMetadata.printError("all virt-metadata addresses and rules removed")
    }

    private static func file(in directory: String) throws -> InstalledStateFile {
        do throws(InstalledStateFile.Failure) {
            return try InstalledStateFile(directory: directory)
        } catch {
            switch error {
            case .held(_, let process):
                let server = "a server serves this host's bridges\(process.map { " (process \($0))" } ?? "")"
                throw ConfigurationError(
                    location: directory, problem: "\(server); stop it first: sudo systemctl stop virt-metadata")
            case .unusable(let path, let cause) where [.accessDenied, .notPermitted].contains(cause.code):
                throw CommandFailure("\(path): permission denied: run as root")
            case .unusable: throw CommandFailure("\(error)")
            }
        }
    }
}

import ArgumentParser
import Configuration
import Interception
import NFTables
import Server

/// `virt-metadata release`: removes the addresses and rules that a server installed in the kernel.
struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take away the addresses and rules that a server left.",
        discussion: """
            A server that ends leaves its bridges closed, so that no guest is answered by somebody else meanwhile. This opens them: \
            what the record in the run directory names is taken away, and nothing else. As root it first becomes the user who owns \
            the record.

            EXAMPLES
                virt-metadata release
            """)

    @OptionGroup var settings: CommandSettings

    func run() async throws {
        let configuration = try settings.load()
        // The record is processed with no more rights than its writer had.
        try Demotion.becomeOwner(ofFile: InstalledStateFile.path(in: configuration.runDirectory), configuration)
        var file = try HostResources.file(in: configuration.runDirectory)
        if let damage = file.damage {
            throw CommandFailure(
                "\(file.path): \(damage); it was set aside. What it named is to be removed by hand: "
                    + RuleSet.families.map { "nft delete table \($0) \(RuleTable.name); " }.joined()
                    + "ip address del \(MetadataAddress.v4)/32 dev BRIDGE")
        }
        let problems = file.release(try? NFTables())
        guard problems.isEmpty else {
            throw CommandFailure("not everything could be taken away: " + problems.joined(separator: "; "))
        }
        VirtMetadata.printError("nothing of virt-metadata's is left in the kernel")
    }
}

import ArgumentParser
import Kernel

/// `virt-metadata release`: takes away what a server put into the kernel's network.
struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take away the addresses and rules that a server left.",
        discussion: """
            A server that ends leaves its bridges closed, so that no guest is answered by somebody else meanwhile. This opens them: \
            what the record in the run directory names is taken away, and nothing else.

            EXAMPLES
                virt-metadata release
            """)

    @OptionGroup var settings: CommandSettings

    func run() async throws {
        let configuration = try settings.load()
        var file = try HostResources.file(in: configuration.runDirectory)
        if let damage = file.damage {
            throw CommandFailure(
                "\(file.path): \(damage); it was set aside. What it named is to be removed by hand: "
                    + "nft delete table bridge \(RuleSet.table); nft delete table inet \(RuleSet.table); "
                    + "ip address del \(MetadataAddress.v4)/32 dev BRIDGE")
        }
        let problems = file.release(try? NFTables())
        guard problems.isEmpty else {
            throw CommandFailure("not everything could be taken away: " + problems.joined(separator: "; "))
        }
        VirtMetadata.complain("nothing of virt-metadata's is left in the kernel")
    }
}

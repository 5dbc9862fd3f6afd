import Admin
import ArgumentParser
import Configuration
import Glibc

/// `virt-metadata get`: prints what the running server answers a guest.
struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what the running server answers a guest.",
        discussion: """
            The server is asked over its admin socket, which is root's, and answers as it would answer that guest, with a good \
            token where one is needed. The body is printed to the byte. The exit status is 1 where the guest would not get 200, \
            and 2 where no server can be asked.

            EXAMPLES
                virt-metadata get web /latest/meta-data/instance-id
                virt-metadata get web /openstack/latest/meta_data.json
            """)

    @Argument(help: "The domain's name or UUID, or the instance's identifier.")
    var domain: String

    @Argument(help: "The place, from '/' on.")
    var path: String

    @OptionGroup var settings: CommandSettings

    func run() async throws {
        let client = AdminClient(try settings.load())
        let answer = try await client.answer("instances", domain, "get", query: [("path", path)])
        try FileDescriptorOutput.show(answer.error == nil ? answer.bytes : [])
        guard answer.status != 200 else { return }
        throw CommandFailure(answer.error ?? "the guest gets \(answer.status) for \(path)")
    }
}

extension AdminClient {
    /// The same as `get`; where there is no server, prints the problem and exits with 2.
    func answer(_ components: String..., query: [(String, String)] = []) async throws -> Answer {
        do throws(Failure) {
            return try await get(components, query: query)
        } catch {
            VirtMetadata.printError("virt-metadata: \(error.problem)")
            throw ExitCode(VirtMetadata.usageExitCode)
        }
    }
}

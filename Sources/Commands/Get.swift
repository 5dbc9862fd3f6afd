import Admin
import ArgumentParser
import Common
import Configuration
import Glibc

/// `virt-metadata get`: prints what the running server answers a guest.
struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the running server's response to a guest's request.",
        discussion: """
            The response is the one that the guest would get, with a valid session token if the guest needs one. The body is printed \
            byte for byte. Needs root and a running server.

            Exit status: 0 success; 1 the guest would get another status than 200, or the server does not know the domain; 2 the \
            server cannot be reached.

            EXAMPLES
                sudo virt-metadata get web /latest/meta-data/instance-id
                sudo virt-metadata get web /openstack/latest/meta_data.json
            """)

    @Argument(help: "The domain's name or UUID, or the instance-id.", completion: .domains)
    var domain: String

    @Argument(help: "The path, such as /latest/meta-data/.")
    var path: String

    @OptionGroup var settings: SettingsOptions<AdminSettings>

    func run() async throws {
        let configuration = try settings.load()
        let client = AdminClient(configuration)
        let path = path.hasPrefix("/") ? path : "/" + path
        let answer = try await client.answer("instances", domain, "get", query: [("path", path)])
        guard answer.status != 200 else { return try FileDescriptorOutput.show(answer.bytes) }
        if let error = answer.error {
            throw CommandFailure(await StoppedDomain.problem(domain, in: answer, configuration) ?? error)
        }
        // The message begins on a line of its own, also where both streams are one terminal.
        let isLine = answer.bytes.isEmpty || answer.bytes.last == UInt8(ascii: "\n")
        try FileDescriptorOutput.show(answer.bytes + (isLine ? [] : [UInt8(ascii: "\n")]))
        guard answer.status == 404 else { throw CommandFailure("\(path): the guest gets status \(answer.status)") }
        throw CommandFailure(
            "\(path): not served for this domain (404); `virt-metadata tree \(domain.shellWord)` lists its paths")
    }
}

extension AdminClient {
    /// The same as `get`; where there is no server, prints the problem and exits with 2.
    func answer(_ components: String..., query: [(String, String)] = []) async throws -> Answer {
        do throws(Failure) {
            return try await get(components, query: query)
        } catch {
            VirtMetadata.printError("virt-metadata: \(error.sentence)")
            throw ExitCode(VirtMetadata.usageExitCode)
        }
    }
}

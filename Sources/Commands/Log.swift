import Admin
import ArgumentParser
import Common
import Configuration
import Glibc
import JSON

/// `virt-metadata log`: prints the last requests of a guest.
struct Log: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a guest's last requests.",
        discussion: """
            The server remembers the last few requests of each guest: when, what for, the status, and how long the answer took. The \
            newest is printed last. The exit status is 1 where the domain is not known, and 2 where no server can be asked.

            EXAMPLES
                virt-metadata log web
                virt-metadata log web --json
            """)

    @Argument(help: "The domain's name or UUID, or the instance's identifier.")
    var domain: String

    @Flag(help: "Print JSON; /usr/share/doc/virt-metadata/admin.md describes it.")
    var json = false

    @OptionGroup var settings: CommandSettings

    func run() async throws {
        let client = AdminClient(try settings.load())
        let answer = try await client.answer("instances", domain, "requests")
        guard answer.status == 200 else { throw CommandFailure(answer.error ?? "the server said \(answer.status)") }
        if json { return try FileDescriptorOutput.show(answer.bytes) }
        guard let document = try? JSONParsing.value(of: answer.bytes), case .array(let requests)? = document["requests"] else {
            throw CommandFailure("the server's answer is none that this version knows")
        }
        guard !requests.isEmpty else { return VirtMetadata.printError("\(domain) has asked for nothing yet") }
        let rows = requests.map { request in
            [
                request.text("time"), Age.text(request.number("age")), request.text("status"), request.text("method"),
                request.text("target"), Age.text(request.number("duration")),
            ]
        }
        let table = TextTable(["TIME", "AGO", "STATUS", "METHOD", "TARGET", "TOOK"], rows)
        try FileDescriptorOutput.write(Array(table.text(on: Terminal(STDOUT_FILENO)).utf8), to: STDOUT_FILENO)
    }
}

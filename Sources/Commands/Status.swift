import Admin
import ArgumentParser
import Common
import Configuration
import JSON

/// `virt-metadata status`: shows the state of the running server.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show whether the server runs, and which bridges it serves.",
        discussion: """
            SERVED BY: the setting or the enabled domain that selects the bridge. A domain is enabled by its SMBIOS identity, its \
            <instance> element, or its kernel command line. Needs root.

            Exit status: 0 the server runs and is ready; 1 it does not run, is not ready, or cannot be reached.

            EXAMPLES
                sudo virt-metadata status
                sudo virt-metadata status -o json
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var settings: SettingsOptions<AdminSettings>

    func run() async throws {
        let client = AdminClient(try settings.load())
        let answer: AdminClient.Answer
        do throws(AdminClient.Failure) {
            answer = try await client.get(["status"])
        } catch {
            guard !error.isDenied else { throw CommandFailure(error.sentence) }
            let document = JSONValue.object([
                JSONMember("running", .bool(false)), JSONMember("ready", .bool(false)),
                JSONMember("problem", .string(error.sentence)),
            ])
            try output.print(document) { _ in "\(error.sentence.cleaned())\n" }
            throw ExitCode.failure
        }
        guard answer.status == 200, let document = try? JSONParsing.value(of: answer.bytes, limit: Self.longest) else {
            throw CommandFailure(answer.error ?? "the server answered \(answer.status)")
        }
        try output.print(document) { Self.text(of: document, on: $0) }
        guard case .bool(true)? = document["ready"] else { throw ExitCode.failure }
    }

    private static let longest = 64 << 20

    private static func text(of status: JSONValue, on terminal: Terminal) -> String {
        let uptime = Age.text(status.number("uptime"))
        let head = """
            virt-metadata \(status.text("version")): running since \(status.text("started")) (\(uptime)), process \(status.text("pid"))
            \(status.text("summary"))

            """
        let hypervisors = status.list("hypervisors").map { hypervisor in
            let isConnected = hypervisor["connected"] == .bool(true)
            return [
                hypervisor.text("uri"), isConnected ? "connected" : "not connected", hypervisor.text("read", else: "never"),
                hypervisor.text("error", else: "-"),
            ]
        }
        let bridges = status.list("bridges").map { bridge in
            [
                bridge.text("name"), bridge["served"] == .bool(true) ? "served" : "not yet", bridge.text("by"),
                bridge.text("since", else: "-"), bridge.text("interception"), bridge.text("interfaces"),
            ]
        }
        let columns = ["HYPERVISOR", "STATE", "LAST FULL READ", "ERROR"]
        var text = head.cleaned(for: .page) + "\n" + TextTable(columns, hypervisors).text(on: terminal)
        if !bridges.isEmpty {
            let columns = ["BRIDGE", "STATE", "SERVED BY", "SINCE", "INTERCEPTION", "INTERFACES"]
            text += "\n" + TextTable(columns, bridges).text(on: terminal)
        }
        if let error = status["last_error"], case .object = error {
            text += "\nLast error, \(error.text("time")): \(error.text("message"))\n".cleaned(for: .page)
        }
        return text
    }
}

extension JSONValue {
    fileprivate func list(_ name: String) -> [JSONValue] {
        if case .array(let values)? = self[name] { values } else { [] }
    }

    /// A member as text; the alternative where it is null or missing.
    fileprivate func text(_ name: String, else alternative: String) -> String {
        self[name] == .null || self[name] == nil ? alternative : text(name)
    }
}

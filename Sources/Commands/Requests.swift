import Admin
import ArgumentParser
import Common
import Configuration
import Glibc
import JSON
import YAML

/// `virt-metadata requests`: prints the last requests of a guest.
struct Requests: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a guest's last requests.",
        discussion: """
            The server keeps the last 128 requests of each guest, also those from before the domain's last start: time, \
            status, method, path and duration. The newest is printed last. Needs root and a running server.

            With --follow, new requests are printed until the command is interrupted or the server stops, as JSON with one \
            object per line. If the domain is shut off, --follow waits for its start.

            Exit status: 0 success; 1 the server does not know the domain, or stopped during --follow; 2 the server cannot be \
            reached.

            EXAMPLES
                sudo virt-metadata requests web
                sudo virt-metadata requests web --follow -n 0
                sudo virt-metadata requests web -o json
            """)

    /// How often a followed server is queried.
    private static let interval = Duration.seconds(1)

    @Argument(help: "The domain's name or UUID, or the instance-id.", completion: .domains)
    var domain: String

    @Flag(name: .shortAndLong, help: "Print new requests as they arrive.")
    var follow = false

    @Option(
        name: [.customShort("n"), .customLong("lines")],
        parsing: .unconditional,
        help: ArgumentHelp("Print only the last COUNT requests. Default: all that the server keeps.", valueName: "count"),
        transform: { try IntegerArgument.value(of: $0, in: 0 ... .max) })
    var limit: Int?

    @OptionGroup var output: OutputOptions
    @OptionGroup var settings: SettingsOptions<AdminSettings>

    func validate() throws {
        if limit == 0, !follow { throw ValidationError("-n 0 prints nothing: expected 1 or more, or --follow") }
    }

    func run() async throws {
        let configuration = try settings.load()
        let client = AdminClient(configuration)
        let answer = try await client.answer("instances", domain, "requests")
        guard answer.status == 200 else {
            let problem = await StoppedDomain.problem(domain, in: answer, configuration)
            throw CommandFailure(problem ?? answer.error ?? "the server answered \(answer.status)")
        }
        let log = try RequestLog(answer.bytes)
        let shown = limit.map { Array(log.requests.suffix($0)) } ?? log.requests
        guard !follow else { return try await follow(client, log, shown) }
        if output.format == .table, log.requests.isEmpty {
            return VirtMetadata.printError("\(domain): no requests since the server started")
        }
        try output.print(log.document(of: shown)) { Self.table(shown).text(on: $0) }
        if output.format == .table { printNotes(log, shown) }
    }

    /// Prints what the rows alone do not tell: requests that are no longer kept, and those of an earlier run of the domain.
    private func printNotes(_ log: RequestLog, _ shown: [JSONValue]) {
        let dropped = log.count - log.requests.count
        if dropped > 0, shown.count == log.requests.count {
            let older = dropped == 1 ? "1 older request is" : "\(dropped) older requests are"
            VirtMetadata.printError("\(domain): \(older) no longer kept; --follow shows all new requests")
        }
        let earlier = shown.count { $0["earlier_run"] == .bool(true) }
        guard earlier > 0 else { return }
        VirtMetadata.printError(
            earlier == shown.count
                ? "\(domain): no requests since the domain's last start; these requests are older"
                : "\(domain): the first \(earlier == 1 ? "" : "\(earlier) ")of these \(shown.count) requests "
                    + "\(earlier == 1 ? "is" : "are") from before the domain's last start")
    }

    private static func table(_ requests: [JSONValue]) -> TextTable {
        TextTable(columns, requests.map(cells))
    }

    private static let columns = ["TIME", "AGO", "STATUS", "METHOD", "TOOK", "TARGET"]

    private static func cells(of request: JSONValue) -> [String] {
        [
            request.text("time"), Age.text(request.number("age")), request.text("status"), request.text("method"),
            Age.text(request.number("duration")), request.text("target"),
        ]
    }

    // MARK: Following

    private func follow(_ client: AdminClient, _ first: RequestLog, _ shown: [JSONValue]) async throws {
        var (known, isAway) = (first.count, false)
        if output.format == .table { try write(Self.line(Self.columns)) }
        for request in shown { try write(line(of: request)) }
        while true {
            try await Task.sleep(for: Self.interval)
            let answer: AdminClient.Answer
            do throws(AdminClient.Failure) {
                answer = try await client.get(["instances", domain, "requests"])
            } catch {
                throw CommandFailure("lost the server: \(error.problem)")
            }
            guard answer.status == 200 else {
                if !isAway { VirtMetadata.printError("\(domain): not running; waiting for it") }
                isAway = true
                continue
            }
            isAway = false
            let log = try RequestLog(answer.bytes)
            // A smaller count is that of a server that has been restarted.
            let new = log.count < known ? log.count : log.count - known
            if new > log.requests.count {
                VirtMetadata.printError("\(domain): \(new - log.requests.count) more requests arrived than the server keeps")
            }
            for request in log.requests.suffix(new) { try write(line(of: request)) }
            known = log.count
        }
    }

    private func line(of request: JSONValue) -> String {
        switch output.format {
        case .json: JSONEncoding.text(request) + "\n"
        case .yaml: "---\n" + YAMLEncoding.text(request)
        case .table: Self.line(Self.cells(of: request))
        }
    }

    /// A line of a table whose later rows are not known yet.
    private static func line(_ cells: [String]) -> String {
        let widths = [20, 7, 6, 7, 7, 0]
        let padded = zip(cells, widths).map { cell, width in
            cell.cleaned() + String(repeating: " ", count: max(0, width - cell.cleaned().count))
        }
        return padded.joined(separator: "  ") + "\n"
    }

    private func write(_ text: String) throws(CommandFailure) {
        try FileDescriptorOutput.show(Array(text.utf8))
    }
}

/// The server's answer about the requests of one guest.
private struct RequestLog {
    private let members: [JSONMember]
    let requests: [JSONValue]
    /// How many requests there were in all since the server started.
    let count: Int

    init(_ bytes: [UInt8]) throws(CommandFailure) {
        guard case .object(let members)? = try? JSONParsing.value(of: bytes),
            case .array(let requests)? = members.first(where: { $0.name == "requests" })?.value
        else {
            throw CommandFailure("cannot read the server's answer: the running server is of another version; restart it")
        }
        (self.members, self.requests) = (members, requests)
        count = Int(JSONValue.object(members).number("count"))
    }

    /// The answer with only these requests.
    func document(of requests: [JSONValue]) -> JSONValue {
        .object(members.map { $0.name == "requests" ? JSONMember("requests", .array(requests)) : $0 })
    }
}

import ArgumentParser
import Common
import Configuration
import FoundationEssentials
import Glibc
import Probe
import Recording

/// `virt-metadata crawl`: records what a metadata server answers.
struct Crawl: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record a metadata server's responses in a folder that emulate serves again.",
        discussion: """
            Run it in a guest of any cloud, or against any server. It reads the EC2, OpenStack and NoCloud trees in every version as \
            cloud-init does, with a session token where the server makes some, and keeps status, header fields and body of each response. \
            It sends GET, and one PUT for the token; redirects are not followed.

            Credentials, tokens, passwords, private keys, account numbers, and user data that cannot be examined are replaced before anything \
            is written, and what was replaced is printed. Look through the folder before you publish it: a secret without a name or a known \
            form is not found.

            Exit status: 0 recorded; 1 recorded in part (what is missing is printed), or the folder cannot be written; 2 usage error, or no \
            metadata at this URL.

            EXAMPLES
              In a guest:
                virt-metadata crawl http://169.254.169.254/ -o recording
                virt-metadata emulate recording --print-url
            """)

    @Argument(help: ArgumentHelp("The server, such as http://169.254.169.254/.", valueName: "url"))
    var url: String

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("The folder to write; it must not exist.", valueName: "folder"), completion: .directory)
    var output: String

    @Flag(help: "Replace the folder if it is a recording.")
    var replace = false

    @Flag(help: "Read latest of each tree only, not the dated versions.")
    var latestOnly = false

    @Option(
        help: ArgumentHelp(
            "Do not replace secrets at this path below a version, and below it: user-data, meta-data/iam. Repeatable.",
            valueName: "path"))
    var keep: [String] = []

    @Flag(help: "Replace no secrets at all.")
    var keepAll = false

    @OptionGroup var limits: ProbeLimits

    func run() throws {
        let server = try ProbeFailure.orExit { () throws(ProbeURLError) in try ProbeURL(url) }
        var facts = stat()
        // Safe: lstat(2) reads the path up to its zero and fills one structure.
        guard unsafe lstat(output, &facts) != 0 || replace && RecordingFolder.isRecording(output) else {
            throw CommandFailure(
                replace
                    ? "\(output): exists and is not a recording: choose another folder"
                    : "\(output): exists: choose another folder, or use --replace")
        }
        var recording = try ProbeFailure.orExit { () throws(any Error) in
            var crawler = try Crawler(server, limits: limits.crawl)
            return try crawler.run(latestOnly: latestOnly)
        }
        recording.recorded = Date().formatted(.iso8601)
        recording.tool = "virt-metadata \(Version.current)"
        if keepAll {
            VirtMetadata.printError("virt-metadata: warning: --keep-all: \(output) has the server's secrets, if there are any")
        } else {
            recording.redact(keeping: keep)
        }
        do throws(RecordingError) {
            try RecordingFolder.write(recording, to: output, replacing: replace)
        } catch {
            throw CommandFailure("\(error)")
        }
        try report(recording)
    }

    private func report(_ recording: Recording) throws {
        let found = recording.responses.count { $0.status == 200 }
        var lines = [
            "\(output.cleaned()): \(found) responses, and \(recording.responses.count - found) of paths that are not there; session tokens: "
                + (recording.tokens == .none ? "none (\(recording.tokenStatus))" : recording.tokens.rawValue)
        ]
        for path in keep { lines.append("kept: \(path.cleaned())") }
        var byKind: [(what: String, count: Int, targets: [String])] = []
        for redaction in recording.redactions {
            if let index = byKind.firstIndex(where: { $0.what == redaction.what }) {
                byKind[index].count += redaction.count
                byKind[index].targets.append(redaction.target)
            } else {
                byKind.append((redaction.what, redaction.count, [redaction.target]))
            }
        }
        for kind in byKind {
            let shown = kind.targets.prefix(3).map { $0.cleaned() }.joined(separator: ", ")
            let more = kind.targets.count > 3 ? " and \(kind.targets.count - 3) more paths" : ""
            lines.append("replaced: \(kind.what), \(kind.count) times in \(shown)\(more)")
        }
        if !keepAll, byKind.isEmpty { lines.append("replaced: nothing, no secret was found") }
        try FileDescriptorOutput.write(Array(lines.map { $0 + "\n" }.joined().utf8), to: STDOUT_FILENO)
        for omission in recording.omissions { VirtMetadata.printError("virt-metadata: not recorded: \(omission)") }
        guard recording.omissions.isEmpty else { throw ExitCode(1) }
    }
}

/// Bounds of a crawl, shared by the commands that ask a server.
struct ProbeLimits: ParsableArguments {
    @Option(
        help: ArgumentHelp("Seconds for each request. (default: 10)", valueName: "seconds"),
        transform: { try IntegerArgument.value(of: $0, in: 1...600) })
    var timeout: Int?

    @Option(
        help: ArgumentHelp("Seconds for the whole run. (default: 300)", valueName: "seconds"),
        transform: { try IntegerArgument.value(of: $0, in: 1...86_400) })
    var timeLimit: Int?

    @Option(
        help: ArgumentHelp("Stop after this number of requests. (default: 10000)", valueName: "count"),
        transform: { try IntegerArgument.value(of: $0, in: 1...20_000) })
    var requestLimit: Int?

    var crawl: CrawlLimits {
        var limits = CrawlLimits()
        if let timeout { limits.timeout = .seconds(timeout) }
        if let timeLimit { limits.time = .seconds(timeLimit) }
        if let requestLimit { limits.requests = requestLimit }
        return limits
    }
}

/// A server that cannot be asked.
enum ProbeFailure {
    /// Runs a body; an error is printed and ends the command with 2.
    static func orExit<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(ExitCode) -> Value {
        do throws(Failure) {
            return try body()
        } catch {
            VirtMetadata.printError("virt-metadata: \(error)")
            throw ExitCode(VirtMetadata.usageExitCode)
        }
    }
}

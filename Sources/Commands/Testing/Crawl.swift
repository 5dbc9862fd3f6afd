import ArgumentParser
import Common
import Configuration
import FoundationEssentials
import Glibc
import Host
import Probe
import Recording

/// `virt-metadata crawl`: records what a metadata server answers.
struct Crawl: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record a metadata server's responses in a folder that emulate serves again.",
        discussion: """
            Run it in a guest of any cloud, or against any server. It reads the EC2, OpenStack and NoCloud trees in every version as \
            cloud-init does, with a session token if the server issues tokens, and keeps status, header fields and body of each response. \
            It sends GET, and one PUT for the token; redirects are not followed. A quarter of --time-limit is reserved to examine the \
            responses and write the folder.

            Credentials, tokens, passwords, private keys, account numbers, and user data that cannot be examined are replaced before anything \
            is written, and what was replaced is printed. Look through the folder before you publish it: a secret without a name or a known \
            form is not found.

            Exit status: 0 recorded; 1 recorded in part (what is missing is printed), or the folder cannot be written; 2 usage error, or no \
            metadata at this URL; 143 or 130 after SIGTERM or SIGINT, with nothing written.

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
            "Do not replace secrets at and below this path, given without the version: user-data, meta-data/iam. Repeatable.",
            valueName: "path"))
    var keep: [String] = []

    @Flag(help: "Replace no secrets at all.")
    var keepAll = false

    @OptionGroup var limits: ProbeLimits

    func run() throws {
        let start = ContinuousClock.now
        let server = try ProbeFailure.orExit { () throws(ProbeURLError) in try ProbeFailure.url(url) }
        var facts = stat()
        // Safe: lstat(2) reads the path up to its zero and fills one structure.
        guard unsafe lstat(output, &facts) != 0 || replace && RecordingFolder.isRecording(output) else {
            throw CommandFailure(
                replace
                    ? "\(output): exists and is not a recording: choose another folder"
                    : "\(output): exists: choose another folder, or use --replace")
        }
        var bounds = limits.crawl
        // The last quarter is for redaction and files, which take as long as many requests.
        bounds.reserve = bounds.time / 4
        let limits = bounds
        var recording = try ProbeFailure.orExit { () throws(any Error) in
            var crawler = try Crawler(server, limits: limits)
            return try crawler.run(latestOnly: latestOnly)
        }
        recording.recorded = Date().formatted(.iso8601)
        recording.tool = "virt-metadata \(Version.current)"
        if keepAll {
            VirtMetadata.printError("virt-metadata: warning: --keep-all: \(output) has the server's secrets, if there are any")
        } else {
            try redact(&recording, until: start.advanced(by: limits.time * 0.95), limits.time)
        }
        try write(recording)
        try report(recording)
    }

    private func redact(_ recording: inout Recording, until deadline: ContinuousClock.Instant, _ time: Duration) throws {
        let removed = recording.redact(keeping: keep, until: deadline)
        guard removed > 0 else { return }
        let limit = "\(Int(time / .seconds(1))) s"
        guard !recording.responses.isEmpty else {
            throw CommandFailure("no response could be examined for secrets within \(limit): use a longer --time-limit")
        }
        recording.omissions.append(
            Recording.cut + "after \(limit): the last \(removed) responses could not be examined for secrets, and are left out")
    }

    /// Writes the folder; a signal leaves nothing of it behind.
    private func write(_ recording: Recording) throws {
        let received = Locked<Int32?>(nil)
        let signals = CaughtSignals([SIGTERM, SIGINT]) { number in received.withLock { $0 = number } }
        defer { withExtendedLifetime(signals) {} }
        do throws(RecordingError) {
            try RecordingFolder.write(recording, to: output, replacing: replace) { received.withLock { $0 != nil } }
        } catch {
            guard let number = received.withLock({ $0 }) else { throw CommandFailure("\(error)") }
            VirtMetadata.printError("virt-metadata: \(error)")
            // As a shell reports a program that the signal ended.
            throw ExitCode(128 + number)
        }
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
        help: ArgumentHelp(
            "Seconds for the whole run. (default: 300)", valueName: "seconds"),
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
    /// The URL of a server; what is a file instead has to be served first.
    static func url(_ text: String) throws(ProbeURLError) -> ProbeURL {
        if !text.contains("://"), FileManager.default.fileExists(atPath: text) {
            let name = text.cleaned()
            throw ProbeURLError(
                description:
                    "'\(name)': a file or folder, not a URL: run `virt-metadata emulate \(name) --print-url`, "
                    + "and use the URL that it prints")
        }
        return try ProbeURL(text)
    }

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

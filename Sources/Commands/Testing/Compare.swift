import ArgumentParser
import Common
import Comparison
import Configuration
import Glibc
import Probe
import Recording

/// `virt-metadata compare`: the differences between two servers.
struct Compare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare the responses of two metadata servers.",
        discussion: """
            Each side is a URL, a recording of crawl, or what emulate serves: domain XML or a fixture folder. Compared are status, \
            Content-Type, the entries of listings and their order, the members of JSON documents and their order, the spelling of JSON, and \
            all other bodies byte for byte. Bodies of errors and random_seed are not compared. A server is asked for each path that the \
            other side has.

            Exit status: 0 no differences; 1 differences; 2 usage error, or a side cannot be read, or not to its end: what was read is \
            compared then.

            EXAMPLES
                virt-metadata compare recording http://169.254.169.254/
                virt-metadata compare web.xml recording -o json
            """)

    @Argument(
        help: ArgumentHelp("URL, recording, domain XML or fixture folder.", valueName: "first"), completion: .file())
    var first: String

    @Argument(help: ArgumentHelp("The same.", valueName: "second"), completion: .file())
    var second: String

    @Flag(help: "Read latest of each tree only, not the dated versions.")
    var latestOnly = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var limits: ProbeLimits

    func run() async throws {
        var bounds = limits.crawl
        bounds.end = .now.advanced(by: bounds.time)
        var (left, right) = (try await source(first, bounds), try await source(second, bounds))
        do {
            try left.complete(from: right.recording)
            try right.complete(from: left.recording)
        } catch {
            try fail("\(error)")
        }
        await left.close()
        await right.close()
        for (name, omissions) in [(first, left.recording.omissions), (second, right.recording.omissions)] {
            for omission in omissions { VirtMetadata.printError("virt-metadata: \(name): not compared: \(omission)") }
        }
        let comparison = RecordingComparison(left.recording, right.recording)
        try output.print(comparison.json) { _ in comparison.text }
        if let side = comparison.servedRedacted, !comparison.differences.isEmpty {
            let name = side == .first ? first : second
            VirtMetadata.printError(
                "virt-metadata: \(name) seems to serve a redacted recording, which HTTP does not say: "
                    + "compare the folder of that recording instead")
        }
        guard !left.isUnfinished, !right.isUnfinished else { throw ExitCode(VirtMetadata.usageExitCode) }
        guard comparison.differences.isEmpty else { throw ExitCode(1) }
    }

    private func source(_ text: String, _ limits: CrawlLimits) async throws -> ComparedSource {
        do {
            return try await ComparedSource(text, latestOnly: latestOnly, limits: limits)
        } catch {
            try fail("\(error)")
        }
    }

    private func fail(_ problem: String) throws(ExitCode) -> Never {
        VirtMetadata.printError("virt-metadata: \(problem)")
        throw ExitCode(VirtMetadata.usageExitCode)
    }
}

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
            Each side is a URL, a recording of crawl, or something that emulate can serve: domain XML, a fixture folder or, if no file \
            has this name, the name or UUID of a libvirt domain. `compare` compares status, Content-Type, the entries of listings and \
            their order, the members of JSON documents and their order, the spelling of JSON, and all other bodies byte for byte. It does \
            not compare bodies of errors, random_seed and the bytes of signatures. It requests each path that the other side has.

            A domain is compared as this host's server would serve it, with its networks and with the defaults and profiles of the \
            configuration file. No server needs to run.

            Exit status: 0 no differences; 1 differences; 2 usage error, or a side could not be read completely (what was read is \
            compared).

            EXAMPLES
                virt-metadata compare recording http://169.254.169.254/
                virt-metadata compare web.xml recording -o json
                virt-metadata compare web http://169.254.169.254/ -c qemu:///system
            """)

    @Argument(
        help: ArgumentHelp("URL, recording, domain XML, fixture folder or domain.", valueName: "first"),
        completion: .filesAndDomains)
    var first: String

    @Argument(help: ArgumentHelp("The same.", valueName: "second"), completion: .filesAndDomains)
    var second: String

    @Flag(help: "Read latest of each tree only, not the dated versions.")
    var latestOnly = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var limits: ProbeLimits
    @OptionGroup var settings: SettingsOptions<ComparedSettings>

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
            return try await ComparedSource(text, latestOnly: latestOnly, limits: limits, settings: settings)
        } catch let error as ConfigurationError {
            // A domain needs the configuration; its error is reported as those of all commands.
            throw error
        } catch {
            try fail("\(error)")
        }
    }

    private func fail(_ problem: String) throws(ExitCode) -> Never {
        VirtMetadata.printError("virt-metadata: \(problem)")
        throw ExitCode(VirtMetadata.usageExitCode)
    }
}

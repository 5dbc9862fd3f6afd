import Common
import Configuration
import Description
import Emulator
import FoundationEssentials
import Probe
import Recording

/// One side of `compare`: a server, a recording, or a domain's XML that is served for the comparison.
struct ComparedSource {
    private(set) var recording: Recording
    /// The server, if it can be asked for more.
    private let url: ProbeURL?
    private let limits: CrawlLimits
    private let emulator: EmulatorServer?

    /// Reads a source; of a server all its trees.
    ///
    /// - Parameter settings: are read where the source is a domain that libvirt knows.
    init(
        _ text: String, latestOnly: Bool, limits: CrawlLimits, settings: SettingsOptions<ComparedSettings>
    ) async throws {
        self.limits = limits
        if text.contains("://") {
            let server = try ProbeURL(text)
            (url, emulator) = (server, nil)
        } else if Self.isRecording(text) {
            (url, emulator) = (nil, nil)
            recording = try RecordingFolder.read(text)
            if latestOnly { recording.keepLatest() }
            return
        } else if let url = EmulatorSource.url(meantBy: text) {
            throw CommandFailure("'\(text.cleaned())': no such file or folder; a URL begins with http://: '\(url.cleaned())'")
        } else {
            let clock = RealClock()
            let source =
                Self.isDomain(text)
                ? try await Self.domain(text, DomainSource(try settings.load()))
                : try EmulatorSource(reading: text, defaults: EmulatorContents.defaults)
            let instance = try EmulatedInstance(source, clock: clock)
            let server = EmulatorServer([instance], on: [IPAddress(v4: 0x7F00_0001)], clock: clock)
            try await server.start(port: 0)
            (url, emulator) = (try ProbeURL(server.urls(of: instance).first ?? ""), server)
        }
        recording = Recording()
        guard let url else { return }
        var crawler = try Crawler(url, limits: limits)
        recording = try crawler.run(latestOnly: latestOnly)
    }

    /// Whether a text is a domain's name, rather than a path: no domain of libvirt has a slash in its name.
    private static func isDomain(_ text: String) -> Bool {
        text != "-" && !text.contains("/") && !FileManager.default.fileExists(atPath: text)
    }

    private static func domain(_ name: String, _ source: DomainSource) async throws -> EmulatorSource {
        let found: DomainSource.Found
        do {
            found = try await source.domain(name)
        } catch let error as CommandFailure {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: ".")) ?? []
            let near = nearestWord(to: name, among: files).map { "; did you mean '\($0.cleaned())'?" } ?? ""
            throw CommandFailure("'\(name.cleaned())': no such file or folder\(near); as a domain: \(error)")
        }
        do throws(DescriptionError) {
            return EmulatorSource(try found.assembly.assemble(found.xml, edited: found.edited), from: name)
        } catch {
            throw CommandFailure("\(name): \(error)")
        }
    }

    /// A folder with an index, or a file of responses: anything else is a domain's XML or a fixture folder.
    private static func isRecording(_ path: String) -> Bool {
        path.hasSuffix(".json") || RecordingFolder.isRecording(path)
    }

    /// Asks a server for what only the other side was asked for.
    mutating func complete(from other: Recording) throws {
        // A server that has stopped answering is not asked again.
        guard let url, !recording.isCut else { return }
        let known = Set(recording.responses.map(\.target))
        let missing = other.responses.map(\.target).filter { !known.contains($0) }
        guard !missing.isEmpty else { return }
        var crawler = try Crawler(url, limits: limits)
        let more = crawler.run(targets: missing)
        recording.responses += more.responses
        recording.omissions += more.omissions
        recording.unanswered.formUnion(more.unanswered)
    }

    /// Whether a server could not be read to its end, or a path of it had no response.
    var isUnfinished: Bool { url != nil && (recording.isCut || !recording.unanswered.isEmpty) }

    func close() async { await emulator?.stop() }
}

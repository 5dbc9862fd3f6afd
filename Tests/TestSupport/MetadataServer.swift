import Foundation
import Glibc

/// The server as an operator starts it, for as long as a test holds it.
package final class MetadataServer: Sendable {
    /// Why a test has no server.
    package enum Failure: Error, CustomStringConvertible {
        case ended(log: String)
        case notListening(log: String)

        /// The reason, with all that the server had written.
        package var description: String {
            switch self {
            case .ended(let log): "the server ended before it listened:\n\(log)"
            case .notListening(let log): "the server does not listen after \(MetadataServer.patience):\n\(log)"
            }
        }
    }

    /// How long it may take to listen, on a machine that is busy with other tests.
    private static let patience = Duration.seconds(60)

    /// Where it listens, as `address:port`.
    package let address: String
    private let process: RunningProgram
    private let folder: URL
    /// Kept, so that it goes after the server.
    private let host: NetworkNamespace?

    /// The program beside the tests in the build's folder.
    package static var executable: String {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "virt-metadata")
            .path
    }

    /// Starts `virt-metadata serve` with these arguments, and waits until it listens.
    /// - Parameters:
    ///   - host: the network namespace to run it in; `nil` is our own.
    ///   - arguments: its options, `--listen` with one address among them.
    ///   - wrapper: a command that it is started by, which becomes it.
    ///   - capability: one that it is not to have, as capabilities(7) names it without `CAP_`; it needs root to be without.
    ///   - phrase: what it writes when it is ready; `nil` is that it listens, and where.
    /// - Throws: `Failure`, and Foundation's errors where it cannot be started.
    package init(
        in host: NetworkNamespace? = nil, _ arguments: [String], until phrase: String? = nil, under wrapper: [String] = [],
        without capability: String? = nil
    ) async throws {
        self.host = host
        folder = FileManager.default.temporaryDirectory.appending(path: "metadata-server-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let logFile = folder.appending(path: "log")
        try Data().write(to: logFile)
        let log = try FileHandle(forWritingTo: logFile)
        let less = capability.map { ["setpriv", "--bounding-set", "-\($0)", "--inh-caps", "-\($0)"] } ?? []
        // Its own directory, separate from the machine's.
        let own = arguments.contains("--state-directory") ? [] : ["--state-directory", folder.path + "/state"]
        process = try RunningProgram(wrapper + less + [Self.executable, "serve"] + arguments + own, in: host, output: log)
        address = try await Self.whenReady(process, log: logFile) { text in
            if let phrase { return text.contains(phrase) ? "" : nil }
            guard let line = text.split(separator: "\n").first(where: { $0.contains(" listening address=") }) else { return nil }
            let word = line.split(separator: " ").first { $0.hasPrefix("address=") }
            return word.map { String($0.dropFirst("address=".count)) }
        }
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Asks it to end, waits at most `limit`, and returns its exit status; `nil` if it had to be killed.
    @discardableResult
    package func stop(within limit: Duration = .seconds(8)) -> Int32? { process.end(within: limit) }

    /// Kills it, without any cleanup.
    package func kill() { process.kill() }

    /// The number of its process.
    package var processIdentifier: Int32 { process.identifier }

    /// Whether it has not ended.
    package var isRunning: Bool { process.isRunning }

    /// All that the server has written so far.
    package var log: String {
        (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? ""
    }

    /// What the log says once the server is ready.
    private static func whenReady(
        _ process: RunningProgram, log: URL, _ find: (String) -> String?
    ) async throws -> String {
        var (text, found): (String, String?) = ("", nil)
        _ = try await eventually(within: patience) {
            // Looked at before the log: what it writes last is to be read too.
            let isRunning = process.isRunning
            text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
            found = find(text)
            guard found != nil || isRunning else { throw Failure.ended(log: text) }
            return found != nil
        }
        guard let found else { throw Failure.notListening(log: text) }
        return found
    }
}

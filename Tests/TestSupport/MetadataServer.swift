import Dispatch
import Foundation

/// The server as an operator starts it, for as long as a test holds it.
public final class MetadataServer: Sendable {
    /// Why a test has no server.
    public enum Failure: Error, CustomStringConvertible {
        case ended(log: String)
        case notListening(log: String)

        /// The reason, with all that the server had written.
        public var description: String {
            switch self {
            case .ended(let log): "the server ended before it listened:\n\(log)"
            case .notListening(let log): "the server does not listen after \(MetadataServer.patience):\n\(log)"
            }
        }
    }

    /// How long it may take to listen, on a machine that is busy with other tests.
    private static let patience = Duration.seconds(15)

    /// Where it listens, as `address:port`.
    public let address: String
    private let process: Process
    private let ended = DispatchSemaphore(value: 0)
    private let folder: URL
    /// Kept, so that it goes after the server.
    private let host: NetworkNamespace?

    /// The program beside the tests in the build's folder.
    public static var executable: String {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "virt-metadata")
            .path
    }

    /// Starts `virt-metadata serve` with these arguments, and waits until it listens.
    /// - Parameters:
    ///   - host: the network namespace to run it in; `nil` is our own.
    ///   - arguments: its options, `--listen` with one address among them.
    /// - Throws: `Failure`, and Foundation's errors where it cannot be started.
    public init(in host: NetworkNamespace? = nil, _ arguments: [String]) async throws {
        self.host = host
        folder = FileManager.default.temporaryDirectory.appending(path: "metadata-server-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let logFile = folder.appending(path: "log")
        try Data().write(to: logFile)
        let log = try FileHandle(forWritingTo: logFile)
        process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        // env and ip both become the program they start, so the process is the server itself.
        process.arguments = (host.map { ["ip", "netns", "exec", $0.name] } ?? []) + [Self.executable, "serve"] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
        address = try await Self.listeningAddress(of: process, log: logFile)
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Asks it to end, waits at most `limit`, and returns its exit status; `nil` if it had to be killed.
    @discardableResult
    public func stop(within limit: Duration = .seconds(8)) -> Int32? {
        guard process.isRunning else { return process.terminationStatus }
        kill(process.processIdentifier, SIGTERM)
        let seconds = Double(limit.components.seconds)
        guard ended.wait(timeout: .now() + seconds) == .success else {
            kill(process.processIdentifier, SIGKILL)
            ended.wait()
            return nil
        }
        return process.terminationStatus
    }

    /// All that the server has written so far.
    public var log: String {
        (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? ""
    }

    private static func listeningAddress(of process: Process, log: URL) async throws -> String {
        let start = ContinuousClock.now
        while true {
            let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
            if let line = text.split(separator: "\n").first(where: { $0.hasSuffix("listening") }),
                let word = line.split(separator: " ").first(where: { $0.hasPrefix("address=") })
            {
                return String(word.dropFirst("address=".count))
            }
            guard process.isRunning else { throw Failure.ended(log: text) }
            guard start.duration(to: .now) < patience else { throw Failure.notListening(log: text) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

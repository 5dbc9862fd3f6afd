import Dispatch
import Foundation
import TestSupport

/// The server as an operator starts it, in a host's network namespace, for as long as a test holds it.
final class MetadataServer: Sendable {
    /// Why a test has no server.
    enum Failure: Error, CustomStringConvertible {
        case ended(log: String)
        case notListening(log: String)

        var description: String {
            switch self {
            case .ended(let log): "the server ended before it listened:\n\(log)"
            case .notListening(let log): "the server does not listen after \(MetadataServer.patience):\n\(log)"
            }
        }
    }

    /// How long it may take to listen; libvirt's test driver answers at once.
    private static let patience = Duration.seconds(15)

    private let process: Process
    private let ended = DispatchSemaphore(value: 0)
    private let folder: URL
    /// Kept, so that it goes after the server.
    private let host: NetworkNamespace

    /// Starts the server over the node that libvirt's test driver reads from `node`, and waits until it listens on
    /// 169.254.169.254:80.
    /// - Throws: `Failure`, and Foundation's errors where it cannot be started.
    init(in host: NetworkNamespace, node: String) async throws {
        self.host = host
        folder = FileManager.default.temporaryDirectory.appending(path: "metadata-server-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (nodeFile, logFile) = (folder.appending(path: "node.xml"), folder.appending(path: "log"))
        try Data(node.utf8).write(to: nodeFile)
        try Data().write(to: logFile)
        let log = try FileHandle(forWritingTo: logFile)
        process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        // env and ip both become the program they start, so the process is the server itself.
        process.arguments = [
            "ip", "netns", "exec", host.name, Self.executable.path, "serve",
            "--connect", "test://\(nodeFile.path)", "--listen", "169.254.169.254:80",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()

        let start = ContinuousClock.now
        while try !listens() {
            guard process.isRunning else { throw Failure.ended(log: self.log) }
            guard start.duration(to: .now) < Self.patience else { throw Failure.notListening(log: self.log) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    deinit {
        if process.isRunning {
            process.terminate()
            // A test's thread blocks most signals and its children are born so: who does not ask for SIGTERM never sees it.
            if ended.wait(timeout: .now() + 5) != .success {
                kill(process.processIdentifier, SIGKILL)
                ended.wait()
            }
        }
        try? FileManager.default.removeItem(at: folder)
    }

    /// All that the server has written so far.
    var log: String {
        (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? ""
    }

    /// The program beside the tests in the build's folder.
    private static var executable: URL {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "virt-metadata")
    }

    private func listens() throws -> Bool {
        try !host.run("ss", "-Hltn", "src", "169.254.169.254:80").isEmpty
    }
}

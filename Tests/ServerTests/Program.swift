import Common
import Foundation
import TestSupport

/// The program as an operator runs it: the one that was built beside these tests.
enum Program {
    /// Its file.
    static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "virt-metadata").path

    /// The fixtures of this repository.
    static let fixtures = URL(filePath: #filePath).appending(path: "../../../fixtures").standardized.path

    /// libvirt's test driver over the domains of `fixtures/node.xml`.
    static let node = "test://\(fixtures)/node.xml"

    /// Runs a command to its end.
    static func run(
        _ arguments: String..., more: [String] = [], limit: Duration = .seconds(20)
    ) async throws -> Command.Output {
        try await withCheckedThrowingContinuation { continuation in
            // Waiting blocks, and a test's own thread is one of few.
            DispatchQueue.global().async {
                continuation.resume(with: Result { try Command.run([path] + arguments + more, limit: limit) })
            }
        }
    }

    /// Runs a shell's line in which `$virt_metadata` is the program.
    static func shell(_ line: String) async throws -> Command.Output {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try Command.run(["sh", "-c", "virt_metadata=$1; \(line)", "sh", path]) })
            }
        }
    }
}

/// The server as a process, on ports of 127.0.0.1 that the kernel chose.
final class ServerProcess: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// How it ended, and how long that took from when it was asked.
    struct End: Sendable {
        let status: Int32
        let wasKilled: Bool
        let time: Duration
    }

    private let process: Process
    private let folder: URL
    private let ended = Locked<(status: Int32, wasKilled: Bool)?>(nil)

    /// Starts `serve` and waits until it listens on as many ports.
    init(_ arguments: String..., more: [String] = [], node: String = Program.node, ports: Int = 1) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "server-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (log, table) = (folder.appending(path: "log"), folder.appending(path: "neighbours"))
        try Data().write(to: log)
        try Data("127.0.0.2 0x1 0x2 52:54:00:0e:00:03 * lo\n127.0.0.3 0x1 0x2 fa:16:3e:9c:bf:3d * lo\n".utf8).write(to: table)
        process = Process()
        process.executableURL = URL(filePath: Program.path)
        let listen = (0..<ports).flatMap { _ in ["--listen", "127.0.0.1:0"] }
        let state = ["--state-directory", folder.appending(path: "state").path]
        process.arguments = ["serve", "--connect", node, "--neighbours", table.path] + state + listen + arguments + more
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: log)
        process.standardError = process.standardOutput
        process.terminationHandler = { [weak self] process in
            self?.ended.withLock { $0 = (process.terminationStatus, process.terminationReason == .uncaughtSignal) }
        }
        try process.run()
        try await wait { self.ports.count == ports }
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    /// All that it has written so far.
    var log: String { (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? "" }

    /// The ports it listens on.
    var ports: [Int] { log.matches(of: /127\.0\.0\.1:(\d+) .*listening/).compactMap { Int($0.1) } }

    /// A connection of the guest `min`, or of `rich` from 127.0.0.3.
    func connection(from guest: String = "127.0.0.2", port: Int = 0, window: Int32? = nil) throws -> RawConnection {
        try RawConnection(to: ports[port], from: guest, window: window)
    }

    func get(_ path: String, from guest: String = "127.0.0.2", port: Int = 0) async throws -> RawReply {
        let connection = try connection(from: guest, port: port)
        try await connection.send("GET \(path) HTTP/1.1\r\n\r\n")
        return try await connection.reply()
    }

    /// Waits until its log says something.
    func waitForLog(_ text: String) async throws {
        try await wait { self.log.contains(text) }
    }

    /// Sends it a signal.
    func signal(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Asks it to stop, and waits for its end.
    func stop(with signal: Int32 = SIGTERM) async throws -> End {
        let start = ContinuousClock.now
        kill(process.processIdentifier, signal)
        while start.duration(to: .now) < .seconds(20) {
            if let (status, wasKilled) = ended.withLock({ $0 }) {
                return End(status: status, wasKilled: wasKilled, time: start.duration(to: .now))
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failure(description: "still running:\n\(log)")
    }

    private func wait(until isSo: () -> Bool) async throws {
        let start = ContinuousClock.now
        while !isSo() {
            guard process.isRunning, start.duration(to: .now) < .seconds(15) else { throw Failure(description: log) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

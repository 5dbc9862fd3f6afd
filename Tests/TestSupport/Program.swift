import Common
import Foundation

/// The program as an operator runs it: the one that was built beside these tests.
package enum Program {
    /// Its file.
    package static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "virt-metadata").path

    /// The fixtures of this repository.
    package static let fixtures = URL(filePath: #filePath).appending(path: "../../../fixtures").standardized.path

    /// libvirt's test driver over the domains of `fixtures/node.xml`.
    package static let node = "test://\(fixtures)/node.xml"

    /// Runs a command to its end.
    package static func run(
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
    package static func shell(_ line: String, limit: Duration = .seconds(20)) async throws -> Command.Output {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result { try Command.run(["sh", "-c", "virt_metadata=$1; \(line)", "sh", path], limit: limit) })
            }
        }
    }
}

/// The server as a process, on ports of 127.0.0.1 that the kernel chose.
package final class ServerProcess: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) {
            self.description = description
        }
    }

    /// Its exit status, and the time from the request to the exit.
    package struct End: Sendable {
        package let status: Int32
        package let wasKilled: Bool
        package let time: Duration
    }

    private let process: Process
    private let folder: URL
    private let ended = Locked<(status: Int32, wasKilled: Bool)?>(nil)

    /// Starts `serve` and waits until it listens on as many ports.
    package init(_ arguments: String..., more: [String] = [], node: String = Program.node, ports: Int = 1) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "server-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (log, table) = (folder.appending(path: "log"), folder.appending(path: "neighbours"))
        try Data().write(to: log)
        try Data("127.0.0.2 0x1 0x2 52:54:00:0e:00:03 * lo\n127.0.0.3 0x1 0x2 fa:16:3e:9c:bf:3d * lo\n".utf8).write(to: table)
        process = Process()
        process.executableURL = URL(filePath: Program.path)
        let listen = (0..<ports).flatMap { _ in ["--listen", "127.0.0.1:0"] }
        let state = ["--state-directory", folder.appending(path: "state").path]
        let known = arguments.contains("--neighbours") ? [] : ["--neighbours", table.path]
        process.arguments = ["serve", "--connect", node] + known + state + listen + arguments + more
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

    /// The number of its process.
    package var identifier: Int32 { process.processIdentifier }

    /// All that it has written so far.
    package var log: String { (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? "" }

    /// The ports it listens on.
    package var ports: [Int] { log.matches(of: #/ listening address=127\.0\.0\.1:(\d+)/#).compactMap { Int($0.1) } }

    /// A connection of the guest `min`, or of `rich` from 127.0.0.3.
    package func connection(from guest: String = "127.0.0.2", port: Int = 0, window: Int32? = nil) throws -> RawConnection {
        try RawConnection(to: ports[port], from: guest, window: window)
    }

    package func get(_ path: String, from guest: String = "127.0.0.2", port: Int = 0) async throws -> RawReply {
        let connection = try connection(from: guest, port: port)
        try await connection.send("GET \(path) HTTP/1.1\r\n\r\n")
        return try await connection.reply()
    }

    /// Waits until its log says something.
    package func waitForLog(_ text: String) async throws {
        try await wait { self.log.contains(text) }
    }

    /// Sends it a signal.
    package func signal(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Asks it to stop, and waits for its end.
    package func stop(with signal: Int32 = SIGTERM) async throws -> End {
        let start = ContinuousClock.now
        kill(process.processIdentifier, signal)
        _ = try await eventually(within: .seconds(20), every: .milliseconds(10)) { ended.withLock { $0 } != nil }
        guard let (status, wasKilled) = ended.withLock({ $0 }) else { throw Failure(description: "still running:\n\(log)") }
        return End(status: status, wasKilled: wasKilled, time: start.duration(to: .now))
    }

    private func wait(until isSo: () -> Bool) async throws {
        let isSo = try await eventually(within: .seconds(60)) {
            if isSo() { return true }
            guard process.isRunning else { throw Failure(description: log) }
            return false
        }
        guard isSo else { throw Failure(description: log) }
    }
}

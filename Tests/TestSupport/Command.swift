import Dispatch
import Foundation

/// A program run to its end by a test, within a time limit.
package enum Command {
    /// What a program left behind.
    package struct Output: Sendable, Equatable {
        /// The exit status, or the number of the signal that ended the program.
        package let status: Int32
        /// All of its standard output, read as UTF-8.
        package let stdout: String
        /// All of its standard error, read as UTF-8.
        package let stderr: String
    }

    /// Why a program did not do what a test needs.
    package enum Failure: Error, Sendable, CustomStringConvertible {
        /// It was still running when its time was over, and was ended.
        case tookTooLong(arguments: [String], limit: Duration)
        /// It ended with another status than 0.
        case failed(arguments: [String], output: Output)

        /// The command and what was wrong with it.
        package var description: String {
            switch self {
            case .tookTooLong(let arguments, let limit):
                "\(arguments.joined(separator: " ")): not done after \(limit)"
            case .failed(let arguments, let output):
                "\(arguments.joined(separator: " ")): status \(output.status)\n\(output.stderr)\(output.stdout)"
            }
        }
    }

    /// Runs a program found by `PATH` and waits for its end; any exit status is an answer.
    ///
    /// Its three streams are files, so neither side can wait for the other to read.
    /// - Parameters:
    ///   - arguments: The program and its arguments; no shell reads them.
    ///   - namespace: The network namespace of `ip-netns(8)` to run in; `nil` is our own.
    ///   - input: What it reads from its standard input.
    ///   - limit: After this time it is ended, first by SIGTERM, then by SIGKILL.
    /// - Throws: `Failure.tookTooLong`, or Foundation's error where it cannot be started.
    @discardableResult
    package static func run(
        _ arguments: [String], in namespace: String? = nil, input: String = "", limit: Duration = .seconds(20)
    ) throws -> Output {
        let folder = FileManager.default.temporaryDirectory.appending(path: "command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (stdin, stdout, stderr) = (folder.appending(path: "in"), folder.appending(path: "out"), folder.appending(path: "err"))
        try Data(input.utf8).write(to: stdin)
        try Data().write(to: stdout)
        try Data().write(to: stderr)

        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = (namespace.map { ["ip", "netns", "exec", $0] } ?? []) + arguments
        let streams = [
            try FileHandle(forReadingFrom: stdin), try FileHandle(forWritingTo: stdout), try FileHandle(forWritingTo: stderr),
        ]
        // Foundation keeps the process, and with it the handles, for longer than commands run.
        defer { for stream in streams { try? stream.close() } }
        (process.standardInput, process.standardOutput, process.standardError) = (streams[0], streams[1], streams[2])
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        guard ended.wait(timeout: .now() + limit.inSeconds) == .success else {
            end(process, ended)
            throw Failure.tookTooLong(arguments: arguments, limit: limit)
        }
        return Output(
            status: process.terminationStatus,
            stdout: String(decoding: try Data(contentsOf: stdout), as: UTF8.self),
            stderr: String(decoding: try Data(contentsOf: stderr), as: UTF8.self))
    }

    /// Runs a program as `run` does, and returns its standard output if it succeeded.
    /// - Throws: `Failure.failed` for any exit status but 0, and what `run` throws.
    @discardableResult
    package static func succeed(
        _ arguments: [String], in namespace: String? = nil, input: String = "", limit: Duration = .seconds(20)
    ) throws -> String {
        let output = try run(arguments, in: namespace, input: input, limit: limit)
        guard output.status == 0 else { throw Failure.failed(arguments: arguments, output: output) }
        return output.stdout
    }

    private static func end(_ process: Process, _ ended: DispatchSemaphore) {
        process.terminate()
        guard ended.wait(timeout: .now() + 1) != .success else { return }
        // Foundation makes each child the leader of a process group, so this reaches the child's children.
        kill(-process.processIdentifier, SIGKILL)
        _ = ended.wait(timeout: .now() + 1)
    }
}

extension Duration {
    /// The same time in seconds, as Dispatch and Foundation count it.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}

import Dispatch
package import Foundation
import Glibc

/// A program that runs beside a test, until it ends or the test lets go of it.
package final class RunningProgram: Sendable {
    /// One program is started at a time. Foundation sees the end of a program by a socket that it leaves open; another program that is started
    /// in the same moment would have it too, and hide the end until its own.
    private static let starting = DispatchQueue(label: "starting programs")

    private let process = Process()
    private let ended = DispatchSemaphore(value: 0)

    /// Starts a program found by `PATH`.
    /// - Parameters:
    ///   - arguments: The program and its arguments; no shell reads them.
    ///   - namespace: The network namespace to run in; `nil` is our own.
    ///   - input: What it reads from; nothing, unless given.
    ///   - output: Where it writes to, standard output and error alike; the test's own, unless given.
    /// - Throws: Foundation's error where it cannot be started.
    package init(
        _ arguments: [String], in namespace: NetworkNamespace? = nil, input: Pipe? = nil, output: FileHandle? = nil
    ) throws {
        process.executableURL = URL(filePath: "/usr/bin/env")
        // env and ip both become the program they start, so the process is the program itself.
        process.arguments = (namespace.map { ["ip", "netns", "exec", $0.name] } ?? []) + arguments
        process.standardInput = input ?? FileHandle.nullDevice
        if let output { (process.standardOutput, process.standardError) = (output, output) }
        process.terminationHandler = { [ended] _ in ended.signal() }
        try Self.starting.sync { try process.run() }
    }

    deinit { kill() }

    /// Its number.
    package var identifier: Int32 { process.processIdentifier }

    /// Whether it has not ended.
    package var isRunning: Bool { process.isRunning }

    /// Ends it by force.
    package func kill() { end(by: SIGKILL, within: .seconds(8)) }

    /// The beginning of a command whose program is to have no signal blocked or SIGHUP ignored, as one that a shell in a terminal starts.
    package static let unblocked = [
        "python3", "-c",
        """
        import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.execvp(sys.argv[1], sys.argv[1:])
        """,
    ]

    /// Asks it to end, waits at most `limit`, and returns its exit status; `nil` if it had to be killed.
    ///
    /// Only for a program that takes SIGTERM on purpose: where a thread of dispatch started it, it inherited that all signals are
    /// blocked; see `unblocked`.
    @discardableResult
    package func end(within limit: Duration = .seconds(8)) -> Int32? { end(by: SIGTERM, within: limit) }

    @discardableResult
    private func end(by signal: Int32, within limit: Duration) -> Int32? {
        guard process.isRunning else { return process.terminationStatus }
        Glibc.kill(process.processIdentifier, signal)
        // Foundation's own waiting turns a run loop, which threads of a test do not have.
        guard ended.wait(timeout: .now() + Double(limit.components.seconds)) == .success else {
            Glibc.kill(process.processIdentifier, SIGKILL)
            ended.wait()
            return nil
        }
        return process.terminationStatus
    }
}

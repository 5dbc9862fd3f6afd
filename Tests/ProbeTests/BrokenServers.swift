import Foundation
import Probe

/// Servers with one defect each (`Tests/clients/metadata_server.py`), on addresses of loopback.
final class BrokenServers: Sendable {
    struct Failure: Error {}

    private static let script = URL(filePath: #filePath).appending(path: "../../clients/metadata_server.py").standardized.path

    private let process = Process()
    private let input = Pipe()
    private let defects: [String]
    private let port: Int

    /// - Parameter recording: a file of responses by path, which a server of its own serves; see ``recordingURL``.
    init(_ defects: [String], recording: String? = nil) throws {
        self.defects = defects
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let options = recording.map { ["--recording", $0] } ?? []
        process.arguments = ["python3", Self.script] + options + defects
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        var line: [UInt8] = []
        while line.last != 10, let more = try output.fileHandleForReading.read(upToCount: 1), !more.isEmpty { line += more }
        guard let port = Int(String(decoding: line.dropLast(), as: UTF8.self)) else { throw Failure() }
        self.port = port
    }

    deinit {
        try? input.fileHandleForWriting.close()
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Where the server with a defect is.
    func url(_ defect: String) throws -> ProbeURL {
        guard let index = defects.firstIndex(of: defect) else { throw Failure() }
        return try ProbeURL("http://127.1.\((index + 1) / 256).\((index + 1) % 256):\(port)/")
    }

    /// Where the recording is served.
    var recordingURL: ProbeURL { get throws { try ProbeURL("http://127.1.0.1:\(port)") } }
}

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

    /// Servers that have no metadata, each in its own way.
    static let withoutMetadata = ["hang", "not-http", "portal", "fails", "redirects-all"]

    /// Where those are, and a port that is closed, with the problem of each.
    /// - Parameter timeout: of a response, in milliseconds.
    func problemsWithoutMetadata(timeout: Int) throws -> [(url: ProbeURL, problem: String)] {
        let missing = "no metadata: /latest/meta-data/, /openstack, /nocloud/meta-data:"
        return [
            (try url("hang"), "timeout: no response after \(timeout) ms"),
            (try url("not-http"), "malformed response: expected a status line such as HTTP/1.1 200 OK"),
            (try ProbeURL("http://127.0.0.1:1/"), "connection failed: Connection refused"),
            (try url("portal"), "\(missing) a page of HTML with status 200, as from a captive portal"),
            (try url("fails"), "\(missing) status 500"),
            (try url("redirects-all"), "\(missing) 302 to http://192.0.2.1/, which is not followed"),
        ]
    }

    /// Where the recording is served.
    var recordingURL: ProbeURL { get throws { try ProbeURL("http://127.1.0.1:\(port)") } }
}

/// A listening socket of loopback to which no connection is completed: its queue is full.
final class FullListener {
    private let descriptors: [Int32]
    let port: UInt16

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var all = [listener]
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = unsafe bind(listener, address, length)
                _ = listen(listener, 0)
                _ = unsafe getsockname(listener, address, &length)
                // A queue of length 0 has space for one.
                for _ in 0..<4 {
                    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
                    _ = unsafe connect(client, address, length)
                    all.append(client)
                }
            }
        }
        (descriptors, port) = (all, UInt16(bigEndian: address.sin_port))
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}

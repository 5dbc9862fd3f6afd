import Foundation
import TestSupport
import Testing

/// `virt-metadata requests --follow` beside a running server.
struct FollowedRequestsTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "follow-\(UUID().uuidString.prefix(8))")
    private var socket: String { folder.path + "/admin.sock" }

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Follows the requests of the guest `min`, with all signals unblocked, as a shell starts programs.
    private func follow(_ options: String...) throws -> (program: RunningProgram, output: () -> String) {
        let file = folder.appending(path: UUID().uuidString)
        try Data().write(to: file)
        let program = try RunningProgram(
            RunningProgram.unblocked + [Program.path, "requests", "min", "-f", "--admin-socket", socket] + options,
            output: FileHandle(forWritingTo: file))
        return (program, { (try? String(contentsOf: file, encoding: .utf8)) ?? "" })
    }

    @Test func `new requests are printed once each, until the server stops`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await ServerProcess("--admin-socket", socket)
        _ = try await server.get("/latest/meta-data/instance-id")
        let (program, output) = try follow()
        #expect(try await eventually(within: .seconds(10)) { output().contains("  200     GET      ") }, "\(output())")
        _ = try await server.get("/latest/nowhere")
        #expect(try await eventually(within: .seconds(10)) { output().contains("/latest/nowhere") }, "\(output())")
        _ = try await server.get("/latest/")
        #expect(try await eventually(within: .seconds(10)) { output().hasSuffix("  /latest/\n") }, "\(output())")
        let lines = output().split(separator: "\n")
        #expect(lines.first?.split(separator: " ") == ["TIME", "AGO", "STATUS", "METHOD", "TOOK", "TARGET"])
        #expect(
            lines.dropFirst().map { $0.split(separator: " ").last }
                == ["/latest/meta-data/instance-id", "/latest/nowhere", "/latest/"])
        _ = try await server.stop()
        #expect(try await eventually(within: .seconds(10)) { !program.isRunning })
        #expect(program.end() == 1)
        #expect(output().hasSuffix("virt-metadata: lost the server: server not running (no \(socket))\n"), "\(output())")
    }

    @Test func `-n 0 leaves out earlier requests, JSON is a line each, and SIGTERM ends it`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await ServerProcess("--admin-socket", socket)
        _ = try await server.get("/latest/meta-data/instance-id")
        let (program, output) = try follow("-n", "0", "-o", "json")
        // Its first look at the server leaves no trace, so requests are repeated until one is new to it.
        #expect(
            try await eventually(within: .seconds(10), every: .milliseconds(500)) {
                _ = try Command.run(
                    ["curl", "-s", "--interface", "127.0.0.2", "http://127.0.0.1:\(server.ports[0])/latest/nowhere"])
                return !output().isEmpty
            })
        for line in output().split(separator: "\n") {
            let request = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(request["target"] as? String == "/latest/nowhere")
            #expect(request["status"] as? Int == 404)
        }
        #expect(program.end(within: .seconds(5)) == SIGTERM)
        _ = try await server.stop()
    }

    @Test func `a domain that the server does not know is an error at once`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await ServerProcess("--admin-socket", socket)
        let output = try await Program.run("requests", "nosuch", "--follow", "--admin-socket", socket)
        #expect(output.status == 1)
        #expect(output.stderr.contains("'nosuch'"))
        _ = try await server.stop()
    }
}

import Foundation
import TestSupport
import Testing

/// `scripts/serve-fixtures`, as `make run` starts it.
struct ServeFixturesTests {
    private static let script = URL(filePath: Program.fixtures).appending(path: "../scripts/serve-fixtures").standardized.path

    @Test func `it greets when its own server answers`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        // Free once the listener is gone.
        let port = try TCPSocket.listener().port()
        let script = try RunningProgram(
            RunningProgram.unblocked + [Self.script, Program.path, "127.0.0.1:\(port)"],
            output: FileHandle(forWritingTo: file))
        let text = { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
        #expect(
            try await eventually(within: .seconds(60)) { text().contains("Serving the guests of fixtures/node.xml") }, "\(text())"
        )
        let answer = try Command.run(
            ["curl", "-s", "-H", "X-Forwarded-For: 192.168.0.39", "http://127.0.0.1:\(port)/latest/meta-data/instance-id"])
        #expect(answer.stdout == "i-12345678")
        #expect(script.end() == 0)
    }

    @Test func `it does not greet for another process at the port`() async throws {
        let other = try await ServerProcess()
        let address = "127.0.0.1:\(other.ports[0])"
        let output = try Command.run([Self.script, Program.path, address])
        #expect(output.status != 0)
        #expect(!output.stdout.contains("Serving"))
        #expect(output.stderr.contains("cannot listen on \(address)"), "\(output.stderr)")
        _ = try await other.stop()
    }
}

import Foundation
import TestSupport
import Testing

/// `virt-metadata status` of a server that serves no bridge; `OptInTests` has one that does.
struct StatusTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "status-\(UUID().uuidString.prefix(8))")
    private var socket: String { folder.path + "/admin.sock" }

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func status(_ options: String...) async throws -> Command.Output {
        try await Program.run("status", more: ["--admin-socket", socket] + options)
    }

    @Test func `a server that is ready is shown in each form, with exit status 0`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await ServerProcess("--admin-socket", socket)
        try await server.waitForLog("the inventory is complete")
        let table = try await status()
        #expect(table.status == 0 && table.stderr.isEmpty, "\(table)")
        let first = try #require(table.stdout.split(separator: "\n").first)
        let head = #/^virt-metadata \S+: running since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(\d+ m?s\), process (\d+)$/#
        #expect(first.firstMatch(of: head)?.1 == "\(server.identifier)", "\(table)")
        #expect(table.stdout.contains("\nServing 4 guests\n"), "\(table)")
        #expect(table.stdout.contains("\n\(Program.node)  connected  20"), "\(table)")
        let yaml = try await status("-o", "yaml")
        #expect(
            yaml.status == 0 && yaml.stdout.contains("\nready: true\n") && yaml.stdout.contains("\nselection: none\n"), "\(yaml)")
        let json = try await status("--json")
        let document = try #require(try JSONSerialization.jsonObject(with: Data(json.stdout.utf8)) as? [String: Any])
        #expect(
            Set(document.keys) == [
                "running", "ready", "summary", "problem", "version", "pid", "started", "uptime", "guests", "selection",
                "hypervisors", "bridges", "last_error",
            ])
        #expect(document["last_error"] is NSNull && (document["bridges"] as? [Any])?.isEmpty == true)
        #expect(try await server.stop().status == 0)
    }

    @Test func `one that is not ready has exit status 1, with the reason and the last error`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let uri = "qemu+unix:///system?socket=/nonexistent"
        let server = try await ServerProcess("--admin-socket", socket, node: uri)
        try await server.waitForLog("libvirt unreachable; retrying")
        let output = try await status()
        #expect(output.status == 1)
        #expect(output.stdout.contains("\nNot ready: the domains of \(uri) have not all been read yet: "), "\(output)")
        #expect(output.stdout.contains("\n\(uri)  not connected  never           "), "\(output)")
        let error = #/\nLast error, \d{4}-\S+Z: libvirt unreachable; retrying error="[^\n]+ hint="check that libvirt runs/#
        #expect(output.stdout.firstMatch(of: error) != nil, "\(output)")
        _ = try await server.stop()
    }

    @Test func `where no server runs, or none for this user, the exit status is 1`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let absent = try await status()
        #expect(absent.status == 1 && absent.stdout.hasPrefix("server not running (no \(socket))"), "\(absent)")
        let json = try await status("--json")
        #expect(json.status == 1 && json.stdout.hasPrefix(#"{"running": false, "ready": false, "problem": "server not running"#))
        guard geteuid() == 0 else { return }
        let server = try await ServerProcess("--admin-socket", socket)
        let denied = try await Program.shell(
            "chmod 755 \(folder.path); setpriv --reuid 65534 --clear-groups \"$virt_metadata\" status --admin-socket \(socket)")
        #expect(denied.status == 1 && denied.stdout.isEmpty, "\(denied)")
        #expect(denied.stderr == "virt-metadata: permission denied: \(socket); run as root\n")
        _ = try await server.stop()
    }
}

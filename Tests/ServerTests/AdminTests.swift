import Foundation
import TestSupport
import Testing

/// The admin interface of a running server, through the program's own commands and curl.
struct AdminTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "admin-\(UUID().uuidString.prefix(8))")
    private var socket: String { folder.path + "/admin.sock" }

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func server(_ more: String...) async throws -> ServerProcess {
        let arguments = ["--admin-socket", socket] + more
        return try await ServerProcess(arguments[0], arguments[1], more: more)
    }

    private func curl(_ path: String) throws -> Command.Output {
        try Command.run(["curl", "-s", "-w", "\n%{http_code}", "--unix-socket", socket, "http://admin" + path])
    }

    private func json(_ path: String) throws -> [String: Any] {
        let text = try curl(path).stdout.split(separator: "\n")[0]
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func command(_ arguments: String...) async throws -> Command.Output {
        try await Program.run(arguments[0], more: Array(arguments.dropFirst()) + ["--admin-socket", socket])
    }

    // MARK: The socket

    @Test func `only its owner may connect to the socket, and it is removed with the server`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await server()
        let mode = try Command.succeed(["stat", "-c", "%a %F", socket])
        #expect(mode == "600 socket\n")
        // A second server does not remove it.
        let other = try await Program.run(
            "serve", "--connect", Program.node, "--listen", "127.0.0.1:0", "--neighbours", Program.fixtures + "/neighbours",
            more: [
                "--state-directory", folder.path + "/state", "--admin-socket", socket,
            ])
        #expect(other.status == 2)
        #expect(
            other.stderr
                == "virt-metadata: --admin-socket: cannot listen on \(socket): another server uses it; stop that server, or choose another path\n"
        )
        #expect(try curl("/healthz").stdout.hasSuffix("\n200"))
        #expect(try await server.stop().status == 0)
        #expect(!FileManager.default.fileExists(atPath: socket))
    }

    @Test func `a killed server's socket is replaced, and another file is not`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let killed = try await server()
        _ = try await killed.stop(with: SIGKILL)
        #expect(FileManager.default.fileExists(atPath: socket))
        let server = try await server()
        #expect(try curl("/healthz").stdout.hasSuffix("\n200"))
        _ = try await server.stop()
        try Data("mine".utf8).write(to: URL(filePath: socket))
        let refused = try await Program.run(
            "serve", "--connect", Program.node, "--listen", "127.0.0.1:0", "--neighbours", Program.fixtures + "/neighbours",
            more: [
                "--state-directory", folder.path + "/state", "--admin-socket", socket,
            ])
        #expect(refused.status == 1)
        #expect(try String(contentsOfFile: socket, encoding: .utf8) == "mine")
    }

    @Test func `where there is no server, or none for this user, a command reports it and exits with 2`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let absent = try await command("get", "min", "/")
        #expect(absent.status == 2)
        let hint = "sudo systemctl start virt-metadata"
        #expect(absent.stderr == "virt-metadata: server not running (no \(socket)); \(hint)\n")
        _ = try await server().stop(with: SIGKILL)
        let dead = try await command("requests", "min")
        #expect(dead.status == 2)
        #expect(dead.stderr == "virt-metadata: server not running (nothing listens on \(socket)); \(hint)\n")
        let none = try await Program.run("requests", "min", "--admin-socket", "none")
        #expect(none.status == 2)
        #expect(none.stderr.contains("the server has no admin socket (admin-socket is none)"))
    }

    // MARK: get and requests

    @Test func `get prints the guest's reply, to the byte`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await server("--tokens", "required")
        for path in ["/latest/meta-data/", "/openstack/latest/meta_data.json", "/latest/meta-data/instance-id", "/"] {
            // This path is read without a token.
            let answer = try await command("get", "min", path)
            #expect(answer.status == 0)
            let tree = try await Program.run("tree", "min", "--connect", Program.node, "--path", path)
            // A directory is printed otherwise, and the seed differs each time.
            if path.hasPrefix("/latest/meta-data/i") { #expect(answer.stdout == tree.stdout) }
            #expect(!answer.stdout.isEmpty)
        }
        let missing = try await command("get", "min", "/latest/nowhere")
        #expect(missing.status == 1)
        #expect(missing.stdout == "404 Not Found\n")
        let problem = "/latest/nowhere: not served for this domain (404); `virt-metadata tree min` lists its paths"
        #expect(missing.stderr == "virt-metadata: \(problem)\n")
        let unknown = try await command("get", "mni", "/")
        #expect(unknown.status == 1)
        #expect(unknown.stderr.hasPrefix("virt-metadata: no running domain 'mni' is known to the server"))
        // A domain that libvirt knows is not mistaken for another's misspelt name.
        let node = folder.path + "/node.xml"
        let off = """
            <node><domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>mni</name><memory>65536</memory>
            <os><type>hvm</type></os><test:runstate>5</test:runstate></domain></node>
            """
        try Data(off.utf8).write(to: URL(filePath: node))
        for arguments in [["get", "mni", "/"], ["requests", "mni"]] {
            let more = Array(arguments.dropFirst()) + ["--admin-socket", socket, "--connect", "test://\(node)"]
            let stopped = try await Program.run(arguments[0], more: more)
            #expect(stopped.status == 1)
            #expect(stopped.stderr == "virt-metadata: mni is not running; the server knows running domains only\n", "\(stopped)")
        }
        let relative = try await command("get", "min", "latest/meta-data/local-hostname")
        #expect(relative.stdout == "min")
        // None of these counts as a request of the guest.
        #expect(try await command("requests", "min").stderr == "min: no requests since the server started\n")
        _ = try await server.stop()
    }

    @Test func `names are compared byte for byte, as libvirt does`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = ["b\u{FC}ro", "bu\u{308}ro"]
        let domains = names.enumerated().map { number, name in
            """
            <domain type='test'><name>\(name)</name><memory>65536</memory><os><type>hvm</type></os><metadata>
            <instance xmlns='urn:virt-metadata:instance:1'><instance-id>i-\(number)</instance-id></instance></metadata></domain>
            """
        }
        let node = folder.appending(path: "names.xml")
        try Data("<node>\(domains.joined())</node>".utf8).write(to: node)
        let server = try await ServerProcess("--admin-socket", socket, node: "test://\(node.path)")
        for (number, name) in names.enumerated() {
            let answer = try await command("get", name, "/latest/meta-data/instance-id")
            #expect(answer.stdout == "i-\(number)", "\(answer)")
        }
        _ = try await server.stop()
    }

    @Test func `requests and instances show a guest's last requests, and nothing of the replies`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await server()
        for path in ["/latest/meta-data/instance-id", "/latest/nowhere", "/latest/user-data?secret=1"] {
            _ = try await server.get(path, from: "127.0.0.3")
        }
        let log = try await command("requests", "web")
        #expect(log.status == 0)
        let lines = log.stdout.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines.first?.hasPrefix("TIME") == true)
        #expect(lines[1].contains("  200     GET     ") && lines[1].hasSuffix("  /latest/meta-data/instance-id"))
        #expect(lines[2].contains("  404     GET     ") && lines[2].hasSuffix("  /latest/nowhere"))
        let last = try await command("log", "web", "-n", "1")
        #expect(last.stdout.split(separator: "\n").count == 2)
        #expect(last.stdout.contains("/latest/user-data?secret=1"))
        let shown = try await command("requests", "web", "--json")
        let document = try #require(try JSONSerialization.jsonObject(with: Data(shown.stdout.utf8)) as? [String: Any])
        #expect(Set(document.keys) == ["name", "uuid", "count", "requests"])
        #expect(document["count"] as? Int == 3)
        let requests = try #require(document["requests"] as? [[String: Any]])
        #expect(requests.map { $0["status"] as? Int } == [200, 404, 200])
        #expect(Set(requests[0].keys) == ["time", "age", "method", "target", "status", "duration", "earlier_run"])
        #expect(requests.allSatisfy { $0["earlier_run"] as? Bool == false })
        let instances = try #require(try json("/instances")["instances"] as? [[String: Any]])
        let rich = try #require(instances.first { $0["name"] as? String == "web" })
        #expect(
            Set(rich.keys) == [
                "name", "uuid", "instance_id", "hostname", "state", "hypervisor", "interfaces", "requests", "last_request",
            ])
        #expect(rich["requests"] as? Int == 3)
        #expect((rich["last_request"] as? [String: Any])?["target"] as? String == "/latest/user-data?secret=1")
        #expect(instances.first { $0["name"] as? String == "min" }?["last_request"] is NSNull)
        let text = try curl("/instances").stdout
        for secret in ["cloud-config", "ssh-ed25519", "ssh-rsa"] { #expect(!text.contains(secret)) }
        #expect(log.stderr.isEmpty)
        // What is no longer kept is said, and the help names how many are kept.
        let kept = 128
        for _ in 0..<kept { _ = try await server.get("/latest/", from: "127.0.0.3") }
        let full = try await command("requests", "web")
        #expect(full.stdout.split(separator: "\n").count == 1 + kept)
        #expect(full.stderr == "web: 3 older requests are no longer kept; --follow shows all new requests\n")
        #expect(try await command("requests", "web", "-n", "2").stderr.isEmpty)
        #expect(try await command("requests", "--help").stdout.contains("the last \(kept) requests"))
        _ = try await server.stop()
    }

    // MARK: Metrics and health

    @Test func `metrics count answers and refusals, in promtool's format`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await server("--admin-listen", "127.0.0.1:0")
        for path in ["/latest/meta-data/instance-id", "/latest/nowhere", "/openstack/latest/meta_data.json"] {
            _ = try await server.get(path)
        }
        // A hardware address that no domain has.
        _ = try await server.get("/latest/meta-data/", from: "127.0.0.9")
        let token = try server.connection()
        try await token.send("PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n")
        _ = try await token.reply()
        let url = try #require(server.log.firstMatch(of: /url=(http:\S+)/)?.1)
        let text = try Command.succeed(["curl", "-s", String(url)])
        for line in [
            "virt_metadata_requests_total{view=\"ec2\",status=\"200\"} 2",
            "virt_metadata_requests_total{view=\"ec2\",status=\"404\"} 2",
            "virt_metadata_requests_total{view=\"openstack\",status=\"200\"} 1",
            "virt_metadata_refused_total{reason=\"unknown_caller\"} 1", "virt_metadata_tokens_issued_total 1",
            "virt_metadata_request_duration_seconds_count 5", "virt_metadata_hypervisor_connected{host=\"0\"} 1",
            "virt_metadata_build_info{version=\"0.2.0\"} 1",
        ] {
            #expect(text.contains("\n\(line)\n"), "\(line)\n\(text)")
        }
        #expect(text.firstMatch(of: /virt_metadata_instances [1-9]/) != nil)
        #expect(text.firstMatch(of: /process_resident_memory_bytes [1-9]\d{6}/) != nil)
        #expect(!text.contains("127.0.0"))
        let page = try String(contentsOfFile: Program.fixtures + "/../docs/admin.md", encoding: .utf8)
        for match in text.matches(of: #/# TYPE (virt_metadata_\w+) /#) {
            #expect(page.contains("`\(match.1)`"), "\(match.1)")
        }
        let check = try Command.run(["promtool", "check", "metrics"], input: text)
        #expect(check.status == 0, "\(check.stdout)\(check.stderr)")
        #expect(check.stdout.isEmpty && check.stderr.isEmpty, "\(check.stdout)\(check.stderr)")
        // Nothing about any instance there.
        let base = String(url.dropLast("/metrics".count))
        for path in ["/instances", "/instances/min/get?path=/"] {
            #expect(try Command.succeed(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", base + path]) == "404")
        }
        #expect(try Command.succeed(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", base + "/readyz"]) == "200")
        #expect(
            try Command.succeed(["curl", "-s", "-X", "POST", "-o", "/dev/null", "-w", "%{http_code}", base + "/readyz"]) == "405")
        _ = try await server.stop()
    }

    @Test func `readyz reports what is missing, while healthz is ok`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await ServerProcess(
            "--admin-socket", socket, node: "qemu+unix:///system?socket=/nonexistent")
        #expect(try curl("/healthz").stdout == "{\"status\": \"ok\"}\n\n200")
        var answer = ""
        _ = try await eventually {
            answer = try curl("/readyz").stdout
            return answer.contains("/nonexistent': No such file")
        }
        #expect(answer.hasSuffix("\n503"))
        #expect(
            answer.contains("the domains of qemu+unix:///system?socket=/nonexistent have not all been read yet: "), "\(answer)")
        _ = try await server.stop()
    }
}

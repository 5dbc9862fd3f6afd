import Foundation
import TestSupport
import Testing

/// `virt-metadata serve` as a process: from its first line to its end.
struct ServeTests {
    // MARK: The beginning

    /// How long stopping may take; ThreadSanitizer makes everything several times as slow.
    private static var end: Duration {
        #if THREAD_SANITIZER
        .seconds(10)
        #else
        .seconds(5)
        #endif
    }

    @Test func `guests are served at once, on every address`() async throws {
        let server = try await ServerProcess(ports: 2)
        for port in 0..<2 { #expect(try await server.get("/latest/meta-data/local-hostname", port: port).text == "min") }
        #expect(try await server.get("/", from: "127.0.0.99").status == 200)
        let end = try await server.stop()
        #expect(end.status == 0 && !end.wasKilled)
        #expect(end.time < .seconds(3), "nobody was left to wait for")
    }

    @Test func `an address in use is reported in one sentence, at once`() async throws {
        let server = try await ServerProcess()
        let start = ContinuousClock.now
        let output = try await Program.run(
            "serve", "--connect", "qemu+unix:///system?socket=/nonexistent", "--listen", "127.0.0.1:0", "--listen",
            "127.0.0.1:\(server.ports[0])")
        #expect(output.status == 2)
        let port = server.ports[0]
        #expect(
            output.stderr == """
                virt-metadata: cannot listen on 127.0.0.1:\(port): address already in use (check: ss -ltnp sport = :\(port))

                """)
        #expect(start.duration(to: .now) < .seconds(5))
        #expect(try await server.get("/").status == 200)
    }

    @Test func `an address that no interface has is reported in one sentence`() async throws {
        let output = try await Program.run("serve", "--connect", Program.node, "--listen", "192.0.2.77:8775")
        // At boot another process may add the address yet: the service manager tries again.
        #expect(output.status == 1)
        #expect(output.stderr.hasPrefix("virt-metadata: cannot listen on 192.0.2.77:8775: no interface has this address; "))
        #expect(output.stderr.count { $0 == "\n" } == 1)
    }

    @Test func `an unreadable neighbours file ends it before it listens`() async throws {
        let output = try await Program.run(
            "serve", "--connect", Program.node, "--listen", "127.0.0.1:0", "--neighbours", "/nonexistent")
        #expect(output.status == 2)
        #expect(output.stderr.hasPrefix("virt-metadata: --neighbours: "))
    }

    @Test func `a guest that meets a limit is logged once, with the option that sets it`() async throws {
        let server = try await ServerProcess("--requests-per-second", "1", "--connections-per-caller", "2")
        let connection = try server.connection()
        var statuses: [Int] = []
        for _ in 0..<10 {
            try await connection.send("GET / HTTP/1.1\r\n\r\n")
            statuses.append(try await connection.reply().status)
        }
        #expect(statuses.prefix(2) == [200, 200])
        #expect(statuses.count { $0 == 429 } > 5)
        let second = try server.connection()
        for _ in 0..<3 { #expect(await (try server.connection()).isEnded()) }
        _ = second
        try await server.waitForLog(
            "guest rate limit exceeded; requests get 429 client.mac=52:54:00:0e:00:03 "
                + "setting=max-requests-per-second,max-bytes-per-second,max-cpu-per-second\n")
        try await server.waitForLog(
            "guest connection limit exceeded; further connections are closed client.mac=52:54:00:0e:00:03 "
                + "setting=max-connections-per-guest\n")
        #expect(server.log.matches(of: /rate limit exceeded/).count == 1)
        #expect(server.log.matches(of: /connection limit exceeded/).count == 1)
    }

    @Test func `an unreachable hypervisor is logged once, and waited for`() async throws {
        let server = try await ServerProcess("--hold-timeout", "200ms", node: "qemu+unix:///system?socket=/nonexistent")
        try await server.waitForLog("libvirt unreachable; retrying")
        #expect(try await server.get("/").status == 200)
        #expect(try await server.get("/latest/meta-data/").status == 503)
        try await Task.sleep(for: .seconds(1))
        #expect(server.log.matches(of: /libvirt unreachable/).count == 1)
        let end = try await server.stop()
        #expect(end.status == 0)
        #expect(end.time < .seconds(3))
    }

    @Test func `the descriptor limit is raised for the allowed connections`() async throws {
        let output = try await Program.shell(
            """
            ulimit -Sn 256
            "$virt_metadata" serve --connect \(Program.node) --listen 127.0.0.1:0 --connections 1000 2>/dev/null &
            for _ in $(seq 100); do
                limit=$(awk '/Max open files/ { print $4 }' /proc/$!/limits)
                [ "$limit" = 256 ] || break
                sleep 0.05
            done
            kill $!
            echo "$limit"
            """)
        #expect((Int(output.stdout.trimmingCharacters(in: .newlines)) ?? 0) >= 1000)
    }

    // MARK: The log

    @Test func `in the journal a line begins with its priority, and elsewhere with the time`() async throws {
        // The stream that the variable names, and another.
        for isJournal in [true, false] {
            let output = try await Program.shell(
                """
                folder=$(mktemp -d)
                log=$folder/log
                : >$log
                JOURNAL_STREAM=$(stat -c %d:%i $log)\(isJournal ? "" : "1") "$virt_metadata" serve --connect \(Program.node) \
                    --listen 127.0.0.1:0 --state-directory $folder/state 2>$log &
                for _ in $(seq 200); do grep -q 'inventory is complete' $log && break; sleep 0.05; done
                kill $!; wait $!; cat $log; rm -r $folder
                """)
            let lines = output.stdout.split(separator: "\n")
            let time = isJournal ? "" : #"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ "#
            func starts(_ level: String, _ text: String) throws -> Bool {
                let regex = try Regex("^\(time)\(level)\(text)")
                return lines.contains { $0.firstMatch(of: regex) != nil }
            }
            #expect(try starts(isJournal ? "<6>" : "info virt-metadata: ", "listening address=127"), "\(lines)")
            #expect(
                try starts(
                    isJournal ? "<5>" : "notice virt-metadata: ", "started bridges=none hypervisor.uri=test://"), "\(lines)")
            let all = isJournal ? try Regex("^<[2-7]>[^ ]") : try Regex("^\(time)[a-z]+ virt-metadata: ")
            #expect(lines.allSatisfy { $0.firstMatch(of: all) != nil }, "\(lines)")
        }
    }

    @Test func `the stop is logged, first that it was asked for and last that it is over`() async throws {
        let server = try await ServerProcess()
        try await server.waitForLog("the inventory is complete")
        let end = try await server.stop()
        let lines = server.log.split(separator: "\n").suffix(2)
        #expect(end.status == 0)
        #expect(lines.first?.hasSuffix(" notice virt-metadata: stopping: SIGTERM or SIGINT received") == true, "\(lines)")
        #expect(lines.last?.hasSuffix(" notice virt-metadata: stopped") == true, "\(lines)")
    }

    @Test func `neither user data nor keys are logged at any level`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("defaults: {userdata: default-user-data}".utf8).write(to: file)
        let server = try await ServerProcess("--log-level", "trace", "--config", file.path)
        let paths = [
            "/latest/user-data", "/openstack/latest/user_data", "/openstack/latest/meta_data.json",
            "/latest/meta-data/public-keys/0/openssh-key",
        ]
        var secrets: [String] = []
        for path in paths {
            let reply = try await server.get(path, from: "127.0.0.3")
            if reply.status == 200, !path.hasSuffix("json") { secrets.append(reply.text) }
        }
        #expect(secrets.contains { $0.contains("ssh-") })
        _ = try await server.get("/latest/user-data?secret=correct-horse", from: "127.0.0.50")
        _ = try await server.stop()
        for secret in secrets {
            for line in secret.split(separator: "\n") where line.count > 12 { #expect(!server.log.contains(line)) }
        }
        #expect(!server.log.contains("AAAA") && !server.log.contains("default-user-data"))
        #expect(!server.log.contains("correct-horse"))
    }

    @Test func `an unmatched client is logged once, with the step that failed`() async throws {
        let server = try await ServerProcess("--trust-forwarded-for", "127.0.0.9")
        for _ in 0..<3 { #expect(try await server.get("/latest/", from: "127.0.0.50").status == 404) }
        let proxy = try server.connection(from: "127.0.0.9")
        for number in 1...300 {
            try await proxy.send("GET /latest/ HTTP/1.1\r\nX-Forwarded-For: 10.1.\(number / 250).\(number % 250)\r\n\r\n")
            #expect(try await proxy.reply().status == 404)
        }
        _ = try await server.stop()
        let lines = server.log.split(separator: "\n").filter { $0.contains("client not matched to any domain") }
        #expect(lines.count { $0.contains("127.0.0.50") } == 1)
        #expect(lines.first?.contains("no MAC address is known for the client") == true)
        #expect(lines.count < 100, "300 addresses are not 300 lines")
        #expect(server.log.contains("suppressing further messages about unmatched clients"))
    }

    // MARK: Stopping

    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal stops it cleanly, with idle connections`(signal: Int32) async throws {
        let server = try await ServerProcess()
        let (idle, fresh) = (try server.connection(), try server.connection())
        try await idle.send("GET / HTTP/1.1\r\n\r\n")
        #expect(try await idle.reply().status == 200)
        let end = try await server.stop(with: signal)
        #expect(end.status == 0 && !end.wasKilled)
        #expect(end.time < .seconds(3))
        #expect(try await idle.receive().isEmpty)
        #expect(try await fresh.receive().isEmpty)
    }

    @Test func `held requests get 503 at the stop`() async throws {
        let server = try await ServerProcess("--hold-timeout", "60s", node: "qemu+unix:///system?socket=/nonexistent")
        let held = try server.connection()
        try await held.send("GET /latest/meta-data/ HTTP/1.1\r\n\r\n")
        try await held.waitUntilRead()
        let end = try await server.stop()
        #expect(try await held.reply().status == 503)
        #expect(end.status == 0)
        #expect(end.time < .seconds(3))
    }

    @Test func `half a request delays the stop by at most five seconds`() async throws {
        let server = try await ServerProcess()
        let half = try server.connection()
        try await half.send("GET / HTTP/1.1\r\nHost:")
        try await half.waitUntilRead()
        let end = try await server.stop()
        #expect(end.status == 0 && !end.wasKilled)
        #expect(end.time < Self.end)
    }

    @Test func `a libvirtd that accepts and never answers does not delay the stop`() async throws {
        let daemon = try SilentDaemon()
        let server = try await ServerProcess(node: "qemu+unix:///system?socket=\(daemon.path)")
        #expect(try await eventually { daemon.hasClient })
        let end = try await server.stop()
        #expect(end.time < Self.end)
        // The service that hung is named, and the exit status shows that the stop was not clean.
        #expect(end.status == 1 && !end.wasKilled)
        let lines = server.log.split(separator: "\n").filter { $0.contains("services did not stop in time; exiting") }
        #expect(lines.count == 1 && lines[0].contains("inventory") && !lines[0].contains("guest listener"), "\(lines)")
    }

    @Test func `a download is completed, and a guest that does not read is not waited for`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let domain = try String(contentsOfFile: "\(Program.fixtures)/instances/minimal/domain.xml", encoding: .utf8)
        let userData = String(repeating: "0123456789abcdef", count: 224 << 10)
        try Data(domain.replacing("<project-id>p1</project-id>", with: "<userdata>\(userData)</userdata>").utf8)
            .write(to: folder.appending(path: "domain.xml"))
        try Data("<node><domain file='domain.xml'/></node>".utf8).write(to: folder.appending(path: "node.xml"))
        let server = try await ServerProcess(node: "test://\(folder.path)/node.xml")
        try await server.waitForLog("the inventory is complete")
        let (reader, other) = (try server.connection(window: 4096), try server.connection(window: 4096))
        for connection in [reader, other] { try await connection.send("GET /latest/user-data HTTP/1.1\r\n\r\n") }
        for connection in [reader, other] { try await connection.waitUntilRead() }
        async let end = server.stop()
        #expect(try await eventually { (try? server.connection()) == nil }, "it has begun to end")
        let reply = try await reader.reply()
        #expect(reply.body.count == userData.utf8.count, "\(reply.head) \(server.log)")
        #expect(try await end.status == 0)
        #expect(try await end.time < .seconds(5))
    }
}

/// A Unix socket that accepts connections, as the kernel does for it, and never answers: a libvirtd that hangs.
private final class SilentDaemon {
    let path = FileManager.default.temporaryDirectory.appending(path: "silent-\(UUID().uuidString.prefix(8))").path
    private let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)

    struct Failure: Error {}

    init() throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { buffer in
            unsafe buffer.copyBytes(from: path.utf8)
        }
        let status = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0, listen(descriptor, 8) == 0 else { throw Failure() }
    }

    /// Whether a client has connected.
    var hasClient: Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&waiting, 1, 0) == 1
    }

    deinit {
        close(descriptor)
        try? FileManager.default.removeItem(atPath: path)
    }
}

import Common
import Foundation
import TestSupport
import Testing

/// `virt-metadata emulate` as a process, as a test suite of an agent runs it.
@Suite struct EmulateTests {
    /// What `--ready-file` has.
    private struct Ready: Decodable {
        struct Instance: Decodable {
            let name: String
            let url: String
        }

        let url: String
        let instances: [Instance]
        let pid: Int32

        var port: Int { Int(url.split(separator: ":").last ?? "") ?? 0 }
    }

    /// A running emulator, and the folder with its files.
    private final class Emulator: Sendable {
        let folder = FileManager.default.temporaryDirectory.appending(path: "emulate-\(UUID().uuidString)")
        private let process: RunningProgram
        let ready: Ready

        init(_ arguments: String...) async throws {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let (file, output) = (folder.appending(path: "ready.json"), folder.appending(path: "output"))
            try Data().write(to: output)
            process = try RunningProgram(
                [Program.path, "emulate", "--ready-file", file.path]
                    + arguments.map { [folder] in
                        $0.replacing("FOLDER", with: folder.path)
                    }, output: FileHandle(forWritingTo: output))
            guard try await eventually(within: .seconds(15), { FileManager.default.fileExists(atPath: file.path) }) else {
                throw ServerProcess.Failure(description: (try? String(contentsOf: output, encoding: .utf8)) ?? "")
            }
            ready = try JSONDecoder().decode(Ready.self, from: Data(contentsOf: file))
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        var output: String { (try? String(contentsOf: folder.appending(path: "output"), encoding: .utf8)) ?? "" }
        var identifier: Int32 { process.identifier }

        func client() throws -> PlainClient { try PlainClient(to: ready.port) }

        func text(of file: String) throws -> String { try String(contentsOf: folder.appending(path: file), encoding: .utf8) }

        func end() -> Int32? { process.end() }
    }

    private static let fixtures = "\(Program.fixtures)/instances"

    // MARK: Serving

    @Test func `a fixture is served at a free port until a signal, and the ready file goes with it`() async throws {
        let emulator = try await Emulator("\(Self.fixtures)/rich")
        #expect(emulator.ready.pid == emulator.identifier)
        #expect(emulator.ready.instances.map(\.name) == ["web"])
        #expect(emulator.output == "web: \(emulator.ready.url)\n")
        let client = try emulator.client()
        #expect(try client.request("GET", "/latest/meta-data/instance-id").text == "i-0000002a")
        #expect(try client.request("GET", "/openstack/latest/user_data").text.hasPrefix("#cloud-config\n"))
        #expect(emulator.end() == 0)
        #expect(!FileManager.default.fileExists(atPath: emulator.folder.appending(path: "ready.json").path))
    }

    @Test func `--print-url prints the URLs of all instances and nothing else`() async throws {
        let emulator = try await Emulator(
            "--print-url", "\(Self.fixtures)/rich", "\(Self.fixtures)/minimal", "\(Self.fixtures)/rich")
        #expect(emulator.output == emulator.ready.instances.map { "\($0.url)\n" }.joined())
        #expect(emulator.ready.instances.map(\.name) == ["web", "min", "web-2"])
        #expect(Set(emulator.ready.instances.map(\.url)).count == 3)
    }

    @Test func `--quiet prints nothing, and the access log has each request when it is answered`() async throws {
        let emulator = try await Emulator("--quiet", "--access-log", "FOLDER/requests.jsonl", "\(Self.fixtures)/minimal")
        let client = try emulator.client()
        for number in 1...3 {
            _ = try client.request("GET", "/latest/\(number)")
            let lines = try emulator.text(of: "requests.jsonl").split(separator: "\n")
            #expect(lines.count == number)
            #expect(lines.last?.contains(#""n": \#(number)"#) == true && lines.last?.contains(#""status": 404"#) == true)
        }
        #expect(emulator.end() == 0)
        #expect(emulator.output == "")
    }

    @Test func `values are set, read from files and removed on the command line`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data([0, 255, 10]).write(to: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        let emulator = try await Emulator(
            "--set", "spot/instance-action={\"action\":\"stop\"}", "--set", "a=b=c", "--set-file", "user-data=\(folder.path)",
            "--absent", "iam", "--session-tokens", "required", "--hop-limit", "1", "--source-address", "198.51.100.7",
            "\(Self.fixtures)/minimal")
        let client = try emulator.client()
        #expect(try client.request("GET", "/latest/user-data").status == 401)
        let header = ("X-aws-ec2-metadata-token", try client.token())
        let get = { (path: String) in try client.request("GET", "/latest/\(path)", headers: [header]) }
        #expect(try get("meta-data/spot/instance-action").text == #"{"action":"stop"}"#)
        #expect(try get("meta-data/a").text == "b=c")
        #expect(try get("user-data").body == [0, 255, 10])
        #expect(try get("meta-data/iam/info").status == 404)
        #expect(try get("meta-data/local-ipv4").text == "198.51.100.7")
    }

    @Test func `paths that no instance has are warnings`() async throws {
        let emulator = try await Emulator(
            "--set", "spot/instance-acton=x", "--absent", "user-date", "--set", "spot=x", "--set", "hostname=x", "--absent",
            "events",
            "--set-file", "openstack/meta_dat.json=/dev/null", "--absent", "network/interfaces/macs/52:54:00:12:34:56")
        let lines = emulator.output.split(separator: "\n").filter { $0.hasPrefix("virt-metadata: ") }
        #expect(
            lines == [
                "virt-metadata: --absent: no path 'user-date'; did you mean 'user-data'? (nothing is removed)",
                "virt-metadata: --set: no path 'spot/instance-acton'; did you mean 'spot/instance-action'? (served as a new path)",
                "virt-metadata: --set: 'spot' is a directory: expected the path of a value below it (served as a new path)",
                "virt-metadata: --set-file: no path 'openstack/meta_dat.json'; did you mean 'meta_data.json'? (served as a new path)",
            ], "\(emulator.output)")
    }

    @Test func `members are set in JSON documents, also of the same command line`() async throws {
        let emulator = try await Emulator(
            "--quiet", "--set", "user-data#/a=1", "--set", "user-data={}", "--set", "openstack/meta_data.json#/meta/role=db",
            "--set", "nothing/here=x", "\(Self.fixtures)/minimal")
        #expect(emulator.output == "")
        #expect(try emulator.client().request("GET", "/openstack/latest/meta_data.json").text.contains(#""role": "db""#))
    }

    @Test func `a listen address of every interface is a warning in one line`() async throws {
        let emulator = try await Emulator("--listen", "0.0.0.0")
        let lines = emulator.output.split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("virt-metadata: --listen 0.0.0.0: every machine that reaches this host") }.count == 1)
        #expect(lines.count == 2, "\(emulator.output)")
        #expect(try await Emulator("--listen", "127.0.0.1").output.contains("every machine") == false)
    }

    @Test func `findings in a source are warnings`() async throws {
        let emulator = try await Emulator("\(Self.fixtures)/broken")
        #expect(emulator.output.contains("virt-metadata: \(Self.fixtures)/broken/domain.xml: line "))
    }

    /// A test suite may start one for each of its tests.
    @Test func `two hundred emulators run side by side`() async throws {
        // Some at a time, as a test suite on several processors starts them.
        var emulators: [Emulator] = []
        for start in stride(from: 0, to: 200, by: 20) {
            emulators += try await withThrowingTaskGroup(of: (Int, Emulator).self) { group in
                for number in start..<start + 20 {
                    group.addTask { (number, try await Emulator("--set", "number=\(number)", "\(Self.fixtures)/minimal")) }
                }
                return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
            }
        }
        for (number, emulator) in emulators.enumerated() {
            #expect(try emulator.client().request("GET", "/latest/meta-data/number").text == "\(number)")
        }
        #expect(Set(emulators.map(\.ready.url)).count == 200)
        for emulator in emulators { #expect(emulator.end() == 0) }
    }

    // MARK: Commands

    @Test func `a command has the emulator at the addresses of clouds, and nothing else`() async throws {
        let script = """
            for host in 169.254.169.254 '[fd00:ec2::254]' '[fe80::a9fe:a9fe%25lo]'; do
              curl -sS -m 5 "http://$host/latest/meta-data/instance-id"; echo
            done
            echo "$AWS_EC2_METADATA_SERVICE_ENDPOINT $VIRT_METADATA_URL ${VIRT_METADATA_EMULATOR_OUTSIDE-unset}"
            cat /proc/net/dev | wc -l
            exit 7
            """
        let run = try await Program.run("emulate", "\(Self.fixtures)/rich", "--", "sh", "-c", script)
        let url = "http://169.254.169.254"
        #expect(run.stdout == "i-0000002a\ni-0000002a\ni-0000002a\n\(url) \(url) unset\n3\n")
        #expect(run.status == 7, "\(run.stderr)")
    }

    @Test func `it needs no root`() async throws {
        try #require(geteuid() == 0, "needs root to become somebody else")
        // A user reaches the program by a path of its own: the build's folder may be closed to others.
        let folder = FileManager.default.temporaryDirectory.appending(path: "emulate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let program = folder.appending(path: "virt-metadata").path
        try FileManager.default.copyItem(atPath: Program.path, toPath: program)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        let nobody = [
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "env", "-i",
            "PATH=/usr/bin:/bin:/usr/sbin", "HOME=/", program, "emulate",
        ]
        let url = "http://169.254.169.254/"
        let run = try Command.run(nobody + ["--", "curl", "-sS", "-m", "5", url], limit: .seconds(20))
        #expect(run.stdout.hasSuffix("latest") && run.status == 0, "\(run.stderr)")
        let direct = nobody + ["--no-namespace", "--", "sh", "-c", "id -u; curl -sS $VIRT_METADATA_URL/latest/meta-data/ami-id"]
        let outside = try Command.run(direct, limit: .seconds(20))
        #expect(outside.stdout == "65534\nami-0abcdef1234567890" && outside.status == 0, "\(outside.stderr)")
    }

    @Test func `a host without user namespaces is said in one sentence`() async throws {
        let line =
            "echo 0 > /proc/sys/user/max_user_namespaces; echo 0 > /proc/sys/user/max_net_namespaces; exec \"$0\" emulate -- true"
        let run = try Command.run(["unshare", "-Ur", "sh", "-c", line, Program.path], limit: .seconds(20))
        #expect(run.status == 2)
        #expect(
            run.stderr.hasPrefix("virt-metadata: this host allows no user namespace") && run.stderr.count(where: \.isNewline) == 1
        )
        #expect(run.stderr.contains("use --no-namespace"))
    }

    @Test func `a network that is not the emulator's own is never given the addresses`() async throws {
        let line = "VIRT_METADATA_EMULATOR_OUTSIDE=net:[1] \"$virt_metadata\" emulate -- true"
        let run = try await Program.shell(line)
        let reason = "virt-metadata: this network namespace is not a new one: unset VIRT_METADATA_EMULATOR_OUTSIDE\n"
        #expect(run.status == 2 && run.stderr == reason, "\(run.stderr)")
        #expect(try Command.succeed(["ip", "-br", "address", "show", "dev", "lo"]).contains("169.254.169.254") == false)
    }

    @Test func `a signal goes to the command, whose status is the emulator's`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = try RunningProgram(
            RunningProgram.unblocked + [
                Program.path, "emulate", "--", "sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.1; done",
            ],
            output: FileHandle(forWritingTo: file))
        #expect(try await eventually(within: .seconds(15)) { try String(contentsOf: file, encoding: .utf8) == "up\n" })
        #expect(process.end() == 9)
    }

    @Test func `no such command is status 127`() async throws {
        for more in [[], ["--no-namespace"]] {
            let run = try await Program.run(more: ["emulate"] + more + ["--", "no-such-command"])
            #expect(run.status == 127)
            #expect(run.stderr == "virt-metadata: cannot run no-such-command: No such file or directory\n")
        }
    }

    // MARK: Bad input

    @Test(arguments: [
        (["/no-such-file.xml"], "/no-such-file.xml: cannot be read: No such file or directory"),
        (["--listen", "169.254.169.254"], "it is the address of a cloud's own service"),
        (["--listen", "[fd00:ec2::254]"], "expected an IP address without a port"),
        (["--listen", "fd00:ec2::254"], "it is the address of a cloud's own service"),
        (["--listen", "localhost"], "invalid value 'localhost' for --listen"),
        (["--port", "65536"], "expected an integer from 0 to 65535"),
        (["--set", "hostname"], "invalid value 'hostname' for --set: expected PATH=VALUE"),
        (["--set", "/2999-01-01/x=1"], "unknown version '2999-01-01'"), (["--absent", ""], "invalid path ''"),
        (["--set-file", "x=/no-such-file"], "/no-such-file: cannot be read"),
        (["--session-tokens", "never"], "expected optional or required"),
        (["--hop-limit", "0"], "expected an integer from 1 to 64"), (["--seed=-1"], "expected an integer of at least 0"),
        (["--access-log", "/no-such-folder/log"], "/no-such-folder/log: cannot be written"),
        (["--quiet", "--print-url"], "contradict each other"),
        (["--ready-file", "/no-such-folder/ready"], "/no-such-folder/ready: cannot be written"),
        (["--"], "no command after --: expected one (is a variable empty?)"),
        (["--no-namespace", "--", ""], "no command after --"),
        (["curl", "http://192.0.2.1/"], "to run a program, put -- before it: virt-metadata emulate -- curl ..."),
        (["http://192.0.2.1/"], "record the server with 'virt-metadata crawl URL -o FOLDER'"),
        (["--set", "user-data#/a=x"], "cannot set /*/user-data#/a: the value of the path is not JSON"),
        (["--no-namespace"], "--no-namespace needs a command after --"),
        (["--port", "80", "--", "true"], "use --no-namespace with them"),
        (["a.xml", "b.xml", "--", "true"], "one source can be at 169.254.169.254"),
    ]) func `what cannot be done is status 2 with its reason`(arguments: [String], reason: String) async throws {
        let run = try await Program.run(more: ["emulate"] + arguments)
        #expect(run.status == 2 && run.stderr.contains(reason) && run.stdout == "", "\(run.status) \(run.stderr)")
    }

    @Test func `a taken port is said`() async throws {
        let emulator = try await Emulator()
        let run = try await Program.run("emulate", "--port", "\(emulator.ready.port)")
        #expect(run.status == 2)
        let reason = "Address already in use; choose another port, or none for a free one"
        #expect(run.stderr == "virt-metadata: cannot listen on 127.0.0.1:\(emulator.ready.port): \(reason)\n")
    }

    // MARK: Figures

    /// Printed, not asserted tightly: a machine that tests is busy.
    @Test func `the first answer comes soon after the start`() async throws {
        let start = ContinuousClock.now
        let emulator = try await Emulator("\(Self.fixtures)/rich")
        #expect(try emulator.client().request("GET", "/latest/meta-data/instance-id").status == 200)
        let time = start.duration(to: .now)
        let status = try String(contentsOfFile: "/proc/\(emulator.identifier)/status", encoding: .utf8)
        let memory = status.firstMatch(of: #/RssAnon:\s+(\d+) kB/#).flatMap { Int($0.1) } ?? 0
        print("emulate: first answer after \(time), \(memory) KiB of its own memory")
        #expect(time < .seconds(5))
        #expect(hasSanitizer || memory < 30 << 10)
    }
}

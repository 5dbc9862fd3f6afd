import Common
import Foundation
import TestSupport
import Testing

/// `virt-metadata emulate` as a process, as a test suite of an agent runs it.
@Suite struct EmulateTests {
    private static let fixtures = "\(Program.fixtures)/instances"
    private static let docs = "\(Program.fixtures)/../docs"

    // MARK: Serving

    @Test func `a fixture is served at a free port until a signal, and the ready file goes with it`() async throws {
        let emulator = try await RunningEmulator("\(Self.fixtures)/rich")
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
        let emulator = try await RunningEmulator(
            "--print-url", "\(Self.fixtures)/rich", "\(Self.fixtures)/minimal", "\(Self.fixtures)/rich")
        #expect(emulator.output == emulator.ready.instances.map { "\($0.url)\n" }.joined())
        #expect(emulator.ready.instances.map(\.name) == ["web", "min", "web-2"])
        #expect(Set(emulator.ready.instances.map(\.url)).count == 3)
    }

    @Test func `--quiet prints nothing, and the access log has each request when it is answered`() async throws {
        let emulator = try await RunningEmulator("--quiet", "--access-log", "FOLDER/requests.jsonl", "\(Self.fixtures)/minimal")
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
        let emulator = try await RunningEmulator(
            "--set", "spot/instance-action={\"action\":\"stop\"}", "--set", "a=b=c", "--new-path", "a", "--set-file",
            "user-data=\(folder.path)",
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

    @Test func `paths that no instance has are errors, all at once and also where it is quiet`() async throws {
        let run = try await Program.run(
            "emulate", "--quiet", "--set", "spot/instance-acton=x", "--absent", "user-date", "--set", "spot=x", "--set",
            "hostname=x", "--absent", "events", "--set-file", "openstack/meta_dat.json=/dev/null", "--absent",
            "network/interfaces/macs/52:54:00:12:34:56", "--absent", "openstack/meta_data.json#/meta/rol")
        let lines = run.stderr.split(separator: "\n").map(String.init)
        let expected = [
            "--absent: no path 'user-date'; did you mean 'user-data'?; to use a path that no instance can have, add --new-path user-date",
            "--absent: no instance has the member 'openstack/meta_data.json#/meta/rol': expected one that is served",
            "--set: no path 'spot/instance-acton'; did you mean 'spot/instance-action'?; to use a path that no instance can have, add",
            "--set: 'spot' is a directory: expected the path of a value below it; to use a path that no instance can have, add",
            "--set-file: no path 'openstack/meta_dat.json'; did you mean 'openstack/meta_data.json'?; to use a path that",
        ]
        try #require(lines.count == expected.count, "\(lines)")
        for (line, start) in zip(lines, expected) { #expect(line.hasPrefix("virt-metadata: " + start)) }
        #expect(run.status == 2 && run.stdout == "")
    }

    @Test func `paths that are declared are served, and known to scenarios, expectations and the control socket`() async throws {
        let script = """
            curl -s $VIRT_METADATA_URL/latest/meta-data/rack/row; echo; curl -s $VIRT_METADATA_URL/latest/meta-data/rack/unit
            curl -s -X PUT -d x $VIRT_METADATA_CONTROL_URL/values/rack/row
            """
        let run = try await Program.shell(
            """
            folder=$(mktemp -d); trap 'rm -r "$folder"' EXIT; cd "$folder"
            echo 'steps: [{at: 0s, set: {rack/unit: u2}}]' >s.yaml; echo 'expect: [{request: {path: rack/row}}]' >e.yaml
            "$virt_metadata" emulate --quiet --no-namespace --new-path rack/row --new-path rack/unit --set rack/row=r7 \
              --scenario s.yaml --expect e.yaml --control 127.0.0.1:0 -- sh -c '\(script)'
            """)
        #expect(run.stdout == "r7\nu2{\"status\": \"ok\"}\n" && run.status == 0, "\(run)")
    }

    @Test func `the options of session tokens win over the source`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (policy, option, status) in [("required", "optional", 200), ("optional", "required", 401)] {
            let file = folder.appending(path: "\(policy).xml")
            try """
            <domain type='kvm'><name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid><metadata>
            <instance xmlns='urn:virt-metadata:instance:1'><imds tokens='\(policy)'/></instance></metadata>
            <devices><interface type='user'><mac address='52:54:00:00:00:01'/></interface></devices></domain>
            """.write(to: file, atomically: true, encoding: .utf8)
            let path = "/latest/meta-data/instance-id"
            let plain = try await RunningEmulator(file.path)
            #expect(try plain.client().request("GET", path).status == (policy == "required" ? 401 : 200))
            let emulator = try await RunningEmulator(file.path, "--session-tokens", option)
            #expect(try emulator.client().request("GET", path).status == status)
        }
        // A recording without tokens.
        let recording = folder.appending(path: "cloud.json").path
        try #"{"/latest/meta-data/instance-id": {"status": 200, "content_type": "text/plain", "body": "i-1"}}"#.write(
            toFile: recording, atomically: true, encoding: .utf8)
        let hops = try await Program.run("emulate", recording, "--hop-limit", "1")
        let reason = "--hop-limit: the recorded server of cloud.json issues no session tokens: add --session-tokens optional"
        #expect(hops.status == 2 && hops.stderr.contains(reason), "\(hops)")
        let emulator = try await RunningEmulator(recording, "--session-tokens", "required", "--hop-limit", "1")
        let client = try emulator.client()
        #expect(try client.request("GET", "/latest/meta-data/instance-id").status == 401)
        let header = ("X-aws-ec2-metadata-token", try client.token())
        #expect(try client.request("GET", "/latest/meta-data/instance-id", headers: [header]).text == "i-1")
    }

    @Test func `the ready file of an earlier run is removed where the start fails`() async throws {
        let run = try await Program.shell(
            """
            folder=$(mktemp -d); trap 'rm -r "$folder"' EXIT; cd "$folder"
            for source in /no-such-file.xml "--set no/path=1" "-- no-such-command"; do
              echo '{}' >ready; "$virt_metadata" emulate --ready-file ready $source 2>/dev/null; echo $?; ls
            done
            """)
        #expect(run.stdout == "2\n2\n127\n", "\(run)")
    }

    // MARK: The page

    /// The only block of a language on the page.
    private static func block(_ language: String) throws -> String {
        let page = URL(filePath: Program.fixtures).deletingLastPathComponent().appending(path: "docs/emulator.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let start = try #require(text.range(of: "```\(language)\n"))
        let end = try #require(text.range(of: "```", range: start.upperBound..<text.endIndex))
        return String(text[start.upperBound..<end.lowerBound])
    }

    @Test func `the domain of the page is served`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).xml")
        try Self.block("xml").write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let emulator = try await RunningEmulator(file.path)
        #expect(emulator.output == "web: \(emulator.ready.url)\n")
        let client = try emulator.client()
        #expect(try client.request("GET", "/latest/meta-data/hostname").text == "web.example.org")
        #expect(try client.request("GET", "/latest/user-data").text == "#cloud-config")
        #expect(try client.request("GET", "/openstack/latest/meta_data.json").text.contains(#""meta": {"role": "db"}"#))
    }

    @Test(.enabled(if: (try? Command.run(["python3", "-c", "import pytest"]).status) == 0, "needs pytest"))
    func `the fixture of the page runs, and leaves nothing`() async throws {
        let test = """

            import urllib.request

            def test_it(metadata):
                assert urllib.request.urlopen(metadata + "/latest/meta-data/instance-id").status == 200
            """
        let run = try await Program.shell(
            """
            folder=$(mktemp -d); trap 'rm -r "$folder"' EXIT; cd "$folder"; mkdir bin; ln -s "$virt_metadata" bin/virt-metadata
            cat >test_page.py <<'END'
            \(try Self.block("python") + test)
            END
            PATH=$PWD/bin:$PATH python3 -B -m pytest -q -p no:cacheprovider test_page.py
            """)
        #expect(run.status == 0 && run.stdout.contains("1 passed"), "\(run)")
    }

    @Test func `members are set in JSON documents, also of the same command line`() async throws {
        let emulator = try await RunningEmulator(
            "--quiet", "--set", "user-data#/a=1", "--set", "user-data={}", "--set", "openstack/meta_data.json#/meta/role=db",
            "--set", "nothing/here=x", "--new-path", "nothing/here", "\(Self.fixtures)/minimal")
        #expect(emulator.output == "")
        #expect(try emulator.client().request("GET", "/openstack/latest/meta_data.json").text.contains(#""role": "db""#))
    }

    @Test func `a listen address of every interface is a warning in one line`() async throws {
        let emulator = try await RunningEmulator("--listen", "0.0.0.0")
        let lines = emulator.output.split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("virt-metadata: --listen 0.0.0.0: every machine that reaches this host") }.count == 1)
        #expect(lines.count == 2, "\(emulator.output)")
        #expect(try await RunningEmulator("--listen", "127.0.0.1").output.contains("every machine") == false)
    }

    @Test func `findings in a source are warnings`() async throws {
        let emulator = try await RunningEmulator("\(Self.fixtures)/broken")
        #expect(emulator.output.contains("virt-metadata: \(Self.fixtures)/broken/domain.xml: line "))
    }

    /// A test suite may start one for each of its tests.
    @Test func `two hundred emulators run side by side`() async throws {
        // Some at a time, as a test suite on several processors starts them.
        var emulators: [RunningEmulator] = []
        for start in stride(from: 0, to: 200, by: 20) {
            emulators += try await withThrowingTaskGroup(of: (Int, RunningEmulator).self) { group in
                for number in start..<start + 20 {
                    group.addTask {
                        (number, try await RunningEmulator("--set", "hostname=\(number)", "\(Self.fixtures)/minimal"))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
            }
        }
        for (number, emulator) in emulators.enumerated() {
            #expect(try emulator.client().request("GET", "/latest/meta-data/hostname").text == "\(number)")
        }
        #expect(Set(emulators.map(\.ready.url)).count == 200)
        for emulator in emulators { #expect(emulator.end() == 0) }
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
        (["--set-file", "user-data=/no-such-file"], "/no-such-file: cannot be read"),
        (
            ["--set", "openstack/metadata.json#/meta/role=db"],
            "--set: no path 'openstack/metadata.json#/meta/role'; did you mean 'openstack/meta_data.json#/meta/role'?"
        ),
        (
            ["--new-path", "openstack/x.json", "--set", "openstack/x.json#/a=1"],
            "cannot set /openstack/*/x.json#/a: no instance has this document; set the whole document first, without '#'"
        ),
        (["--absent", "spott"], "--absent: no path 'spott'; did you mean 'spot'?"), (["--new-path", ""], "invalid path ''"),
        (["spot,delay=1s"], "this is a built-in scenario: use --scenario spot,delay=1s"),
        (["\(docs)/../examples/shell/expectations.yaml"], "this is a file of expectations: use --expect "),
        (["127.0.0.1:1234"], "a URL begins with http://: 'http://127.0.0.1:1234', and is not a source of emulate"),
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
        (["a.xml", "b.xml", "--", "true"], "one source can be at 169.254.169.254: use --as or --no-namespace with several"),
        (
            ["--port", "65535", "a.xml", "b.xml"],
            "--port 65535 with 2 sources: each further source gets the next port: expected at most 65534"
        ),
        (["-", "-"], "the standard input can be one source only"),
        (["--as", "web.xml"], "invalid value 'web.xml' for --as: no source: expected ADDRESS=SOURCE, such as 127.0.0.2=web.xml"),
        (["--as", "127.0.0.2="], "invalid value '127.0.0.2=' for --as: no source"),
        (["--as", "localhost=web.xml"], "for --as: 'localhost' is not an IP address"),
        (["--as", "127.0.0.2,=web.xml"], "for --as: '' is not an IP address"),
        (["--as", "::=web.xml"], "for --as: no client has the address ::"),
        (
            ["--as", "127.0.0.2=a.xml", "--as", "127.0.0.2=b.xml"],
            "--as: 127.0.0.2 has several sources (a.xml and b.xml): expected one"
        ),
        (["--as", "::1,::1=a.xml"], "--as: ::1 has several sources (a.xml twice)"),
        (["--as", "127.0.0.2=a.xml", "b.xml", "c.xml"], "--as with 2 sources that have no address: expected at most one"),
        (["--as", "127.0.0.2=/no-such-file.xml"], "/no-such-file.xml: cannot be read: No such file or directory"),
        (["--listen", "192.0.2.1"], "Cannot assign requested address; choose an address of this host"),
    ]) func `what cannot be done is status 2 with its reason`(arguments: [String], reason: String) async throws {
        let run = try await Program.run(more: ["emulate"] + arguments)
        #expect(run.status == 2 && run.stderr.contains(reason) && run.stdout == "", "\(run.status) \(run.stderr)")
    }

    @Test func `a taken port is said`() async throws {
        let emulator = try await RunningEmulator()
        let run = try await Program.run("emulate", "--port", "\(emulator.ready.port)")
        #expect(run.status == 2)
        let reason = "Address already in use; choose another port, or none for a free one"
        #expect(run.stderr == "virt-metadata: cannot listen on 127.0.0.1:\(emulator.ready.port): \(reason)\n")
    }

    // MARK: Figures

    /// Printed, not asserted tightly: a machine that tests is busy.
    @Test func `the first answer comes soon after the start`() async throws {
        let start = ContinuousClock.now
        let emulator = try await RunningEmulator("\(Self.fixtures)/rich")
        #expect(try emulator.client().request("GET", "/latest/meta-data/instance-id").status == 200)
        let time = start.duration(to: .now)
        let status = try String(contentsOfFile: "/proc/\(emulator.identifier)/status", encoding: .utf8)
        let memory = status.firstMatch(of: #/RssAnon:\s+(\d+) kB/#).flatMap { Int($0.1) } ?? 0
        print("emulate: first answer after \(time), \(memory) KiB of its own memory")
        #expect(time < .seconds(5))
        #expect(hasSanitizer || memory < 30 << 10)
    }
}

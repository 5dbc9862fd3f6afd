import Common
import Foundation
import JSON
import Recording
import TestSupport
import Testing

/// `crawl`, `compare` and `conformance` as an author of an agent runs them, against emulated instances.
@Suite(.serialized) struct ProbeCommandTests {
    private static let fixtures = "\(Program.fixtures)/instances"

    /// Emulated sources, and a folder for what is recorded.
    private final class Servers {
        let folder = FileManager.default.temporaryDirectory.appending(path: "probe-\(UUID().uuidString)")
        private var emulators: [RunningEmulator] = []

        var urls: [String] { emulators.map(\.url) }

        /// - Parameter sources: an empty one is the example instance.
        init(_ sources: String..., more: [String] = []) async throws {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for source in sources { try await add(source, more: more) }
        }

        func add(_ source: String, more: [String] = []) async throws {
            emulators.append(try await RunningEmulator(more: (source.isEmpty ? [] : [source]) + more))
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        func path(_ name: String) -> String { folder.appending(path: name).path }
    }

    private static func run(_ arguments: String..., more: [String] = []) async throws -> Command.Output {
        try await Program.run(more: arguments + more, limit: .seconds(120))
    }

    // MARK: crawl

    @Test func `what was crawled is served again byte for byte, with its header fields`() async throws {
        let servers = try await Servers("\(Self.fixtures)/openstack")
        let (one, two) = (servers.path("one"), servers.path("two"))
        let first = try await Self.run("crawl", servers.urls[0], "-o", one, "--keep-all")
        #expect(first.status == 0, "\(first.stderr)")
        #expect(first.stderr == "virt-metadata: warning: --keep-all: \(one) has the server's secrets, if there are any\n")
        try await servers.add(one)
        let second = try await Self.run("crawl", servers.urls[1], "-o", two, "--keep-all")
        #expect(second.status == 0, "\(second.stderr)")
        let (original, served) = (try RecordingFolder.read(one), try RecordingFolder.read(two))
        #expect(original.responses.count > 1500)
        #expect(original.responses.map(\.target) == served.responses.map(\.target))
        #expect(original.tokens == served.tokens)
        for (left, right) in zip(original.responses, served.responses) {
            #expect(left.status == right.status && left.reason == right.reason && left.body == right.body, "\(left.target)")
            #expect(left.servedFields == right.servedFields, "\(left.target)")
            #expect(left.field("content-length") == right.field("content-length"), "\(left.target)")
        }
        #expect(original.absent?.body == served.absent?.body)
        let compared = try await Self.run("compare", one, servers.urls[1])
        #expect(compared.status == 0)
        #expect(compared.stdout == "0 differences in \(original.responses.count) paths\n")
        let latest = try await Self.run("compare", one, servers.urls[1], "--latest-only")
        #expect(latest.stdout.wholeMatch(of: /0 differences in 1?\d\d paths\n/) != nil, "\(latest.stdout)")
    }

    @Test func `paths that are answered with 503 or not at all are said, and are no differences`() async throws {
        let servers = try await Servers("\(Self.fixtures)/minimal")
        let scenario = servers.path("faults.yaml")
        let faults = """
            faults:
            - {match: {path: "meta-data/placement/**"}, do: {status: 503}}
            - {match: {path: "meta-data/hostname"}, do: {drop: true}}
            """
        try faults.write(toFile: scenario, atomically: true, encoding: .utf8)
        try await servers.add("\(Self.fixtures)/minimal", more: ["--scenario", scenario])
        let folder = servers.path("busy")
        let crawled = try await Self.run("crawl", servers.urls[1], "-o", folder, "--latest-only", "--timeout", "1")
        #expect(crawled.status == 1)
        #expect(
            crawled.stderr.contains("not recorded: /latest/meta-data/placement/region: answered with 503"), "\(crawled.stderr)")
        let compared = try await Self.run("compare", servers.urls[0], servers.urls[1], "--latest-only", "--timeout", "1")
        #expect(compared.status == 2, "\(compared.stdout)\(compared.stderr)")
        #expect(!compared.stdout.contains("/latest/meta-data/hostname\n"), "\(compared.stdout)")
        #expect(compared.stdout.contains(" paths not compared"), "\(compared.stdout)")
    }

    @Test func `secrets are replaced unless they are kept, and both is said`() async throws {
        let servers = try await Servers("", more: ["--set", "user-data=#cloud-config\npassword: correct-horse\n"])
        let (plain, kept) = (servers.path("plain"), servers.path("kept"))
        let output = try await Self.run("crawl", servers.urls[0], "-o", plain)
        #expect(output.status == 0, "\(output.stderr)")
        for kind in ["secret access key", "access key id", "token", "password", "account number", "signature"] {
            #expect(output.stdout.contains("\nreplaced: \(kind), "), "\(kind) of \(output.stdout)")
        }
        let recording = try RecordingFolder.read(plain)
        #expect(recording.isRedacted)
        #expect(!recording.responses.contains { String(decoding: $0.body, as: UTF8.self).contains("correct-horse") })
        #expect(recording.tool == "virt-metadata \(Version.current)")
        #expect(recording.recorded.hasSuffix("Z") && recording.source == servers.urls[0] + "/")

        let other = try await Self.run("crawl", servers.urls[0], "-o", kept, "--keep", "user-data", "--latest-only")
        #expect(other.stdout.contains("\nkept: user-data\n"))
        let text = RecordingIndex(try RecordingFolder.read(kept)).response(to: "/latest/user-data").map {
            String(decoding: $0.body, as: UTF8.self)
        }
        #expect(text == "#cloud-config\npassword: correct-horse\n")
        #expect(try RecordingFolder.read(kept).responses.allSatisfy { !$0.target.hasPrefix("/2021-03-23/") })
    }

    @Test func `a folder that is there stays, and a crawl that is cut says so`() async throws {
        let servers = try await Servers("\(Self.fixtures)/minimal")
        let path = servers.path("web")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        for (more, problem) in [
            ([], "exists: choose another folder, or use --replace"),
            (["--replace"], "exists and is not a recording: choose another folder"),
        ] {
            let output = try await Self.run("crawl", servers.urls[0], "-o", path, more: more)
            #expect(output.status == 1)
            #expect(output.stderr == "virt-metadata: \(path): \(problem)\n")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
        try FileManager.default.removeItem(atPath: path)
        let cut = try await Self.run("crawl", servers.urls[0], "-o", path, "--request-limit", "20")
        #expect(cut.status == 1)
        #expect(cut.stderr == "virt-metadata: not recorded: stopped after 20 requests\n")
        let whole = try await Self.run("crawl", servers.urls[0], "-o", path, "--replace")
        #expect(whole.status == 0, "\(whole.stderr)")
        #expect(try RecordingFolder.read(path).omissions == [])
    }

    @Test(arguments: [
        ("http://127.0.0.1:1/", "http://127.0.0.1:1/: connection failed: Connection refused"),
        ("https://127.0.0.1/", "'https://127.0.0.1/': only http is supported: expected a URL such as http://169.254.169.254/"),
        ("127.0.0.1", "'127.0.0.1': not a URL: expected a URL such as http://169.254.169.254/"),
        ("http://host:99999/", "'http://host:99999/': invalid port: expected a URL such as http://169.254.169.254/"),
        ("http://me@host/", "'http://me@host/': a user name is not supported: expected a URL such as http://169.254.169.254/"),
        ("http://[::1/", "'http://[::1/': ']' is missing: expected a URL such as http://169.254.169.254/"),
    ])
    func `a URL that cannot be asked ends each command with 2`(url: String, problem: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        for arguments in [
            ["crawl", url, "-o", folder], ["conformance", url], ["compare", "http://127.0.0.1:1", "\(Self.fixtures)/minimal"],
        ] {
            let output = try await Program.run(more: arguments)
            #expect(output.status == 2, "\(arguments)")
            if arguments[0] != "compare" { #expect(output.stderr == "virt-metadata: \(problem)\n") }
            #expect(output.stdout == "")
        }
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    // MARK: compare

    @Test func `two sources differ in what the comparison with Nova knows`() async throws {
        let servers = try await Servers("\(Self.fixtures)/minimal", more: ["--set", "hostname=other", "--absent", "local-ipv4"])
        let same = try await Self.run("compare", "\(Self.fixtures)/rich", "\(Self.fixtures)/rich", "--latest-only")
        #expect(same.status == 0, "\(same.stdout)\(same.stderr)")
        let output = try await Self.run("compare", "\(Self.fixtures)/minimal", servers.urls[0], "--latest-only", "-o", "json")
        #expect(output.status == 1)
        let document = try JSONParsing.value(of: output.stdout)
        guard case .array(let differences)? = document["differences"] else {
            throw ServerProcess.Failure(description: output.stdout)
        }
        let found = differences.map { "\($0.text("target")) \($0.text("what")) \($0.text("left")) \($0.text("right"))" }
        #expect(found.contains { $0.hasPrefix("/latest/meta-data/hostname body ") && $0.hasSuffix(" other") }, "\(found)")
        #expect(found.contains("/latest/meta-data/local-ipv4 status 200 404"))
        #expect(found.contains("/latest/meta-data/ line local-ipv4 –"))
        let text = try await Self.run("compare", "\(Self.fixtures)/minimal", servers.urls[0], "--latest-only")
        #expect(text.stdout.contains("/latest/meta-data/local-ipv4\n  status: 200 → 404\n"))
        for arguments in [["\(Self.fixtures)/none", servers.urls[0]], [servers.urls[0], servers.path("none.json")]] {
            let output = try await Self.run("compare", more: arguments)
            #expect(output.status == 2)
            #expect(output.stderr.hasPrefix("virt-metadata: ") && output.stderr.contains("none"), "\(output.stderr)")
        }
    }

    // MARK: conformance

    /// Which rules a source does not hold, as `--strict` counts: what its operator wrote, or left out, is the reason.
    @Test(arguments: [
        ("", []), ("rich", ["region"]), ("minimal", []), ("openstack", []), ("two-nics", []), ("no-keys", []), ("non-ascii", []),
        ("gzip", []), ("ec2", ["credentials"]),
    ])
    func `our own answers hold every rule`(name: String, broken: [String]) async throws {
        let servers = try await Servers(name.isEmpty ? "" : "\(Self.fixtures)/\(name)")
        let output = try await Self.run("conformance", servers.urls[0], "--strict", "-o", "json")
        let failed = try Self.failed(output)
        // Speed is that of the machine, which has other things to do meanwhile.
        #expect(failed.filter { $0 != "speed" } == broken, "\(output.stdout)")
        #expect(output.status == (failed.isEmpty ? 0 : 1))
    }

    @Test func `two servers that sign with different keys have no differences`() async throws {
        let (one, two) = (try await Servers("\(Self.fixtures)/rich"), try await Servers("\(Self.fixtures)/rich"))
        let output = try await Self.run("compare", one.urls[0], two.urls[0], "--latest-only")
        #expect(output.status == 0 && output.stdout.hasPrefix("0 differences in "), "\(output.stdout)")
    }

    @Test func `the page says of each rule whether it holds here, with an example that it is about`() async throws {
        let page = try ConformancePage()
        var held: Set<String> = []
        for source in ["", "\(Self.fixtures)/no-keys"] {
            let servers = try await Servers(source)
            let output = try await Self.run("conformance", servers.urls[0], "-o", "json")
            guard case .array(let rules)? = try JSONParsing.value(of: output.stdout)["rules"] else {
                throw ServerProcess.Failure(description: output.stdout)
            }
            let names = Set(rules.filter { $0.text("outcome") == "holds" }.map { $0.text("name") })
            if source.isEmpty { #expect(names == Set(page.held).subtracting(["public-keys-absent"])) }
            held.formUnion(names)
        }
        #expect(held == Set(page.held))
    }

    @Test func `the server holds every rule`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data("127.0.0.1 0x1 0x2 fa:16:3e:9c:bf:3d * lo\n".utf8).write(to: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await ServerProcess("--neighbours", folder.path)
        let output = try await Self.run("conformance", "http://127.0.0.1:\(server.ports[0])/", "--strict", "-o", "json")
        // Its operator wrote an availability zone and no region.
        #expect(try Self.failed(output) == ["region"], "\(output.stdout)")
        _ = try await server.stop()
    }

    @Test(arguments: ["rich", "minimal"]) func `Nova fails the rules that the page lists`(name: String) async throws {
        let servers = try await Servers("\(Program.fixtures)/nova/golden-\(name).json")
        let output = try await Self.run("conformance", servers.urls[0], "--strict", "-o", "json", "--profile", "ec2,openstack")
        let page = try ConformancePage()
        #expect(Set(try Self.failed(output)) == Set(page.failed(by: "Nova", case: name)), "\(output.stdout)")
    }

    private static let moto = URL(filePath: Program.fixtures).deletingLastPathComponent().appending(path: ".build/clients/moto")
        .path

    @Test(.enabled(if: FileManager.default.fileExists(atPath: moto), "needs moto: run Tests/clients/install-ec2-clients.sh"))
    func `moto fails the rules that the page lists`() async throws {
        let port = try TCPSocket.listener().port()
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try RunningProgram(
            ["env", "PYTHONPATH=\(Self.moto)", "/usr/bin/python3", "-m", "moto.server", "-p", "\(port)"],
            output: FileHandle(forWritingTo: file))
        defer { _ = server.end() }
        let url = "http://127.0.0.1:\(port)/"
        let isReady = try await eventually(within: .seconds(30), every: .milliseconds(200)) {
            let output = try Command.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url])
            return output.stdout == "200"
        }
        try #require(isReady, "\((try? String(contentsOf: file, encoding: .utf8)) ?? "")")
        let output = try await Self.run("conformance", url, "--strict", "-o", "json")
        #expect(Set(try Self.failed(output)) == Set(try ConformancePage().failed(by: "moto", case: "")), "\(output.stdout)")
    }

    private static func failed(_ output: Command.Output) throws -> [String] {
        guard case .array(let rules)? = try JSONParsing.value(of: output.stdout)["rules"] else {
            throw ServerProcess.Failure(description: output.stdout + output.stderr)
        }
        return rules.filter { ["fails", "warns", "not-checked"].contains($0.text("outcome")) }.map { $0.text("name") }
    }

    @Test func `the page lists every rule with its level`() async throws {
        let output = try await Self.run("conformance", "--rules", "-o", "json")
        guard case .array(let rules)? = try JSONParsing.value(of: output.stdout)["rules"] else {
            throw ServerProcess.Failure(description: output.stdout)
        }
        let page = try ConformancePage()
        #expect(
            Set(rules.map { "\($0.text("name")) \($0.text("level"))" }) == Set(zip(page.rules, page.levels).map { "\($0) \($1)" })
        )
        #expect(page.rules.count == rules.count)
    }

    @Test func `the reports are read by their readers`() async throws {
        let servers = try await Servers("\(Program.fixtures)/nova/golden-rich.json")
        let url = servers.urls[0]
        let text = try await Self.run("conformance", url)
        #expect(text.status == 1)
        #expect(text.stdout.contains("FAIL  ec2 leaf-newline: No value ends with a newline\n"))
        #expect(text.stdout.contains("warn  ec2 identity-document: "))
        let tap = try await Self.run("conformance", url, "-o", "tap")
        let lines = tap.stdout.split(separator: "\n")
        let results = lines.filter { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") }
        #expect(lines[0] == "TAP version 14" && lines[1] == "1..\(results.count)")
        for (number, line) in results.enumerated() { #expect(line.contains("ok \(number + 1) - ")) }
        #expect(tap.stdout.contains(" - leaf-newline\n  ---\n  message: \"values with a newline"))
        #expect(tap.stdout.contains(" - identity-document # TODO SHOULD\n"))
        #expect(tap.stdout.contains(" - token-put") == false)
        let junit = try await Self.run("conformance", url, "-o", "junit")
        let check =
            "import sys, xml.etree.ElementTree as t; s = t.parse(sys.stdin).getroot()[0]; "
            + "print(s.get('tests'), len(s), s.get('failures'), len(s.findall('testcase/failure')))"
        let read = try Command.succeed(["python3", "-c", check], input: junit.stdout)
        #expect(read == "\(results.count) \(results.count) 1 1\n")
        // Skipped, a rule does not fail.
        let skipped = try await Self.run("conformance", url, "--skip", "leaf-newline")
        #expect(skipped.status == 0, "\(skipped.stdout)")
        let only = try await Self.run("conformance", url, "--rule", "leaf-newline", "-o", "tap")
        #expect(only.status == 1 && only.stdout.contains("1..1\n"))
        let rules = try await Self.run("conformance", "--rules")
        #expect(rules.status == 0 && rules.stdout.contains("token-wrong  imdsv2  MUST\n"))
    }

    @Test(arguments: [
        (["http://h/", "--skip", "nothing"], "unknown rule 'nothing': `virt-metadata conformance --rules` lists all"),
        (["http://h/", "--profile", "gce"], "unknown profile 'gce': expected ec2, imdsv2, openstack, nocloud or http"),
        ([], "a URL is missing, such as http://169.254.169.254/"), (["http://h/", "-o", "xml"], "xml"),
    ])
    func `wrong usage says what is expected`(arguments: [String], problem: String) async throws {
        let output = try await Self.run("conformance", more: arguments)
        #expect(output.status == 2)
        #expect(output.stderr.contains(problem), "\(output.stderr)")
    }
}

import Foundation
import TestSupport
import Testing

/// The commands that show domains and change nothing: `list`, `tree`, `check`, `doctor`.
struct ShowingCommandTests {
    private static let instances = Program.fixtures + "/instances"

    private func json(_ output: Command.Output) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(output.stdout.utf8)) as? [String: Any], "\(output)")
    }

    // MARK: list

    @Test func `list --names prints one name per line`() async throws {
        let output = try await Program.run("list", "--names", "-c", Program.node)
        #expect(output.status == 0)
        #expect(output.stdout == "min\nseed\ntwo-nics\nweb\n")
    }

    @Test func `list notes seed disks, and what two domains share`() async throws {
        let domains = ["web", "copy"].enumerated().map { number, name in
            """
            <domain type='test'><name>\(name)</name><uuid>6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b0\(number)</uuid><memory>65536</memory>
            <metadata><instance xmlns='urn:virt-metadata:instance:1'><instance-id>i-a</instance-id></instance></metadata>
            <os><type>hvm</type></os><devices><disk type='file' device='cdrom'>
            <source file='/x/\(number == 0 ? "web-cidata" : "debian-12")\(number).iso'/><target dev='sda' bus='sata'/></disk></devices></domain>
            """
        }
        let path = FileManager.default.temporaryDirectory.appending(path: "node-\(UUID().uuidString).xml").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "<node>\(domains.joined())</node>".write(toFile: path, atomically: true, encoding: .utf8)
        let table = try await Program.run("list", "-c", "test://\(path)")
        let notes = table.stderr.split(separator: "\n").map(String.init)
        try #require(notes.count == 3, "\(notes)")
        #expect(notes[0].hasPrefix("copy: the instance-id 'i-a' is that of domain 'web' too"))
        #expect(notes[1].hasPrefix("web: disk sda (/x/web-cidata0.iso) looks like a cloud-init seed"))
        #expect(notes[2].hasPrefix("web: the instance-id 'i-a' is that of domain 'copy' too"))
        let document = try json(try await Program.run("list", "-o", "json", "-c", "test://\(path)"))
        let rows = try #require(document["domains"] as? [[String: Any]])
        #expect(rows.map { ($0["notes"] as? [String])?.count } == [1, 2])
    }

    @Test func `list prints the same domains as a table, JSON and YAML`() async throws {
        let table = try await Program.run("list", "-c", Program.node)
        #expect(table.stdout.split(separator: "\n").count == 5)
        let document = try json(try await Program.run("list", "-o", "json", "-c", Program.node))
        let domains = try #require(document["domains"] as? [[String: Any]])
        #expect(domains.map { $0["name"] as? String } == ["min", "seed", "two-nics", "web"])
        #expect(domains.allSatisfy { $0["enabled"] as? Bool == true })
        let yaml = try await Program.run("list", "-o", "yaml", "-c", Program.node)
        #expect(yaml.stdout.hasPrefix("domains:\n"))
        #expect(yaml.stdout.contains("name: two-nics\n"))
        let plain = try await Program.run("list", "--json", "-c", "test:///default")
        let other = try #require(try json(plain)["domains"] as? [[String: Any]])
        #expect(other.map { $0["enabled"] as? Bool } == [false])
    }

    // MARK: tree

    @Test(arguments: ["min", "00000000-0000-4000-8000-000000000001"])
    func `tree prints the paths of all APIs, and no contents`(domain: String) async throws {
        let output = try await Program.run("tree", domain, "-c", Program.node)
        #expect(output.status == 0)
        let lines = Set(output.stdout.split(separator: "\n"))
        for path in [
            "/openstack/latest/", "/openstack/latest/meta_data.json", "/nocloud/meta-data", "/latest/", "/latest/meta-data/",
            "/latest/meta-data/instance-id",
        ] {
            #expect(lines.contains(Substring(path)), "\(path)")
        }
        #expect(lines.allSatisfy { $0.hasPrefix("/") && !$0.contains(" ") })
        #expect(!output.stdout.contains("i-00000000000040008"))
    }

    @Test func `tree --contents prints contents, below their paths`() async throws {
        let output = try await Program.run("tree", "min", "--contents", "--path", "/latest/meta-data/", "-c", Program.node)
        #expect(output.status == 0)
        #expect(output.stdout.contains("\n/latest/meta-data/local-hostname  text, 3 bytes\n    min\n"))
    }

    @Test func `tree prints one of the APIs on request`() async throws {
        let output = try await Program.run("tree", "min", "-c", Program.node, "--api", "ec2")
        #expect(output.status == 0)
        #expect(!output.stdout.contains("/openstack"))
        #expect(output.stdout.contains("/latest/meta-data/instance-id\n"))
    }

    @Test(arguments: ["/latest/meta-data/local-hostname", "latest/meta-data/local-hostname"])
    func `tree prints a file byte for byte, with or without a leading slash`(path: String) async throws {
        let output = try await Program.run("tree", "min", "-c", Program.node, "--path", path)
        #expect(output.status == 0)
        #expect(output.stdout == "min")
    }

    @Test func `tree as JSON has contents only where they are requested`() async throws {
        let paths = ["tree", "seed", "-c", Program.node, "-o", "json", "--path", "/latest"]
        let names = try #require(try json(try await Program.run(more: paths))["paths"] as? [[String: Any]])
        #expect(names.contains { $0["path"] as? String == "/latest/user-data" && $0["type"] as? String == "text" })
        #expect(names.contains { $0["path"] as? String == "/latest/meta-data/" && $0["type"] as? String == "directory" })
        #expect(names.allSatisfy { Set($0.keys) == ["path", "type", "bytes"] })
        let all = try #require(try json(try await Program.run(more: paths + ["--contents"]))["paths"] as? [[String: Any]])
        let data = try #require(all.first { $0["path"] as? String == "/latest/user-data" })
        #expect((data["content"] as? String)?.contains("#cloud-config") == true)
        #expect(data["encoding"] as? String == "utf-8")
        #expect(data["bytes"] as? Int == (data["content"] as? String)?.utf8.count)
        let file = try await Program.run("tree", "seed", "-c", Program.node, "-o", "json", "--path", "/latest/user-data")
        #expect((try json(file)["paths"] as? [[String: Any]])?.first?["content"] as? String == data["content"] as? String)
    }

    @Test(arguments: ["--source-address", "--from"])
    func `tree computes values for a source address, by today's name and the earlier one`(option: String) async throws {
        let output = try await Program.run(
            "tree", "min", "-c", Program.node, option, "192.0.2.77", "--path", "/latest/meta-data/local-ipv4")
        #expect(output.stdout == "192.0.2.77")
        #expect(try await !Program.run("tree", "--help").stdout.contains("--from"))
    }

    // MARK: check

    @Test func `check without arguments checks all domains`() async throws {
        let output = try await Program.run("check", "-c", Program.node)
        #expect(output.status == 0)
        // A note is printed, and is no error.
        let lines = output.stdout.split(separator: "\n")
        #expect(lines.filter { $0.hasSuffix(": OK") } == ["min: OK", "seed: OK", "two-nics: OK", "web: OK"])
        #expect(lines.contains { $0.hasPrefix("web: line ") && $0.contains(": note: ") })
        let unreachable = try await Program.run("check", "-c", "qemu+unix:///system?socket=/nonexistent")
        #expect(unreachable.status == 1)
        #expect(unreachable.stderr.hasPrefix("virt-metadata: qemu+unix:///system?socket=/nonexistent: Failed to connect"))
    }

    @Test func `check - reads the standard input`() async throws {
        let good = try await Program.shell("\"$virt_metadata\" check - < '\(Self.instances)/minimal/domain.xml'")
        #expect(good.status == 0)
        #expect(good.stdout == "-: OK\n")
        let piped = try await Program.shell("echo '<domain/>' | \"$virt_metadata\" check -")
        #expect(piped.status == 1)
        #expect(piped.stdout.hasPrefix("-: line 1: "))
    }

    @Test func `check as JSON has every finding, and what could not be read`() async throws {
        let (broken, good) = ("\(Self.instances)/broken/domain.xml", "\(Self.instances)/minimal/domain.xml")
        let output = try await Program.run("check", broken, good, "/nonexistent.xml", "--json", "-c", Program.node)
        #expect(output.status == 1)
        let results = try #require(try json(output)["results"] as? [[String: Any]])
        #expect(results.map { $0["usable"] as? Bool } == [false, true, false])
        let findings = try #require(results[0]["findings"] as? [[String: Any]])
        #expect(findings.contains { $0["result"] as? String == "error" })
        #expect(findings.allSatisfy { Set($0.keys) == ["line", "element", "result", "problem"] })
        #expect((results[2]["error"] as? String)?.hasPrefix("no such file, and no domain ") == true)
        #expect(results[1]["error"] is NSNull)
    }

    // MARK: doctor

    @Test func `doctor reports a domain that was never enabled as such, without an error`() async throws {
        let options = ["-c", "test:///default", "--admin-socket", "/nonexistent/admin.sock"]
        let output = try await Program.run("doctor", more: options)
        #expect(output.stdout.hasSuffix("\ntest: not enabled\n"), "\(output.stdout)")
        #expect(output.stdout.contains("server    ERROR: server not running (no /nonexistent/admin.sock)\n"))
        let document = try json(try await Program.run("doctor", "-o", "json", more: options))
        let domain = try #require((document["domains"] as? [[String: Any]])?.first)
        #expect(domain["name"] as? String == "test")
        #expect(domain["enabled"] as? Bool == false)
        let checks = try #require(domain["checks"] as? [[String: Any]])
        #expect(checks.allSatisfy { ["ok", "note", "skipped"].contains($0["result"] as? String ?? "") })
        #expect(checks.contains { $0["remedy"] as? String == "virt-metadata -c test:///default enable test" })
        // Named, it is an error, with the command that fixes it.
        let named = try await Program.run("doctor", "test", more: options)
        #expect(named.status == 3)
        #expect(
            named.stdout.contains(
                """
                smbios    ERROR: SMBIOS does not advertise a cloud, so cloud-init detects no datasource
                          → virt-metadata -c test:///default enable test --restart

                """), "\(named.stdout)")
    }

    @Test func `doctor skips checks that rest on a failed one`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let domain = """
            <domain type='test'><name>web</name><uuid>6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d</uuid><memory>8192</memory>
            <sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry></system></sysinfo>
            <os><type>hvm</type><smbios mode='sysinfo'/></os><devices>
            <disk type='file' device='cdrom'><source file='/var/lib/seed.iso'/><target dev='sda'/></disk>
            INTERFACE</devices></domain>
            """
        try Data("<node><domain file='domain.xml'/></node>".utf8).write(to: folder.appending(path: "node.xml"))
        for (interface, problem) in [
            (
                "<interface type='bridge'><mac address='52:54:00:0d:00:01'/><source bridge='no-such-br'/></interface>",
                "network   ERROR: bridge no-such-br of interface 52:54:00:0d:00:01 does not exist on this host\n"
            ),
            (
                "<interface type='user'><mac address='52:54:00:0d:00:01'/></interface>",
                "network   ERROR: 52:54:00:0d:00:01 is of type 'user' (user-mode networking or passt)"
            ),
        ] {
            try Data(domain.replacing("INTERFACE", with: interface).utf8).write(to: folder.appending(path: "domain.xml"))
            let output = try await Program.run(
                "doctor", "web", "-c", "test://\(folder.path)/node.xml", "--admin-socket", "/nonexistent/admin.sock")
            #expect(output.status == 3)
            #expect(output.stdout.contains(problem), "\(output.stdout)")
            for check in ["firewall ", "port     ", "request  "] {
                let line = "\(check) skipped: no interface is on a bridge that is served\n"
                #expect(output.stdout.contains(line), "\(output.stdout)")
            }
            #expect(output.stdout.contains("smbios    warning: disk sda (/var/lib/seed.iso) looks like a cloud-init seed"))
            #expect(output.stdout.contains(" change-media web sda --eject --config\n"))
        }
    }

    @Test func `doctor --nagios prints one summary line first, and exits as a plugin`() async throws {
        let socket = "/nonexistent/admin.sock"
        let down = try await Program.run("doctor", "--nagios", "-c", "test:///default", "--admin-socket", socket)
        #expect(down.status == 2)
        let lines = down.stdout.split(separator: "\n")
        let summary = "VIRT-METADATA CRITICAL - 1 error, 0 warnings, 0 enabled domains, 1 not enabled"
        #expect(lines.first.map(String.init) == "\(summary) | errors=1 warnings=0 domains=1 enabled=0")
        #expect(
            lines.dropFirst() == [
                "server error: server not running (no /nonexistent/admin.sock) (fix: sudo systemctl start virt-metadata)"
            ])
        let unknown = try await Program.run("doctor", "--nagios", "--config-file", "/nonexistent.yaml")
        #expect(unknown.status == 3)
        #expect(unknown.stdout.hasPrefix("VIRT-METADATA UNKNOWN - "))
        #expect(unknown.stdout.contains("/nonexistent.yaml"))
    }
}

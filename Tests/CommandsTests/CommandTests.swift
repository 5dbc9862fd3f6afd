import Foundation
import TestSupport
import Testing

/// The commands as an operator types them: their output and exit status.
struct CommandTests {
    private static let instances = Program.fixtures + "/instances"

    // MARK: Help and usage

    private static let commands = [
        "enable", "disable", "set", "unset", "edit", "list", "doctor", "get", "requests", "tree", "check", "password", "serve",
        "config check", "config show", "config template", "identity-certificate", "convert", "cleanup",
    ]

    @Test(arguments: commands)
    func `help shows examples, on the standard output`(command: String) async throws {
        let output = try await Program.run(more: command.split(separator: " ").map(String.init) + ["--help"])
        #expect(output.status == 0)
        #expect(output.stdout.contains("EXAMPLES"))
        let examples = output.stdout.split(separator: "EXAMPLES").last ?? ""
        #expect(examples.split(separator: "\n").contains { $0.contains("virt-metadata \(command)") })
        #expect(output.stderr.isEmpty)
    }

    @Test func `help lists the commands`() async throws {
        let output = try await Program.run("--help")
        #expect(output.status == 0)
        for command in Self.commands {
            #expect(output.stdout.contains("\n  \(command.prefix { $0 != " " }) "), "\(command) is not listed")
        }
    }

    @Test(arguments: [
        ["enable"], ["disable"], ["set", "min"], ["unset", "min"], ["edit"], ["get", "min"], ["requests"], ["list", "min"],
        ["tree"], ["password"], ["requests", "min", "-n", "-1"], ["requests", "min", "-n", "few"], ["list", "--names", "--json"],
        ["doctor", "--nagios", "-o", "json"], ["check", "-o", "xml"], ["tree", "min", "--source-address", "here"], ["convert"],
        ["serve", "now"], ["serve", "--threads", "0"], ["serve", "--lisen", "a"],
        ["sing"],
        ["tree", "min", "--api", "ec3"], ["tree", "min", "--from", "here"], ["tree", "min", "--config", "/nonexistent"],
        ["convert", "a", "b"], ["password", "min", "--clear", "--decrypt", "key"],
    ])
    func `a command with wrong usage exits with 2`(arguments: [String]) async throws {
        let output = try await Program.shell("\"$virt_metadata\" \(arguments.joined(separator: " "))")
        #expect(output.status == 2)
        #expect(output.stdout.isEmpty)
        #expect(!output.stderr.isEmpty)
    }

    @Test func `a wrong variable ends each command that reads settings`() async throws {
        let output = try await Program.shell("VIRT_METADATA_LISEN=x \"$virt_metadata\" serve")
        #expect(output.status == 2)
        let sentence = "environment variable VIRT_METADATA_LISEN: unknown setting; did you mean 'VIRT_METADATA_LISTEN'?"
        #expect(output.stderr == "virt-metadata: \(sentence)\n")
    }

    @Test(arguments: [["list"], ["enable", "web"], ["set", "web", "hostname=www"]])
    func `an unreachable libvirt is reported, with a remedy`(command: [String]) async throws {
        let output = try await Program.run(more: command + ["--connect", "qemu+unix:///system?socket=/nonexistent"])
        #expect(output.status == 1)
        #expect(output.stderr.hasPrefix("virt-metadata: qemu+unix:///system?socket=/nonexistent: Failed to connect"))
        #expect(output.stderr.contains("; start libvirt (sudo systemctl start "))
        #expect(output.stderr.hasSuffix("), or select another URI with --connect URI\n"))
    }

    @Test func `tree and check use the defaults of the configuration`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("defaults: {placement: {region: eu-test}}\n".utf8).write(to: file)
        let region = try await Program.run(
            "tree", "min", "--connect", Program.node, "--config", file.path, "--path", "/latest/meta-data/placement/region")
        #expect(region.stdout == "eu-test")
    }

    // MARK: password

    @Test(arguments: [
        (["min"], 1 as Int32, "virt-metadata: min: the guest has set no password\n"),
        (["min", "--clear"], 0, "min: no password is set; no changes\n"),
        (["nobody"], 1, "virt-metadata: no domain 'nobody' at"),
    ])
    func `password reports a guest that has set none, and no domain`(
        arguments: [String], status: Int32, message: String
    ) async throws {
        let output = try await Program.run("password", more: arguments + ["-c", Program.node])
        #expect(output.status == status)
        #expect(output.stdout.isEmpty)
        #expect(output.stderr.hasPrefix(message), "\(output.stderr)")
    }

    // MARK: tree

    @Test func `tree reports a missing domain or path`() async throws {
        let domain = try await Program.run("tree", "web-9", "--connect", Program.node)
        #expect(domain.status == 1)
        #expect(domain.stdout.isEmpty)
        #expect(domain.stderr.contains("no domain 'web-9' at \(Program.node); `virsh -c \(Program.node) list --all`"))
        let missing = try await Program.run("tree", "min", "--connect", Program.node, "--path", "/latest/nowhere")
        #expect(missing.status == 1)
        #expect(missing.stderr == "virt-metadata: /latest/nowhere: not served for this domain (404)\n")
    }

    @Test func `tree reports an unreachable hypervisor`() async throws {
        let output = try await Program.run("tree", "min", "--connect", "qemu+unix:///system?socket=/nonexistent")
        #expect(output.status == 1)
        #expect(output.stderr.hasPrefix("virt-metadata: qemu+unix:///system?socket=/nonexistent: "))
        #expect(output.stderr.count { $0 == "\n" } == 1)
    }

    @Test func `tree searches the hypervisors in order, and reports which one has the domain`() async throws {
        let unreachable = "qemu+unix:///system?socket=/nonexistent"
        let uris = ["--connect", unreachable, "--connect", "test:///default", "--connect", Program.node]
        let output = try await Program.run("tree", "min", "--path", "/latest/meta-data/local-hostname", more: uris)
        #expect(output.status == 0)
        #expect(output.stdout == "min")
        let lines = output.stderr.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("virt-metadata: \(unreachable): ") == true)
        #expect(lines.last == "virt-metadata: 'min' is a domain at \(Program.node)")
        let nowhere = try await Program.run("tree", "web-9", more: uris)
        #expect(nowhere.status == 1)
        #expect(nowhere.stderr.hasPrefix("virt-metadata: \(unreachable): "))
        #expect(nowhere.stderr.hasSuffix("; no domain 'web-9' at test:///default or \(Program.node)\n"))
    }

    @Test(arguments: [
        "tree min --connect \(Program.node)", "convert \(instances)/minimal/domain.xml", "check \(instances)/minimal/domain.xml",
    ])
    func `output that cannot be written is an error`(command: String) async throws {
        let output = try await Program.shell("\"$virt_metadata\" \(command) >/dev/full")
        #expect(output.status == 1)
        #expect(output.stderr.contains("cannot write all of the output: No space left on device"))
    }

    // MARK: check

    @Test func `check accepts a valid file and a valid domain`() async throws {
        let file = "\(Self.instances)/minimal/domain.xml"
        let output = try await Program.run("check", file, "min", "--connect", Program.node)
        #expect(output.status == 0)
        #expect(output.stdout == "\(file): OK\nmin: OK\n")
    }

    @Test func `check exits with 1 and reports each unusable value`() async throws {
        let (broken, good) = ("\(Self.instances)/broken/domain.xml", "\(Self.instances)/minimal/domain.xml")
        let output = try await Program.run("check", broken, good)
        #expect(output.status == 1)
        #expect(output.stdout.contains(#//broken/domain.xml: line \d+: /#))
        #expect(output.stdout.hasSuffix("\(good): OK\n"))
    }

    @Test func `check goes on after an invalid file, and reports the line`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (text, other) = (folder.appending(path: "text").path, folder.appending(path: "other.xml").path)
        try Data("<domain>\n<name>a</nam>".utf8).write(to: URL(filePath: text))
        try Data("<!-- a -->\n<pool/>".utf8).write(to: URL(filePath: other))
        let output = try await Program.run("check", text, other, folder.path, "\(Self.instances)/minimal/domain.xml")
        #expect(output.status == 1)
        let lines = output.stdout.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.first?.hasPrefix("\(text): line 2: ") == true)
        #expect(lines.dropFirst().first == "\(other): line 2: the root is <pool>, not <domain>")
        #expect(output.stderr == "virt-metadata: \(folder.path): cannot be read: Is a directory\n")
    }

    @Test func `check looks for a file first, then for a domain, and reports it`() async throws {
        let output = try await Program.run("check", "web.xml", "min", "--connect", Program.node)
        #expect(output.status == 1)
        #expect(output.stderr.hasPrefix("virt-metadata: web.xml: no such file, and no domain 'web.xml' at test://"))
        #expect(output.stdout == "min: OK\n")
        let unreachable = try await Program.run("check", "web.xml", "--connect", "qemu+unix:///system?socket=/nonexistent")
        #expect(unreachable.status == 1)
        let problem = "virt-metadata: web.xml: no such file, and qemu+unix:///system?socket=/nonexistent: "
        #expect(unreachable.stderr.hasPrefix(problem))
    }

    // MARK: convert

    @Test func `convert prints the file with its elements in the namespace`() async throws {
        let output = try await Program.run("convert", "\(Self.instances)/seed/domain.xml")
        #expect(output.status == 0)
        #expect(output.stdout == (try String(contentsOfFile: "\(Self.instances)/seed/converted.xml", encoding: .utf8)))
        #expect(output.stderr.contains(": converted "))
    }

    @Test func `convert prints a file that needs no conversion unchanged`() async throws {
        let file = "\(Self.instances)/minimal/domain.xml"
        let output = try await Program.run("convert", file)
        #expect(output.status == 0)
        #expect(output.stdout == (try String(contentsOfFile: file, encoding: .utf8)))
    }

    @Test func `convert reports a file that it cannot read`() async throws {
        let missing = try await Program.run("convert", "/nonexistent.xml")
        #expect(missing.status == 1)
        #expect(missing.stderr == "virt-metadata: cannot read /nonexistent.xml: No such file or directory\n")
        let other = try await Program.run("convert", "\(Program.fixtures)/neighbours")
        #expect(other.status == 1)
        #expect(other.stdout.isEmpty)
        #expect(other.stderr.contains("neighbours: line 1"))
    }
}

import Description
import Foundation
import TestSupport
import Testing

@testable import Commands
@testable import Configuration

/// `virt-metadata config` as an operator types it.
struct ConfigCommandTests {
    /// A file for one test.
    private final class File {
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).yaml").path

        init(_ text: String) throws { try text.write(toFile: path, atomically: true, encoding: .utf8) }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private struct Document: Decodable {
        struct Value: Decodable, Equatable {
            let text: String

            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                if let bool = try? value.decode(Bool.self) {
                    text = "\(bool)"
                } else if let number = try? value.decode(Int.self) {
                    text = "\(number)"
                } else if let list = try? value.decode([String].self) {
                    text = "[\(list.joined(separator: ", "))]"
                } else {
                    text = "'\(try value.decode(String.self))'"
                }
            }
        }

        struct Row: Decodable {
            let name: String
            let value: Value?
            let `default`: Value?
            let source: String
        }

        let file: String?
        let valid: Bool
        let settings: [Row]
        let errors: [String]
        let hints: [String]
    }

    private func document(_ output: Command.Output) throws -> Document {
        try JSONDecoder().decode(Document.self, from: Data(output.stdout.utf8))
    }

    // MARK: check

    @Test func `check names the file and prints the settings that are not the default`() async throws {
        let file = try File("bridge: [br0, br1]\nguard: true\ndefaults:\n  placement: {region: eu}\n")
        let good = try await Program.run("config", "check", "--config-file", file.path, "--threads", "2")
        #expect(good.status == 0)
        let lines = good.stdout.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true) }
        #expect(
            lines == [
                ["file:", Substring(file.path)], ["SETTING", "VALUE", "SOURCE"],
                ["bridge", "br0,", "br1", "file", "\(file.path),", "line", "1"], ["threads", "2", "flag", "--threads"],
                ["defaults", "(values", "for", "all", "instances)", "file", "\(file.path),", "line", "3"], ["OK"],
            ])
        #expect(good.stderr.isEmpty)
    }

    @Test func `check says so where there is no file and where nothing is set`() async throws {
        let file = try File("# nothing\n")
        let nothing = try await Program.run("config", "check", "--config-file", file.path)
        #expect(nothing.status == 0)
        #expect(nothing.stdout == "file: \(file.path)\nOK: every setting has its default\n")
        guard !FileManager.default.fileExists(atPath: Configuration.defaultFile) else { return }
        let bare = try await Program.run("config", "check")
        #expect(bare.stdout.hasPrefix("file: none (/etc/virt-metadata/config.yaml does not exist)\n"))
    }

    @Test func `check reports every error, and exits with 2`() async throws {
        let file = try File("threads: 0\nbridge: br0\ndefaults:\n  placement: {regon: eu}\nlog-levle: info\n")
        let bad = try await Program.run("config", "check", "--config-file", file.path, "--hop-limit", "65")
        #expect(bad.status == 2)
        #expect(bad.stdout.isEmpty)
        let lines = bad.stderr.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[0] == "virt-metadata: \(file.path):1: invalid value '0' for threads: expected an integer from 1 to 64")
        #expect(lines[1].hasPrefix("virt-metadata: \(file.path):4: defaults: placement/regon: "))
        #expect(lines[2] == "virt-metadata: \(file.path):5: unknown setting 'log-levle'; did you mean 'log-level'?")
        #expect(lines[3] == "virt-metadata: invalid value '65' for --hop-limit: expected an integer from 1 to 64")
        let json = try document(try await Program.run("config", "check", "--config-file", file.path, "-o", "json"))
        #expect(!json.valid && json.errors.count == 3 && json.settings.isEmpty && json.file == file.path)
    }

    @Test func `check finds settings that contradict each other`() async throws {
        let file = try File("")
        let output = try await Program.run("config", "check", "--config-file", file.path, "--connect", "test:///default")
        #expect(output.status == 2)
        #expect(output.stderr.contains("have no bridge: set --listen ADDRESS:PORT"))
    }

    @Test func `a former name is a hint, and is used`() async throws {
        let file = try File("tokens: required\n")
        let output = try await Program.run("config", "check", "--config-file", file.path)
        #expect(output.status == 0)
        #expect(output.stdout.contains("session-tokens  required  file \(file.path), line 1\n"))
        let hint = "'tokens' is now named 'session-tokens'; the old name still works"
        #expect(output.stderr == "virt-metadata: hint: \(file.path):1: \(hint)\n")
        let json = try document(try await Program.run("config", "show", "--config-file", file.path, "--json"))
        #expect(json.hints == ["\(file.path):1: \(hint)"])
    }

    @Test func `check opens the files that settings name`() async throws {
        let (file, exposed) = (try File(""), try File("secret\n"))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: exposed.path)
        let arguments = [
            "--config-file", file.path, "--neutron-secret", exposed.path, "--token-key", "/nonexistent/t", "--identity-key",
            "/nonexistent/i", "--neighbours", "/nonexistent/n",
        ]
        let bad = try await Program.run("config", "check", more: arguments)
        #expect(bad.status == 2 && bad.stdout.isEmpty)
        let lines = bad.stderr.split(separator: "\n")
        #expect(lines.count == 4)
        for (line, beginning) in zip(
            lines,
            [
                "--neutron-secret: \(exposed.path): accessible by other users",
                "--token-key: /nonexistent/t: no such file; create",
                "--identity-key: /nonexistent/i: no such file; create", "--neighbours: /nonexistent/n: No such file or directory",
            ])
        { #expect(line.hasPrefix("virt-metadata: \(beginning)")) }
        // Those are the server's own words.
        let serve = try await Program.run("serve", more: ["--config-file", file.path, "--token-key", "/nonexistent/t"])
        #expect(serve.status == 2 && serve.stderr.contains(lines[1]))
    }

    @Test func `a named file that only another user may read is a warning`() async throws {
        let (file, secret) = (try File(""), try File("secret\n"))
        let path = secret.path
        let output = try await Program.shell(
            """
            chmod 600 \(path); chmod 644 \(file.path)
            setpriv --reuid 65534 --clear-groups "$virt_metadata" config check --config-file \(file.path) --neutron-secret \(path)
            """)
        #expect(output.status == 0, "\(output)")
        #expect(output.stderr.hasPrefix("virt-metadata: warning: --neutron-secret: cannot read \(path): "))
        #expect(output.stdout.hasSuffix("OK\n"))
    }

    @Test func `a public key in the defaults is a key`() async throws {
        for key in ["junk", "ssh-ed25519 junk", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJ7y"] {
            let file = try File("defaults:\n  public-keys: {a: \(key)}\n")
            let output = try await Program.run("config", "check", "--config-file", file.path)
            #expect(output.status == 2)
            let location = "\(file.path):2: defaults: public-keys/public-key[a]/key: "
            #expect(output.stderr.hasPrefix("virt-metadata: \(location)\(PublicKeyLine.expectation)"), "\(output)")
        }
    }

    // MARK: show

    @Test func `show prints the valid settings and the error`() async throws {
        let file = try File("threads: 0\nguard: false\n")
        let arguments = ["--config-file", file.path, "-c", "test:///default"]
        let output = try await Program.run("config", "show", more: arguments)
        #expect(output.status == 2)
        let problem = "invalid value '0' for threads: expected an integer from 1 to 64"
        #expect(output.stderr == "virt-metadata: \(file.path):1: \(problem)\n")
        #expect(output.stdout.contains("guard") && !output.stdout.contains("threads"))
        let json = try document(try await Program.run("config", "show", "-o", "json", more: arguments))
        #expect(!json.valid && json.errors.count == 1 && json.settings.map(\.name) == ["connect", "guard"])
        let empty = try File("")
        let combination = try await Program.run("config", "show", "--config-file", empty.path, "-c", "test:///default")
        #expect(combination.status == 2 && combination.stdout.contains("test:///default"))
        #expect(combination.stderr.contains("have no bridge: set --listen ADDRESS:PORT"))
    }

    @Test func `show prints what is set, and with all every setting, each with its source`() async throws {
        let file = try File("guard: false\nthreads: 3\nlisten: [127.0.0.1:80]\nlog-level: info\n")
        let arguments = ["--config-file", file.path, "--no-guard", "-o", "json"]
        let set = try document(try await Program.run("config", "show", more: arguments))
        #expect(set.settings.map(\.name) == ["listen", "guard", "threads", "log-level"])
        #expect(set.settings.map { $0.value?.text } == ["[127.0.0.1:80]", "false", "3", "'info'"])
        #expect(set.settings.map { $0.default?.text } == ["[]", "true", nil, "'info'"])
        let line = "file \(file.path), line"
        #expect(set.settings.map(\.source) == ["\(line) 3", "flag --guard", "\(line) 2", "\(line) 4"])
        let all = try document(try await Program.run("config", "show", "--all", more: arguments))
        #expect(all.settings.map(\.name) == Setting.all.map(\.name))
        #expect(all.settings.count { $0.source == "default" } == Setting.all.count - 4)
    }

    @Test func `show names the variable, and describes a setting without a value`() async throws {
        let file = try File("")
        let output = try await Program.shell(
            "VIRT_METADATA_THREADS=2 \"$virt_metadata\" config show --all --config-file \(file.path)")
        #expect(output.status == 0)
        let lines = output.stdout.split(separator: "\n")
        func line(_ name: String) -> [Substring] {
            lines.first { $0.hasPrefix("\(name) ") }?.split(separator: " ", omittingEmptySubsequences: true) ?? []
        }
        #expect(line("threads") == ["threads", "2", "environment", "variable", "VIRT_METADATA_THREADS"])
        #expect(line("guard") == ["guard", "true", "default"])
        #expect(line("user") == ["user", "(virt-metadata", "if", "that", "user", "exists)", "default"])
        let yaml = try await Program.run("config", "show", "--config-file", file.path, "--threads", "2", "-o", "yaml")
        #expect(yaml.stdout.contains("name: threads\n  value: 2\n"))
    }

    @Test func `libvirt's own variables change nothing of the server's`() async throws {
        let file = try File("")
        let output = try await Program.shell(
            "LIBVIRT_DEFAULT_URI=test:///default \"$virt_metadata\" config show --all --config-file \(file.path)")
        #expect(output.stdout.contains(#/\nconnect +qemu:///system +default\n/#))
    }

    @Test func `show prints no contents of secrets`() async throws {
        let (secret, file) = (try File("CANARY\n"), try File(""))
        let output = try await Program.run(
            "config", "show", "--all", "--config-file", file.path, "--neutron-secret", secret.path, "--token-key", secret.path)
        #expect(output.status == 0)
        #expect(output.stdout.contains(secret.path))
        #expect(!output.stdout.contains("CANARY") && !output.stderr.contains("CANARY"))
    }

    // MARK: template

    @Test func `uncommenting every line of the template changes nothing`() throws {
        let template = ConfigTemplate.text
        var untouched = Configuration()
        try untouched.read(Array(template.utf8), of: "config.yaml")
        #expect(untouched.sources.isEmpty && untouched.defaults == .init())
        let lines = template.split(separator: "\n", omittingEmptySubsequences: false)
        let uncommented = lines.map { $0.wholeMatch(of: /#[a-z].*/) == nil ? String($0) : String($0.dropFirst()) }
        var all = Configuration()
        try all.read(Array(uncommented.joined(separator: "\n").utf8), of: "config.yaml")
        #expect(all.differences(from: Configuration()).isEmpty && all.defaults == .init())
        // Nothing but the settings that have a default value can be uncommented, and they all can.
        #expect(all.sources.count == Setting.all.count { Configuration().values(of: $0) != nil })
        #expect(all.sources.count > 30)
        #expect(try all.followsBridges())
    }

    @Test(arguments: Setting.all)
    func `the template explains each setting, in its group`(_ setting: Setting) throws {
        let sections = ConfigTemplate.text.components(separatedBy: "\n## ")
        let section = try #require(sections.first { $0.hasPrefix("\(setting.group.rawValue)\n") })
        let block = try #require(section.components(separatedBy: "\n\n").first { $0.contains("\(setting.name): ") })
        let text = block.replacing("\n# ", with: " ")
        #expect(text.contains(setting.explanation.replacing(#/--([a-z-]+)/#) { "'\($0.1)'" }))
        if Configuration().values(of: setting) == nil {
            #expect(text.contains("Default: \(setting.defaultText).") && text.contains("Example: `\(setting.name): "))
        }
        #expect(block.split(separator: "\n").allSatisfy { $0.count <= 130 })
    }

    @Test func `the template's example of defaults can be used`() throws {
        let template = ConfigTemplate.text
        let example = try #require(template.range(of: "#   defaults:"))
        let lines = template[example.lowerBound...].split(separator: "\n").map { $0.dropFirst(4) }
        var configuration = Configuration()
        try configuration.read(Array(lines.joined(separator: "\n").utf8), of: "config.yaml")
        #expect(configuration.defaults != .init())
    }

    @Test func `the template's example of profiles can be used`() throws {
        let template = ConfigTemplate.text
        let example = try #require(template.range(of: "#   profiles:"))
        let lines = template[example.lowerBound...].components(separatedBy: "\n\n")[0].split(separator: "\n").map {
            $0.dropFirst(4)
        }
        var configuration = Configuration()
        try configuration.read(Array(lines.joined(separator: "\n").utf8), of: "config.yaml")
        #expect(configuration.defaults.profileNames == ["base", "web"] && configuration.defaults.profileFindings.isEmpty)
    }

    // MARK: profiles

    @Test func `a mistake in a profile is reported, and the other settings are shown`() async throws {
        let file = try File("threads: 2\nprofiles:\n  web: {imds@tokens: maybe}\n  db: {profile: wbe}\n")
        let bad = try await Program.run("config", "check", "--config-file", file.path)
        #expect(bad.status == 2)
        let lines = bad.stderr.split(separator: "\n")
        #expect(
            lines.count == 2
                && lines[0].hasPrefix("virt-metadata: \(file.path):3: profiles: web: imds@tokens: invalid value 'maybe'"))
        #expect(lines.last == "virt-metadata: \(file.path):4: profiles: db: profile: unknown profile 'wbe'; did you mean 'web'?")
        let shown = try await Program.run("config", "show", "--config-file", file.path)
        #expect(shown.status == 2)
        #expect(shown.stdout.contains(#/\nprofiles +db, web +file .*, line 2\n/#))
        let json = try document(try await Program.run("config", "check", "--config-file", file.path, "-o", "json"))
        #expect(!json.valid && json.errors.count == 2)
    }
}

import Foundation
import TestSupport
import Testing

/// Completion as bash does it, by the script that the package has.
struct CompletionTests {
    /// The script that the package has, made once: a debug build takes seconds for it.
    private static let script = Result {
        let file = FileManager.default.temporaryDirectory.appending(path: "completion-\(UUID().uuidString)").path
        let own = try String(contentsOfFile: "\(Packaging.folder)/completion.bash", encoding: .utf8)
        let made = try Command.succeed([Program.path, "--generate-completion-script", "bash"], limit: .seconds(120))
        try (made + own).write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    /// What bash offers at the end of a command line that it knows as `words`.
    private func completions(_ words: [String], before: String = "") async throws -> (offers: Set<String>, stderr: String) {
        let line = (["virt-metadata"] + words).joined(separator: " ")
        let quoted = (["virt-metadata"] + words).map { "'\($0)'" }.joined(separator: " ")
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try "".write(toFile: folder.path + "/file.yaml", atomically: true, encoding: .utf8)
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/virt-metadata", withDestinationPath: Program.path)
        let script = """
            cd \(folder.path); export PATH=\(folder.path):$PATH; \(before)
            source \(try Self.script.get())
            COMP_WORDS=(\(quoted)); COMP_CWORD=\(words.count); COMP_LINE='\(line)'; COMP_POINT=\(line.count)
            __virt-metadata_joined virt-metadata '\(words.last ?? "")' '\(words.dropLast().last ?? "virt-metadata")'
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let output = try Command.run(["bash", "-c", script])
        return (Set(output.stdout.split(separator: "\n").map(String.init)), output.stderr)
    }

    private static let node = "export LIBVIRT_DEFAULT_URI=test:///default"

    @Test(arguments: ["enable", "disable", "set", "unset", "edit", "doctor", "get", "requests", "tree", "password", "check"])
    func `the argument of a command is a domain`(command: String) async throws {
        let found = try await completions([command, "te"], before: Self.node)
        #expect(found.offers.contains("test"))
        #expect(found.stderr.isEmpty)
        #expect(try await !completions([command, "x"], before: Self.node).offers.contains("test"))
    }

    @Test func `domains are those of the hypervisor on the command line`() async throws {
        let other = "export LIBVIRT_DEFAULT_URI=nonsense:"
        // bash begins a word at each colon and each equal sign.
        for option in [["-c"], ["--connect"], ["--connect", "="]] {
            let found = try await completions(["doctor"] + option + ["test", ":", "///default", ""], before: other)
            #expect(found.offers.contains("test"), "\(option)")
        }
        let leading = ["-c", "test", ":", "///default"]
        #expect(try await completions(leading + ["doctor", ""], before: other).offers.contains("test"))
        #expect(try await completions(leading + ["--json", "docto"]).offers == ["doctor"])
        #expect(try await completions(leading + ["config", "show", "--log-level", "w"]).offers == ["warning"])
        // Of a URI bash replaces what follows the colon.
        #expect(try await completions(["doctor", "-c", "qemu", ":", "///sy"]).offers == ["///system"])
        #expect(try await completions(["serve", "--intercept", "=", "re"]).offers == ["redirect"])
    }

    @Test(arguments: ["nonsense:", "qemu+unix:///system?socket=/nonexistent", "qemu+ssh://nowhere.invalid/system"])
    func `where domains cannot be listed there is silence`(uri: String) async throws {
        let start = ContinuousClock.now
        let found = try await completions(["doctor", ""], before: "export LIBVIRT_DEFAULT_URI='\(uri)'")
        #expect(!found.offers.contains("test"))
        #expect(found.stderr.isEmpty)
        #expect(start.duration(to: .now) < .seconds(8))
    }

    @Test(arguments: [
        (["enable", "--identity", ""], ["openstack", "ec2", "nocloud", "nocloud-net"]),
        (["serve", "--intercept", ""], ["auto", "address", "redirect", "bridge", "none"]),
        (["serve", "--session-tokens", ""], ["optional", "required"]),
        (["serve", "--log-level", "w"], ["warning"]), (["list", "-o", ""], ["table", "json", "yaml"]),
        (["config", ""], ["check", "show", "template"]), (["serve", "--config-file", "f"], ["file.yaml"]),
        (["enable", "web", "--ssh-key", "f"], ["file.yaml"]), (["enable", "web", "--user-data", "f"], ["file.yaml"]),
        (["serve", "--neutron-secret", "f"], ["file.yaml"]), (["check", "f"], ["file.yaml"]), (["convert", "f"], ["file.yaml"]),
        (["password", "web", "--decrypt", "f"], ["file.yaml"]),
    ])
    func `a value is completed`(words: [String], offers: [String]) async throws {
        let found = try await completions(words)
        #expect(found.offers.isSuperset(of: offers), "\(found)")
        #expect(found.stderr.isEmpty)
    }
}

import Foundation
import TestSupport
import Testing

/// Completion as bash does it, by the script that the package has.
struct CompletionTests {
    /// The script that the package has, made once: a debug build takes seconds for it.
    private static let script = Result { try Packaging.completionScript(for: "bash") }

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

    // MARK: Names that are commands

    /// libvirt takes nearly every name.
    private static let names = ["web", "$(id>pwned;echo web2)", "`id>pwned`", "my domain", "it's; id>pwned"]
    /// As they are offered: bash inserts what it is given.
    private static let quoted: Set = [
        "web", #"\$\(id\>pwned\;echo\ web2\)"#, #"\`id\>pwned\`"#, #"my\ domain"#, #"it\'s\;\ id\>pwned"#,
    ]

    /// A folder with a libvirt node of domains with these names, files with some of them, and a program that answers completions, and writes
    /// down with what else it is called.
    private func desk() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder.appending(path: "bin"), withIntermediateDirectories: true)
        let domains = Self.names.enumerated().map { number, name in
            let name = name.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            return
                "<domain type='test'><name>\(name)</name><uuid>7b1c4a5e-0000-4000-8000-00000000000\(number)</uuid><memory>8192</memory>"
                + "<vcpu>1</vcpu><os><type>hvm</type></os></domain>"
        }
        try "<node>\(domains.joined())</node>".write(toFile: folder.path + "/node", atomically: true, encoding: .utf8)
        try FileManager.default.createDirectory(at: folder.appending(path: "work"), withIntermediateDirectories: true)
        for name in ["$(id>pwned).yaml", "a file.yaml"] {
            try "".write(toFile: folder.path + "/work/" + name, atomically: true, encoding: .utf8)
        }
        let program = """
            #!/bin/sh
            [ "$1" = ---completion ] && exec \(Program.path) "$@"
            printf '%s\\n' "$*" >>\(folder.path)/called
            """
        try program.write(toFile: folder.path + "/bin/virt-metadata", atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path + "/bin/virt-metadata")
        return folder
    }

    private func environment(in folder: URL) -> String {
        "cd \(folder.path)/work; export PATH=\(folder.path)/bin:$PATH LIBVIRT_DEFAULT_URI=test://\(folder.path)/node"
    }

    private func expectNothingRan(in folder: URL) {
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/work/pwned"))
    }

    @Test(arguments: [true, false]) func `names of domains and files are offered, and not executed`(isPackaged: Bool) async throws
    {
        let folder = try desk()
        defer { try? FileManager.default.removeItem(at: folder) }
        // Without the package the script is what the program prints.
        let own = folder.path + "/own"
        try Command.succeed([Program.path, "--generate-completion-script", "bash"], limit: .seconds(60))
            .write(toFile: own, atomically: true, encoding: .utf8)
        let (script, function) =
            isPackaged ? (try Self.script.get(), "__virt-metadata_joined") : (own, "_virt-metadata")
        func offers(_ command: String, _ prefix: String) throws -> Set<String> {
            let commands = """
                \(environment(in: folder)); source \(script)
                COMP_WORDS=(virt-metadata \(command) "$1"); COMP_CWORD=2; COMP_LINE="virt-metadata \(command) $1"; COMP_POINT=${#COMP_LINE}
                \(function) virt-metadata "$1" \(command)
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            let output = try Command.run(["bash", "-c", commands, "bash", prefix])
            #expect(output.stderr.isEmpty, "\(output.stderr)")
            return Set(output.stdout.split(separator: "\n").map(String.init))
        }
        #expect(try offers("doctor", "").isSuperset(of: Self.quoted))
        #expect(try offers("doctor", "we") == ["web"])
        #expect(try offers("doctor", "my") == [#"my\ domain"#])
        #expect(try offers("doctor", "$") == [#"\$\(id\>pwned\;echo\ web2\)"#])
        #expect(try offers("check", "").isSuperset(of: Self.quoted.union([#"\$\(id\>pwned\).yaml"#, #"a\ file.yaml"#])))
        #expect(try offers("convert", "").isSuperset(of: ["$(id>pwned).yaml", "a file.yaml"]))
        expectNothingRan(in: folder)
    }

    @Test func `names are completed quoted, whichever way they are begun`() throws {
        let folder = try desk()
        defer { try? FileManager.default.removeItem(at: folder) }
        let lines: [(typed: String, called: String)] = [
            ("doctor we", "doctor web"), ("doctor my", "doctor my domain"), (#"doctor my\ d"#, "doctor my domain"),
            ("doctor 'my d", "doctor my domain"), ("doctor \"my", "doctor my domain"),
            (#"doctor \$"#, "doctor $(id>pwned;echo web2)"),
            (#"doctor \$\(id"#, "doctor $(id>pwned;echo web2)"), ("doctor '$", "doctor $(id>pwned;echo web2)"),
            ("doctor \"\\$", "doctor $(id>pwned;echo web2)"), ("doctor 'it", "doctor it's; id>pwned"),
            ("doctor \"\\`", "doctor `id>pwned`"),
            (#"doctor \`"#, "doctor `id>pwned`"), ("doctor it", "doctor it's; id>pwned"), ("check a", "check a file.yaml"),
            ("check '$(id>pwned).", "check $(id>pwned).yaml"), (#"convert \$"#, "convert $(id>pwned).yaml"),
        ]
        // bash completes only where somebody types.
        let typed = lines.map { "virt-metadata \($0.typed)\t\n" }.joined()
        let start = "\(environment(in: folder)) PS1='$ ' TERM=dumb; bind 'set bell-style none'; source \(try Self.script.get())\n"
        try (start + typed + "exit\n").write(toFile: folder.path + "/typed", atomically: true, encoding: .utf8)
        let screen = try Command.succeed(
            ["sh", "-c", "script -qec 'bash --norc --noprofile -i' /dev/null <\(folder.path)/typed"], limit: .seconds(120))
        let called = try String(contentsOf: folder.appending(path: "called"), encoding: .utf8).split(separator: "\n").map(
            String.init)
        #expect(called == lines.map(\.called), "\(screen)")
        expectNothingRan(in: folder)
    }
}

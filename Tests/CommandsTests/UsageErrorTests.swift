import TestSupport
import Testing

/// What the program says of a command line that it cannot use: always with status 2, before libvirt is called.
struct UsageErrorTests {
    private func expect(
        _ sentence: String, from arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let output = try await Program.run(more: arguments)
        #expect(output.status == 2, "\(output)", sourceLocation: sourceLocation)
        #expect(output.stdout.isEmpty, sourceLocation: sourceLocation)
        #expect(output.stderr.contains(sentence), "\(output)", sourceLocation: sourceLocation)
    }

    @Test(arguments: [
        ("-c test:///default enabel a", "'enabel'; did you mean 'enable'?"),
        ("enable-all", "'enable-all'; did you mean 'enable'?"),
        ("requets web -n 3", "'requets'; did you mean 'requests'?"), ("reboot --all", "'reboot'; `virt-metadata help` lists all"),
        ("config shw", "'config shw'; did you mean 'config show'?"),
        ("-c test:///default config shw --all", "'config shw'; did you mean 'config show'?"),
        ("config reload", "'config reload'; `virt-metadata help config` lists all"),
    ])
    func `a misspelt command is named, with the nearest one`(line: String, problem: String) async throws {
        let output = try await Program.run(more: line.split(separator: " ").map(String.init))
        #expect(output.status == 2)
        #expect(output.stderr == "virt-metadata: unknown command \(problem)\n")
    }

    @Test func `help of an unknown command is an error`() async throws {
        let output = try await Program.run("help", "enabel")
        #expect(output.status == 2)
        #expect(output.stderr == "virt-metadata: help: unknown command 'enabel'; did you mean 'enable'?\n")
        #expect(try await Program.run("help", "log").status == 0)
    }

    @Test func `version prints what --version prints, and help does not list it`() async throws {
        let output = try await Program.run("version")
        #expect(output.status == 0)
        #expect(output.stdout == (try await Program.run("--version").stdout))
        #expect(try await !Program.run("--help").stdout.contains("\n  version"))
    }

    @Test(arguments: [
        (["set", "web", "hostname=a", "hostname=b"], "hostname"),
        (["set", "web", "security-groups=a", "security-groups/group=b"], "security-groups/group"),
        (["set", "web", "userdata=a", "--file", "userdata=a"], "userdata"),
        (["enable", "web", "--hostname", "x", "--set", "hostname=y"], "hostname"),
        (["enable", "web", "--set", "userdata=x", "--user-data", "web.yaml"], "userdata"),
        (["enable", "web", "--file", "userdata=a", "--user-data", "b"], "userdata"),
    ])
    func `contradicting values are refused`(arguments: [String], path: String) async throws {
        try await expect("contradicting values for \(path): set it once", from: arguments)
    }

    @Test(arguments: [
        (["set", "test", "tags/tag[env=c"], "invalid value 'tags/tag[env=c': missing ']' after 'tags/tag['"),
        (["set", "test", "hostname", "x"], "after all domains; did you mean hostname=x?"),
        (["set", "test", "hostname", "a b"], "after all domains; did you mean 'hostname=a b'?"),
        (["unset", "test", "hostnme"], "unknown element 'hostnme'; did you mean 'hostname'?"),
        (["unset", "test", "web"], "missing path: expected a domain, then paths"),
        (["set", "test", "--all", "hostname=x"], "--all contradicts 'test': name domains, or use --all"),
        (["unset", "test", "--all", "hostname"], "--all contradicts 'test': name domains, or use --all"),
        (["enable", "test", "--live"], "unknown option --live: the running domain and its definition are changed; --config"),
        (["disable", "test", "--current"], "unknown option --current: the running domain and its definition are changed"),
        (["edit", "test", "--xml"], "unknown option --xml: edit changes one domain of libvirt"),
        (["edit", "test", "--all"], "unknown option --all: edit changes one domain of libvirt"),
        (["enable", "test", "--restart", "--timeout", "x"], "expected an integer from 1 to 86400"),
        (["enable", "test", "--restart", "--timeout", "-3"], "expected an integer from 1 to 86400"),
        (["enable", "test", "--user-data", ""], "empty file name: expected a file, or - for the standard input"),
        (["set", "test", "--file", "userdata="], "empty file name: expected a file, or - for the standard input"),
        (["requests", "test", "-n", "-1"], "expected an integer of at least 0"),
        (["requests", "test", "-n", "few"], "expected an integer of at least 0"),
        (["requests", "test", "-n", "0"], "-n 0 prints nothing: expected 1 or more, or --follow"),
    ])
    func `a usage error names the mistake`(arguments: [String], sentence: String) async throws {
        try await expect(sentence, from: arguments)
    }

    @Test func `help does not show the options that are only refused`() async throws {
        for (command, options) in [
            ("enable", ["--live", "--current"]), ("disable", ["--live", "--current"]), ("edit", ["--xml", "--all"]),
        ] {
            let help = try await Program.run(command, "--help").stdout
            for option in options { #expect(!help.contains(" \(option) "), "\(command) \(option)") }
        }
    }
}

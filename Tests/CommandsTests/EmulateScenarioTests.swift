import Foundation
import TestSupport
import Testing

/// The options of `emulate` about scenarios, clock, control socket and expectations, with the program as a process.
@Suite struct EmulateScenarioTests {
    /// Runs a shell's line in a folder of its own, with files.
    private func shell(_ line: String, files: [String: String] = [:]) async throws -> Command.Output {
        let folder = FileManager.default.temporaryDirectory.appending(path: "emulate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files { try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8) }
        return try await Program.shell("cd \(folder.path) || exit; \(line)")
    }

    private static let notice = "/latest/meta-data/spot/instance-action"
    private static let expectations = """
        expect:
        - {name: reads the notice, request: {path: spot/instance-action, status: 200}, within: 5s, after: {step: notice}}
        - {name: uses tokens, never: {path: meta-data/**, token: none}}

        """

    @Test func `an expectation that is not met is the exit status, and in the reports`() async throws {
        let emulate =
            "$virt_metadata emulate --no-namespace --scenario spot,delay=0s --expect e.yaml --tap tap --junit junit.xml"
        let output = try await shell(
            "\(emulate) -- sh -c 'curl -s $VIRT_METADATA_URL\(Self.notice)'; echo; echo $?; cat tap; grep -c '<failure' junit.xml",
            files: ["e.yaml": Self.expectations])
        let lines = output.stdout.split(separator: "\n")
        #expect(lines.first?.hasPrefix(#"{"action": "terminate", "time": ""#) == true, "\(output)")
        #expect(output.stdout.contains("TAP version 14\n1..2\nok 1 - reads the notice\nnot ok 2 - uses tokens\n"))
        #expect(lines.last == "1")
        #expect(
            output.stderr.contains("expectation failed: uses tokens: 1, first request 1: GET \(Self.notice), token none"))
        #expect(output.stderr.hasSuffix("expectations: 1 met, 1 failed\n"))
    }

    @Test func `a report can be the standard output`() async throws {
        let output = try await shell(
            "$virt_metadata emulate -q --no-namespace --expect e.yaml --tap - -- true", files: ["e.yaml": "expect: [{never: {}}]"]
        )
        #expect(output.stdout == "TAP version 14\n1..1\nok 1 - never: request\n", "\(output)")
    }

    @Test(arguments: [
        ("curl -s $VIRT_METADATA_URL/latest/meta-data/", "never: {path: meta-data/**}", 1), ("exit 7", "never: {}", 7),
        ("curl -s $VIRT_METADATA_URL/latest/meta-data/; exit 7", "never: {path: meta-data/**}", 7), ("true", "never: {}", 0),
    ]) func `the command's status wins`(command: String, expectation: String, status: Int32) async throws {
        let output = try await shell(
            "$virt_metadata emulate -q --no-namespace --expect e.yaml -- sh -c '\(command) >/dev/null'".replacing(
                "exit 7 >/dev/null", with: "exit 7"), files: ["e.yaml": "expect: [{\(expectation)}]"])
        #expect(output.status == status, "\(output)")
    }

    @Test func `a command steps the clock, adds faults and sets values`() async throws {
        let command = """
            curl -s -o /dev/null -w "%{http_code}\\n" $VIRT_METADATA_URL\(Self.notice)
            curl -s -o /dev/null -d "{\\"advance\\": 3600}" $VIRT_METADATA_CONTROL_URL/clock
            curl -s -o /dev/null -w "%{http_code}\\n" $VIRT_METADATA_URL\(Self.notice)
            curl -s -d "{\\"name\\": \\"f\\", \\"do\\": {\\"status\\": 429}}" $VIRT_METADATA_CONTROL_URL/rules
            curl -s -o /dev/null -w "%{http_code}\\n" $VIRT_METADATA_URL\(Self.notice)
            """
        let emulate = "$virt_metadata emulate --no-namespace --scenario spot,delay=1h --clock manual --control 127.0.0.1:0"
        let output = try await shell("\(emulate) -- sh -c '\(command)'")
        #expect(output.stdout == "404\n200\n{\"added\": 1}\n429\n", "\(output)")
    }

    @Test func `the ready file names the control socket`() async throws {
        let output = try await shell(
            """
            $virt_metadata emulate --quiet --control ./c.sock --ready-file ready.json & server=$!
            for _ in $(seq 200); do [ -e ready.json ] && break; sleep 0.05; done
            cat ready.json; curl -s --unix-socket ./c.sock http://localhost/readyz; kill $server; wait $server; echo $?; ls
            """)
        #expect(
            output.stdout.contains(#""control": "unix:/"#) && output.stdout.contains(#"/c.sock""#)
                && !output.stdout.contains("/./")
                && output.stdout.contains(#"{"status": "ready"}"#), "\(output)"
        )
        // Neither file is left.
        #expect(output.stdout.hasSuffix("\n0\n"))
    }

    @Test func `faults that never applied, and a notice that is there before its step, are told unless quiet`() async throws {
        let many = (1...12).map { "- {match: {path: /latest/user-dat\($0)}, do: {status: 503}}\n" }.joined()
        let files = ["s.yaml": "steps:\n- {at: 1h, set: {spot/instance-action: x}}\nfaults:\n\(many)"]
        let emulate = "$virt_metadata emulate --no-namespace --scenario s.yaml"
        let output = try await shell("\(emulate) -- true", files: files)
        let lines = output.stderr.split(separator: "\n")
        #expect(lines.first?.hasPrefix("virt-metadata: step in line 2 sets spot/instance-action, which already has") == true)
        #expect(lines.count == 12 && lines.last == "virt-metadata: 2 more faults never applied", "\(output)")
        #expect(lines.dropFirst().first == "virt-metadata: fault 1 never applied: there was no request of /latest/user-dat1")
        #expect(output.status == 0)
        #expect(try await shell("\(emulate) --quiet -- true", files: files).stderr == "")
    }

    @Test func `a value of the command line that a scenario replaces at the start is told`() async throws {
        let output = try await shell("$virt_metadata emulate --no-namespace --set spot/instance-action=x --scenario spot -- true")
        let told = "replaces /*/meta-data/spot/instance-action, which the command line sets, at the start"
        #expect(output.stderr.contains(told), "\(output)")
        #expect(output.status == 0)
    }

    @Test func `a built-in scenario is printed as a file that can be played`() async throws {
        let list = try await Program.run("emulate", "--list-scenarios")
        #expect(list.status == 0 && list.stdout.hasPrefix("spot    ") && list.stdout.contains("\nslow-boot    "))
        let output = try await shell(
            "$virt_metadata emulate --print-scenario spot,delay=0s >s.yaml && "
                + "$virt_metadata emulate -q --no-namespace --scenario s.yaml -- sh -c 'curl -s $VIRT_METADATA_URL\(Self.notice)'"
        )
        #expect(output.stdout.hasPrefix(#"{"action": "terminate""#), "\(output)")
    }

    @Test func `values of the mock's configuration file are served`() async throws {
        let output = try await shell(
            "$virt_metadata emulate --no-namespace --aemm-config a.json --set ami-launch-index=7 -- sh -c "
                + "'for path in ami-id ami-launch-index; do curl -s $VIRT_METADATA_URL/latest/meta-data/$path; echo; done'",
            files: [
                "a.json": #"{"metadata": {"values": {"ami-id": "ami-1", "ami-launch-index": "3"}}, "spot": {"action": "stop"}}"#
            ])
        #expect(output.stdout == "ami-1\n7\n")
        #expect(output.stderr.contains("a.json: ignored members: spot; use --scenario"))
    }

    @Test(arguments: [
        ("--scenario s.yaml", "s.yaml:2: step 1: unknown key 'sett'; did you mean 'set'?"),
        ("--scenario s.yaml", "s.yaml:3: step 2: at: negative time '-1s'"),
        ("--scenario sport", "no scenario 'sport': expected a file, or spot, rebalance"),
        ("--scenario spot,x=1", "scenario spot: invalid parameter 'x=1'"),
        ("--scenario spot --scenario spot", "two scenarios have a step with the name 'notice'"),
        ("--scenario token-expiry --scenario first.yaml", "the scenarios have different values of 'start'"),
        ("--print-scenario sport", "did you mean 'spot'?"),
        ("--scenario e.yaml", "e.yaml:1: this is a file of expectations, not a scenario: use --expect"),
        ("--clock fast", "invalid value 'fast' for --clock: expected real or manual"),
        ("--clock manual", "--clock manual needs --control"), ("--tap t", "--tap needs --expect"),
        ("--junit t", "--junit needs --expect"),
        ("--control 0.0.0.0:1", "'0.0.0.0:1' is not a loopback address"),
        ("--expect n.yaml", "n.yaml:1: expectation 1: never: path: no instance has a path that 'meta-data/spott/*' matches"),
        ("s.yaml", "this is a scenario: use --scenario s.yaml"),
        ("--expect missing.yaml", "missing.yaml: cannot be read: "),
        ("--expect e.yaml", "e.yaml:1: expectation 1: after: no step 'x': the scenario names no step"),
        ("--aemm-config s.yaml", "s.yaml:1: configuration: unknown key 'steps'"),
        ("--list-scenarios --print-scenario spot", "contradict each other"),
    ]) func `wrong options and files are usage errors`(options: String, problem: String) async throws {
        let output = try await shell(
            "timeout 20 $virt_metadata emulate \(options)",
            files: [
                "s.yaml": "steps:\n- {at: 1s, sett: 3}\n- {at: -1s, name: x}\n",
                "e.yaml": "expect: [{never: {}, after: {step: x}}]\n",
                "n.yaml": "expect: [{never: {path: meta-data/spott/*}}]\n",
                "first.yaml": "start: first-request\n",
            ])
        #expect(output.status == 2 && output.stderr.contains(problem), "\(output)")
    }
}

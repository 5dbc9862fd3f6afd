import Common
import Testing

@testable import Emulator

@Suite struct ScenarioReadingTests {
    @Test func `a scenario is read from YAML`() throws {
        let scenario = try ScenarioExample.scenario(
            """
            start: first-request
            seed: 7
            steps:
            - at: 120s
              name: notice
              instance: web
              set:
                spot/instance-action: {action: terminate, time: "@+2m", count: 3, ratio: 0.5, sure: true, more: [null, "1"]}
                spot/termination-time: "@+120s"
              absent: [events/recommendations/rebalance]
            - after: 3 requests of spot/*
              restore: hostname
              tokens: revoke
            - after: 30s
              credentials: {role: web, lifetime: 1h}
            - after: {requests: 2, method: PUT, path: api/token}
              name: mark
            faults:
            - name: throttled
              match: {method: GET, path: meta-data/**, instance: db, token: none}
              when: {from: 10s, to: 1m, first: 3, every: 2, after: 1, probability: 0.5}
              do: {status: 503, retry-after: 2s, body: busy}
            - do: ipv6-only
            """)
        #expect(scenario.start == .firstRequest && scenario.seed == 7 && scenario.steps.count == 4)
        let notice = scenario.steps[0]
        #expect(notice.moment == .at(.seconds(120)) && notice.name == "notice" && notice.instance == "web" && notice.line == 4)
        guard case .set(_, let value) = notice.changes[1] else { throw Unexpected() }
        let expected =
            #"{"action": "terminate", "time": "2026-01-07T01:05:47Z", "count": 3, "ratio": 0.5, "sure": true, "more": [null, "1"]}"#
        #expect(String(decoding: value.bytes(at: 1_767_747_827.9), as: UTF8.self) == expected)
        #expect(notice.changes[0] == .absent(try EmulatedPath("events/recommendations/rebalance")))
        #expect(scenario.steps[1].moment == .afterRequests(3, RequestPattern(path: PathPattern("spot/*"))))
        #expect(scenario.steps[1].changes == [.restore(try EmulatedPath("hostname")), .tokens(.revoke)])
        #expect(scenario.steps[2].moment == .afterTime(.seconds(30)))
        #expect(scenario.steps[3].moment == .afterRequests(2, RequestPattern(method: "PUT", path: PathPattern("api/token"))))
        let fault = scenario.faults[0]
        #expect(fault.requests.summary == "GET of meta-data/** at instance db without a token")
        #expect(fault.condition.first == 3 && fault.condition.every == 2 && fault.condition.probability == 0.5)
        #expect(scenario.faults[1].action == .refuse(.ipv4) && scenario.faults[1].name == "fault 2")
    }

    @Test func `JSON is read too`() throws {
        let scenario = try ScenarioExample.scenario(#"{"steps": [{"at": 1.5, "set": {"hostname": "x"}}], "faults": []}"#)
        #expect(scenario.steps[0].moment == .at(.milliseconds(1500)))
    }

    @Test(arguments: [
        ("", "s.yaml: the file is empty: expected a mapping with steps, faults or both"),
        ("- a", "s.yaml:1: scenario: expected a mapping with start, seed, new-paths, steps and faults"),
        ("a: [", "s.yaml:2: invalid YAML"), ("\u{7}", "s.yaml:1: invalid YAML"),
        ("step: []", "s.yaml:1: scenario: unknown key 'step'; did you mean 'steps'?"),
        ("start: later", "s.yaml:1: start: invalid value 'later': expected ready or first-request"),
        ("seed: -1", "s.yaml:1: seed: negative value '-1': expected an integer from 0 to"),
        ("steps: 3", "s.yaml:1: steps: expected a list of steps"),
        ("steps:\n- at: 1s", "s.yaml:2: step 1: changes nothing: expected set"),
        ("steps:\n- set: {hostname: x}", "s.yaml:2: step 1: no time: expected 'at: 120s'"),
        ("steps:\n- at: 1s\n  after: 2s\n  name: x", "s.yaml:3: step 1: both 'at' and 'after'"),
        ("steps:\n- at: -3s\n  name: x", "s.yaml:2: step 1: at: negative time '-3s': expected a duration"),
        ("steps:\n- at: soon\n  name: x", "s.yaml:2: step 1: at: invalid time 'soon': expected a duration such as 250ms"),
        (
            "steps:\n- at: 1 s\n  name: x",
            "'1 s': expected a duration such as 250ms, 120s, 5m, 2h or 7d (a number alone is seconds)"
        ),
        ("steps:\n- at: 1y\n  name: x", "invalid time '1y'"), ("steps:\n- at: 999d\n  name: x", "'999d' is too long"),
        (
            "steps:\n- at: 2m\n  name: x\n- at: 60s\n  name: y",
            "s.yaml:4: step 2: time 60 s is before an earlier step: expected at least 120 s, the time of the step in line 2"
        ),
        (
            "steps:\n- at: 2m\n  name: x\n- after: 1m\n  name: y\n- at: 150s\n  name: z",
            "s.yaml:6: step 3: time 150 s is before an earlier step: expected at least 180 s"
        ),
        ("steps:\n- at: 1s\n  name: x\n- at: 2s\n  name: x", "s.yaml:5: step 2: name: the name 'x' is already used in line 3"),
        (
            "steps:\n- at: 1s\n  instance: wed\n  name: x",
            "s.yaml:3: step 1: instance: no instance 'wed': expected web or db; did you mean 'web'?"
        ),
        ("steps:\n- after: 0 requests\n  name: x", "s.yaml:2: step 1: after: invalid value '0 requests'"),
        ("steps:\n- after: 2 requests from x\n  name: x", "expected 'N requests' or 'N requests of PATH'"),
        ("steps:\n- after: {path: x}\n  name: x", "step 1: after: expected 'requests' with the number of requests"),
        (
            "steps:\n- at: 1s\n  set: {spot/instance-acton: x}",
            "s.yaml:3: step 1: set: no path 'spot/instance-acton'; did you mean 'spot/instance-action'?"
        ),
        ("steps:\n- at: 1s\n  set: {spot: x}", "'spot' is a directory: expected the path of a value below it"),
        (
            "steps:\n- at: 1s\n  absent: [spt]", "s.yaml:3: step 1: absent: no path 'spt'"
        ),
        (
            "steps:\n- at: 1s\n  set: {user-date: x}", "set: no path 'user-date'; did you mean 'user-data'?"
        ),
        (
            "steps:\n- at: 1s\n  set: {'openstack/meta_dat.json#/a': x}",
            "no path 'openstack/meta_dat.json#/a'; did you mean 'openstack/meta_data.json#/a'?"
        ),
        ("steps:\n- at: 1s\n  absent: [spt]\n- at: 2s\n  absent: [spu]", "s.yaml:5: step 2: absent: no path 'spu'"),
        ("expect: [{never: {}}]", "s.yaml:1: this is a file of expectations, not a scenario: use --expect"),
        ("steps:\n- at: 1s\n  set: {/3000-01-01/user-data: x}", "unknown version '3000-01-01'"),
        ("steps:\n- at: 1s\n  set: {openstack/metadata.json: x}", "did you mean 'openstack/meta_data.json'?"),
        (
            "steps:\n- after: 2 requests of spott/*\n  name: x",
            "step 1: after: no instance has a path that 'spott/*' matches; did you mean"
        ),
        (
            "steps:\n- after: {requests: 2, path: hostnam}\n  name: x",
            "step 1: after: path: no instance has a path that 'hostnam'"
        ),
        (
            "steps:\n- at: 1s\n  set: {hostname: x}\n  absent: hostname",
            "s.yaml:4: step 1: absent: 'hostname' is already changed in line 3 of this step"
        ),
        ("steps:\n- at: 1s\n  set: {hostname: ~}", "s.yaml:3: step 1: set: hostname: no value"),
        ("steps:\n- at: 1s\n  set: {hostname: '@soon'}", "invalid time '@soon': expected a time such as @, @+120s or @-5m"),
        ("steps:\n- at: 1s\n  set: {spot/instance-action: {time: '@+1y'}}", "invalid time '@+1y'"),
        (
            "steps:\n- at: 1s\n  tokens: stop",
            "step 1: tokens: invalid value 'stop': expected revoke, refuse, issue, required or optional"
        ),
        ("steps:\n- at: 1s\n  credentials: {}", "step 1: credentials: expected 'role' with the name of a role"),
        ("steps:\n- at: 1s\n  credentials: {role: a/b}", "s.yaml:3: step 1: credentials: no path"),
        ("steps:\n- {at: 1s, nmae: x}", "s.yaml:2: step 1: unknown key 'nmae'; did you mean 'name'?"),
        ("a: &a [1]\nb: *a\nsteps: []\nsteps: []", "s.yaml:4: invalid YAML: duplicate key 'steps'"),
    ]) func `a wrong scenario is refused with file, line and what was expected`(yaml: String, problem: String) {
        let problems = ScenarioExample.problems(yaml)
        #expect(problems.contains(problem), "\(problems)")
    }

    @Test(arguments: [
        ("{}", "fault 1: no effect: expected 'do'"), ("{do: {}}", "fault 1: do: no effect: expected one of status"),
        ("{do: explode}", "fault 1: do: expected a mapping such as {status: 503}, or captive-portal, garbage"),
        ("{do: {statsu: 503}}", "unknown key 'statsu'; did you mean 'status'?"),
        ("{do: {status: 99}}", "fault 1: do: status: invalid value '99': expected an integer from 200 to 599"),
        ("{do: {status: -1}}", "negative value '-1'"), ("{do: {delay: -2s}}", "delay: negative time '-2s'"),
        ("{do: {rate: 0}}", "rate: invalid value '0'"), ("{do: {truncate: -1}}", "truncate: negative value '-1'"),
        ("{do: {hop-limit: 0}}", "expected an integer from 1 to 255"), ("{do: {headers: {A: b}}}", "'headers' without 'status'"),
        ("{do: {status: 200, headers: {'A B': c}}}", "invalid header 'A B'"),
        ("{do: {status: 200, headers: {A: \"b\\r\\nc\"}}}", "invalid header 'A': expected a name and a value in one line"),
        ("{do: {redirect: 'http://x/ y'}}", "redirect: invalid URL"),
        ("{do: {redirect: true}}", "do: redirect: invalid URL 'true': expected a URL such as http://192.0.2.1/, or a path"),
        ("{do: {status: 503, garbage: true}}", "more than one answer"),
        ("{do: {drop: true, rate: 3}}", "'rate' needs an answer with a body"),
        ("{do: {drop: true, reset: true}}", "both 'drop' and 'reset'"),
        ("{do: {truncate: 1, reset: 1}}", "both 'truncate' and 'reset'"),
        ("{do: {drop: maybe}}", "drop: expected true or false"), ("{do: {drop: false}}", "do: no effect"),
        ("{do: {refuse: true, delay: 1s}}", "a refused connection has no answer"),
        ("{do: {refuse: ipx}}", "expected all, ipv4 or ipv6"),
        ("{match: {path: x}, do: refuse}", "match: 'path' with 'refuse': a connection is refused before its request"),
        ("{when: {first: 1}, do: refuse}", "fault 1: when: unknown key 'first'"),
        ("{match: {method: get}, do: drop}", "method: invalid value 'get': expected a method in capital letters"),
        ("{match: {token: bad}, do: drop}", "token: invalid value 'bad': expected none, good, expired or wrong"),
        ("{match: {path: 'a#b'}, do: drop}", "invalid pattern 'a#b'"),
        ("{when: {from: 10s, to: 10s}, do: drop}", "the window ends before it begins: expected a time after 10 s"),
        ("{when: {every: 0}, do: drop}", "every: invalid value '0'"),
        ("{when: {probability: 1.5}, do: drop}", "probability: invalid value '1.5': expected a number above 0, at most 1"),
    ]) func `a wrong fault is refused with file, line and what was expected`(fault: String, problem: String) {
        let problems = ScenarioExample.problems("faults:\n- \(fault)")
        #expect(problems.contains("s.yaml:2: "), "\(problems)")
        #expect(problems.contains(problem), "\(problems)")
    }

    @Test func `faults of one name are refused`() {
        #expect(
            ScenarioExample.problems("faults:\n- {name: a, do: drop}\n- {name: a, do: drop}").contains(
                "'a' is already used in line 2"))
    }

    @Test func `all errors are reported, in the order of the lines, and not without end`() {
        let problems = ScenarioExample.problems("faults: 3\nsteps: 4\nseed: x").split(separator: "\n")
        #expect(problems.map { $0.prefix(9) } == ["s.yaml:1:", "s.yaml:2:", "s.yaml:3:"])
        let many = ScenarioExample.problems("steps:\n" + String(repeating: "- {at: x, name: y}\n", count: 100))
        #expect(many.split(separator: "\n").count == ScenarioProblems.most)
    }

    /// Each scenario with some bytes changed, left out or doubled, the same in every run.
    @Test func `any text is played or refused with the file's name`() throws {
        var random = SplitMix64(state: 23)
        var (played, refused) = (0, 0)
        for scenario in BuiltInScenario.all {
            let text = Array(try #require(try BuiltInScenario.text(of: scenario.name)).yaml.utf8)
            for _ in 0..<250 {
                var changed = text
                for _ in 0...Int(random.fraction() * 4) {
                    let index = Int(random.fraction() * Double(changed.count))
                    switch Int(random.fraction() * 3) {
                    case 0: changed[index] = UInt8(random.fraction() * 256)
                    case 1: changed.remove(at: index)
                    default: changed.insert(contentsOf: changed[index..<min(changed.count, index + 20)], at: index)
                    }
                }
                do throws(ScenarioProblems) {
                    let scenario = try Scenario(changed, source: "s.yaml", names: ScenarioExample.names)
                    var timeline = Timeline(scenario.steps)
                    while timeline.occurrence(by: .seconds(1_000_000)) != nil {}
                    played += 1
                } catch {
                    #expect(error.problems.allSatisfy { $0.description.hasPrefix("s.yaml:") && !$0.description.contains("\n") })
                    refused += 1
                }
            }
        }
        #expect(played > 100 && refused > 100)
    }

    @Test func `one mistake is one error`() {
        #expect(ScenarioExample.problems("steps:\n- {at: 1s, sett: {hostname: x}}").split(separator: "\n").count == 1)
        let both = ScenarioExample.problems("faults:\n- {match: {paht: x}, do: {statsu: 503}}\n- {do: {status: 5030}}")
        #expect(both.split(separator: "\n").count == 3 && both.contains("'paht'") && both.contains("'statsu'"), "\(both)")
    }

    @Test func `a file is limited in size and number`() {
        let large = String(repeating: "#", count: ScenarioReading.mostBytes + 1)
        #expect(ScenarioExample.problems(large).contains("expected at most 1048576"))
        let many = "steps:\n" + String(repeating: "- {at: 1s, tokens: revoke}\n", count: ScenarioReading.mostItems + 1)
        #expect(ScenarioExample.problems(many).contains("1001 entries: expected at most 1000"))
    }

    @Test func `a directory is absent and restored, with all below it`() throws {
        let scenario = try ScenarioExample.scenario(
            "steps:\n- {at: 1s, absent: [spot, network/interfaces/macs/52:54:00:00:00:01, iam/security-credentials]}\n"
                + "- {at: 60, restore: spot}")
        #expect(scenario.steps.map(\.changes.count) == [3, 1])
        #expect(scenario.steps[1].moment == .at(.seconds(60)))
    }

    @Test func `a path that no table has can be declared`() throws {
        let scenario = try ScenarioExample.scenario(
            "new-paths: [elastic-gpus/associations]\nsteps:\n- {at: 1s, set: {elastic-gpus/associations: x}}")
        #expect(scenario.steps[0].changes.count == 1)
        let awaited = try ScenarioExample.scenario("new-paths: [a/*]\nsteps:\n- {after: 1 request of a/*, name: x}")
        #expect(awaited.steps.count == 1)
    }

    @Test func `values of the command line that a step at the start replaces are told`() throws {
        let instance = try ScenarioExample.instance()
        for path in ["spot/instance-action", "hostname", "openstack/meta_data.json#/meta/a"] {
            try instance.values.set(EmulatedPath(path), to: Array("1".utf8))
        }
        try instance.values.remove(EmulatedPath("events"))
        let told = { (steps: String) throws in
            Scenario.replacements(by: [try ScenarioExample.scenario("steps:\n" + steps)], on: [instance])
        }
        #expect(
            try told("- {at: 0s, absent: spot}\n- {at: 1s, set: {hostname: x}}") == [
                "step in line 2 replaces /*/meta-data/spot/instance-action, which the command line sets, at the start: the value is never "
                    + "served"
            ])
        #expect(try told("- {at: 0s, set: {openstack/meta_data.json: {}}}").count == 1)
        #expect(try told("- {at: 0s, set: {'openstack/meta_data.json#/meta/b': x}, instance: db}") == [])
        #expect(try told("- {at: 0s, set: {'openstack/meta_data.json#/meta/b': x}, restore: events}") == [])
        #expect(try told("- {at: 0s, restore: hostname}").count == 1)
    }

    @Test(arguments: [
        ("@", "2026-01-07T01:03:47Z"), ("@+2m", "2026-01-07T01:05:47Z"), ("@-1d", "2026-01-06T01:03:47Z"),
        ("@ GMT", "07 Jan 2026 01:03:47 GMT"), ("@+20d GMT", "27 Jan 2026 01:03:47 GMT"), ("@+1s epoch", "1767747828"),
    ]) func `a relative time has the forms of the services`(text: String, written: String) throws {
        #expect(try #require(RelativeTime(text)).text(at: 1_767_747_827) == written)
    }
}

struct Unexpected: Error {}

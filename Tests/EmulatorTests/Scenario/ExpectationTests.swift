import Common
import Testing

@testable import Emulator

@Suite struct ExpectationTests {
    /// With a short path.
    private static let names = ScenarioExample.names.declaring([try? EmulatedPath("x")].compactMap { $0 })
    private static let scenario = "steps:\n- {at: 5s, name: notice}\nfaults:\n- {name: throttled, do: {status: 503}}"

    private func read(_ yaml: String) throws(ScenarioProblems) -> [ClientExpectation] {
        let scenario = try Scenario(Array(Self.scenario.utf8), source: "s", names: ScenarioExample.names)
        return try ClientExpectation.read(Array(yaml.utf8), source: "e.yaml", names: Self.names, scenarios: [scenario])
    }

    private func seen(
        _ target: String, status: Int? = 200, at time: Duration = .zero, method: String = "GET", token: TokenState = .good,
        rule: String? = nil
    ) -> ObservedReply {
        ObservedReply(
            request: ScenarioExample.request(target, method: method, at: time, token: token), status: status, rule: rule,
            time: time)
    }

    /// Whether the only expectation of a text is met, and what was found.
    private func outcome(_ yaml: String, _ seen: [ObservedReply], step: Duration? = nil, end: Duration = .seconds(60)) throws
        -> String
    {
        var run = ExpectationRun(try read("expect:\n- \(yaml)"))
        var isStepTold = step == nil
        for reply in seen {
            if !isStepTold, let step, step <= reply.time {
                run.observe(step: "notice", at: step)
                isStepTold = true
            }
            run.observe(reply)
        }
        if !isStepTold, let step { run.observe(step: "notice", at: step) }
        let results = run.results(at: end)
        let result = try #require(results.first)
        return "\(result.isMet ? "met" : "failed"): \(result.found)"
    }

    @Test func `requests are counted`() throws {
        let token = seen("/latest/api/token", method: "PUT", token: .none)
        let rule = "{request: {method: PUT, path: api/token}, count: {min: 1, max: 2}}"
        #expect(try outcome(rule, []) == "failed: 0 requests")
        #expect(try outcome(rule, [token, seen("/x")]) == "met: 1 request")
        #expect(
            try outcome(rule, [token, token, token]).hasPrefix(
                "failed: 3 requests; the first too many is request 1: PUT /latest/api/token"))
        #expect(try outcome("{request: {path: x}, count: 0}", [token]) == "met: 0 requests")
        #expect(try outcome("{request: {path: x}}", [seen("/x"), seen("/x")]) == "met: 2 requests")
    }

    @Test func `a request that must never be fails`() throws {
        let rule = "{never: {path: meta-data/**, token: none}}"
        #expect(try outcome(rule, [seen("/latest/meta-data/x")]) == "met: none")
        let bad = seen("/latest/meta-data/x", at: .seconds(3), token: .none)
        #expect(
            try outcome(rule, [bad, bad]) == "failed: 2, first request 1: GET /latest/meta-data/x, token none, status 200, at 3 s"
        )
        let after = "{never: {path: x}, after: {step: notice}}"
        #expect(try outcome(after, [seen("/x", at: .seconds(4))], step: .seconds(5)) == "met: none")
        #expect(try outcome(after, [seen("/x", at: .seconds(5))], step: .seconds(5)).hasPrefix("failed: 1"))
    }

    @Test func `requests come in an order`() throws {
        let rule = "{order: [{path: spot/*, status: 404}, {path: spot/*, status: 2xx}]}"
        let (before, after) = (seen("/l/spot/x", status: 404), seen("/l/spot/x"))
        #expect(try outcome(rule, [after, before, after]) == "met: all, in this order")
        #expect(try outcome(rule, [after, before]) == "failed: 1 of 2, in this order; missing: request of spot/* answered 2xx")
    }

    @Test func `a request comes within a time`() throws {
        let rule = "{request: {path: x}, within: 10s, after: {step: notice}}"
        #expect(
            try outcome(rule, [seen("/x", at: .seconds(1)), seen("/x", at: .seconds(12))], step: .seconds(5)).hasPrefix(
                "met: after 7 s"))
        #expect(try outcome(rule, [seen("/x", at: .seconds(16))], step: .seconds(5)).hasPrefix("failed: after 11 s"))
        #expect(try outcome(rule, [], step: .seconds(5)) == "failed: no such request in 55 s")
        #expect(try outcome(rule, []) == "failed: step 'notice' did not happen")
        let afterRequest = "{request: {path: x, status: 200}, within: 2s, after: {request: {fault: throttled}}}"
        let throttled = seen("/x", status: 503, at: .seconds(3), rule: "throttled")
        #expect(try outcome(afterRequest, [seen("/x"), throttled, seen("/x", at: .seconds(4))]).hasPrefix("met: after 1 s"))
    }

    @Test func `a reply without a head has no status`() throws {
        #expect(try outcome("{request: {status: 2xx}, count: 0}", [seen("/x", status: nil)]) == "met: 0 requests")
    }

    @Test(arguments: [
        ("{}", "expected one of request, never and order"), ("{never: {}, order: []}", "not never and order"),
        ("{never: {paht: x}}", "unknown key 'paht'; did you mean 'path'?"), ("{order: [{}]}", "expected at least two requests"),
        ("{request: {}, count: {min: 3, max: 2}}", "max 2 is less than min 3"),
        ("{request: {}, count: -1}", "negative value '-1'"),
        ("{request: {}, count: {}}", "expected min, max or both"), ("{request: {}, within: -1s}", "negative time '-1s'"),
        ("{request: {}, within: 1s, count: 2}", "both 'count' and 'within'"),
        ("{never: {}, count: 2}", "'count' needs 'request', not 'never'"),
        ("{request: {}, after: {step: notize}}", "no step 'notize': expected notice"),
        ("{never: {fault: throtled}}", "expectation 1: never: fault: no fault 'throtled': expected throttled"),
        ("{request: {}, after: {}}", "expected {step: NAME}"),
        ("{request: {status: 4x}}", "invalid status '4x': expected a number from 100 to 599, or a class such as 4xx"),
        ("{request: {instance: x}}", "no instance 'x': expected web or db"),
        (
            "{never: {path: meta-data/spott/*}}",
            "expectation 1: never: path: no instance has a path that 'meta-data/spott/*' matches; did you mean 'meta-data/spot/*'?; to use"
        ),
        ("{request: {path: hostnam}}", "expectation 1: request: path: no instance has a path that 'hostnam' matches"),
        ("{order: [{path: hostname}, {path: hostnam}]}", "expectation 1: order: path: no instance has a path"),
        ("{never: {}, after: {request: {path: hostnam}}}", "expectation 1: after: request: path: no instance has a path"),
    ]) func `a wrong expectation is refused with file, line and what was expected`(yaml: String, problem: String) {
        let error = #expect(throws: ScenarioProblems.self) { try read("expect:\n- \(yaml)") }
        #expect(
            error?.description.contains("e.yaml:2: ") == true && error?.description.contains(problem) == true, "\(error as Any)")
    }

    @Test func `faults that are added later may be named`() throws {
        let yaml = Array("expect:\n- never: {fault: added}".utf8)
        for addsFaults in [true, false] {
            let names = try? ClientExpectation.read(yaml, source: "e", names: Self.names, scenarios: [], addsFaults: addsFaults)
                .count
            #expect(names == (addsFaults ? 1 : nil))
        }
    }

    @Test func `two expectations of one name are refused`() {
        let error = #expect(throws: ScenarioProblems.self) { try read("expect:\n- {name: a, never: {}}\n- {name: a, never: {}}") }
        #expect(
            error?.description == "e.yaml:3: expectation 2: name: the name 'a' is already used in line 2: choose a different name"
        )
    }

    @Test func `paths that no instance has can be declared, or are set by a step`() throws {
        let declared = """
            new-paths: ['computeMetadata/**', rack/row]
            expect:
            - never: {path: 'computeMetadata/**'}
            - never: {path: rack/*}
            """
        #expect(try read(declared).count == 2)
        let scenario = try ScenarioExample.scenario("new-paths: [rack/row]\nsteps:\n- {at: 1s, set: {rack/row: r7}}")
        let expectations = try ClientExpectation.read(
            Array("expect:\n- request: {path: rack/row}".utf8), source: "e", names: ScenarioExample.names, scenarios: [scenario])
        #expect(expectations.count == 1)
    }

    // MARK: Reports

    @Test func `the text of a failure has the expected request, once`() throws {
        var run = ExpectationRun(
            try read(
                "expect:\n- {name: notice read, request: {path: spot/*, status: 200}, within: 5s}\n- never: {path: hostname}"))
        run.observe(seen("/latest/meta-data/hostname"))
        let text = ExpectationReport(run.results(at: .seconds(9)), duration: 9).text
        let notice = "no such request in 9 s; expected within 5 s: request of spot/* answered 200"
        #expect(text.hasPrefix("expectation failed: notice read: \(notice)\n"), "\(text)")
        #expect(text.contains("expectation failed: never: request of hostname: 1, first request 1: GET"), "\(text)")
        #expect(text.contains("; expected never") == false)
    }

    private static let report = ExpectationReport(
        [
            ExpectationResult(name: "tokens #1", isMet: true, expected: "e", found: "f"),
            ExpectationResult(name: "a <b> & \"c\"\u{1}", isMet: false, expected: "never: \"x\"", found: "1\u{7}, first <y>"),
        ], duration: 1.25)

    @Test func `a report is written as TAP`() {
        #expect(
            Self.report.tap == """
                TAP version 14
                1..2
                ok 1 - tokens \\#1
                not ok 2 - a <b> & "c"\\\\u{1}
                  ---
                  expected: "never: \\"x\\""
                  found: "1\\\\u{7}, first <y>"
                  ...

                """)
    }

    @Test func `a report is written as JUnit's XML`() {
        #expect(
            Self.report.junit == """
                <?xml version="1.0" encoding="UTF-8"?>
                <testsuites tests="2" failures="1" errors="0" skipped="0" time="1.250">
                  <testsuite name="virt-metadata emulate" tests="2" failures="1" errors="0" skipped="0" time="1.250">
                    <testcase classname="virt-metadata.emulate" name="tokens #1" time="0"/>
                    <testcase classname="virt-metadata.emulate" name="a &lt;b&gt; &amp; &quot;c&quot;\\u{1}" time="0">
                      <failure message="1\\u{7}, first &lt;y&gt;" type="expectation">expected never: &quot;x&quot;</failure>
                    </testcase>
                  </testsuite>
                </testsuites>

                """)
        #expect(Self.report.text.hasSuffix("expectations: 1 met, 1 failed\n") && Self.report.failures == 1)
    }
}

import Common
import TestSupport
import Testing

@testable import Emulator

@Suite struct ScenarioDirectorTests {
    @Test func `a step comes after as many requests, and the next one sees it`() async throws {
        let emulator = try await LiveEmulator("steps:\n- {after: 2 requests of hostname, set: {hostname: second}}")
        var texts: [String] = []
        for path in ["hostname", "instance-id", "hostname", "hostname"] {
            texts.append(try await emulator.get("/latest/meta-data/\(path)").text)
        }
        #expect(texts == ["web.example.internal", "i-00000001", "web.example.internal", "second"])
    }

    @Test func `a timeline begins with the first request where it says so`() async throws {
        let emulator = try await LiveEmulator("start: first-request\nsteps:\n- {at: 10s, set: {hostname: later}}")
        emulator.advance(100)
        #expect(try await emulator.get().text == "web.example.internal")
        emulator.advance(9)
        #expect(try await emulator.get().text == "web.example.internal")
        emulator.advance(1)
        #expect(try await emulator.get().text == "later")
    }

    @Test func `a step changes one instance, and values are restored`() async throws {
        let emulator = try await LiveEmulator(
            "steps:\n- {at: 1s, instance: db, set: {hostname: x}, absent: user-data}\n- {at: 2s, restore: [hostname, user-data]}")
        emulator.advance(1)
        #expect(try await emulator.get().text == "web.example.internal")
        #expect(try await emulator.get(from: 1).text == "x")
        #expect(try await emulator.get("/latest/user-data", from: 1).status == 404)
        emulator.advance(1)
        #expect(try await emulator.get(from: 1).text == "db.example.internal")
        #expect(try await emulator.get("/latest/user-data", from: 1).status == 200)
    }

    @Test func `a step that takes a directory away may set a file in it`() async throws {
        let emulator = try await LiveEmulator("steps:\n- {at: 1s, set: {tags/instance/Name: x}, absent: tags}")
        emulator.advance(1)
        #expect(try await emulator.get("/latest/meta-data/tags/instance/Name").text == "x")
        #expect(try await emulator.get("/latest/meta-data/tags/instance/").text == "Name")
    }

    @Test func `a directory goes with all below it, and comes back`() async throws {
        let emulator = try await LiveEmulator(
            "steps:\n- {at: 1s, absent: tags}\n- {at: 2s, set: {tags/instance/Name: x}}\n- {at: 3s, restore: tags}")
        var found: [String] = []
        for _ in 0..<4 {
            let reply = try await emulator.get("/latest/meta-data/tags/instance/Name")
            found.append(reply.status == 200 ? reply.text : "\(reply.status)")
            emulator.advance(1)
        }
        #expect(found == ["web", "404", "x", "web"])
    }

    @Test func `a member of a value that is not JSON is not set`() async throws {
        let failures = Locked<[String]>([])
        let clock = ManualClock()
        let instance = try ScenarioExample.instance(clock: clock)
        let scenario = try ScenarioExample.scenario("steps:\n- {at: 1s, set: {'user-data#/a': x}}")
        let director = ScenarioDirector([scenario], clock: clock, instances: [instance]) { failure in
            failures.withLock { $0.append(failure) }
        }
        director.ready()
        clock.advance(by: .seconds(1))
        let expected = "step in line 2: cannot set /*/user-data#/a: the value of the path is not JSON"
        #expect(failures.withLock { $0 }.map { $0.hasPrefix(expected) } == [true], "\(failures.withLock { $0 })")
        #expect(!instance.values.hasValue(below: try EmulatedPath("user-data")))
    }

    @Test func `faults that never applied are told, with the reason`() async throws {
        let emulator = try await LiveEmulator(
            """
            faults:
            - {name: typo, match: {method: GET, path: /latest/user-dat}, do: {status: 503}}
            - {match: {path: hostname}, when: {from: 1h}, do: drop}
            - {name: applies, match: {path: hostname}, do: {status: 503}}
            - {name: shadowed, match: {path: hostname}, do: {status: 500}}
            - {name: refusal, when: {from: 1h}, do: refuse}
            """)
        #expect(try await emulator.get().status == 503)
        #expect(
            emulator.director.unusedFaults == [
                "fault 'typo' never applied: there was no GET of /latest/user-dat",
                "fault 2 never applied: there was no request of hostname in its time window",
                "fault 'shadowed' never applied: 'when' or an earlier fault excluded the only matching request",
            ])
    }

    private static let late = "steps:\n- {at: 1m, set: {spot/instance-action: x, hostname: x}}"

    @Test(arguments: [
        (late, 1), ("steps:\n- {at: 0s, absent: [spot]}\n- {at: 1m, set: {spot/instance-action: x}}", 0),
        ("steps:\n- {at: 0s, set: {spot/instance-action: x}}", 0),
        ("steps:\n- {at: 1m, set: {spot/instance-action: x}}\n- {at: 2m, set: {spot/instance-action: y}}", 1),
        ("steps:\n- {at: 1m, set: {events/recommendations/rebalance: x}}", 1),
        ("steps:\n- {at: 1m, set: {spot/instance-action: x}}\n- {at: 2m, absent: spot}", 1),
    ]) func `an announcement that is there before its step is told once`(yaml: String, count: Int) throws {
        let example = try EmulatedInstance(.builtIn().named("web"), clock: ManualClock())
        let notices = Scenario.notices(of: [try ScenarioExample.scenario(yaml)], on: [example])
        #expect(notices.count == count, "\(notices)")
        #expect(notices.allSatisfy { $0.hasPrefix("step in line 2 sets ") && $0.contains("already has a value at the start") })
        // An instance without the value has nothing to tell.
        let plain = try ScenarioExample.instance()
        #expect(Scenario.notices(of: [try ScenarioExample.scenario(yaml)], on: [plain]) == [])
    }

    @Test(arguments: BuiltInScenario.all.map(\.name)) func `a built-in scenario sets no announcement that is there`(
        name: String
    ) throws {
        let example = try EmulatedInstance(.builtIn().named("web"), clock: ManualClock())
        let yaml = try #require(try BuiltInScenario.text(of: name)).yaml
        #expect(Scenario.notices(of: [try ScenarioExample.scenario(yaml)], on: [example]) == [])
    }

    @Test func `tokens become required and optional`() async throws {
        let emulator = try await LiveEmulator("steps:\n- {at: 1s, tokens: required}\n- {at: 2s, tokens: optional}")
        #expect(try await emulator.get().status == 200)
        emulator.advance(1)
        #expect(try await emulator.get().status == 401)
        emulator.advance(1)
        #expect(try await emulator.get().status == 200)
    }

    @Test func `credentials can be refused`() async throws {
        let emulator = try await LiveEmulator("steps:\n- {at: 0s, credentials: {role: r, code: AssumeRoleUnauthorizedAccess}}")
        let text = try await emulator.get("/latest/meta-data/iam/security-credentials/r").text
        #expect(text.contains(#""Code": "AssumeRoleUnauthorizedAccess""#) && !text.contains("AccessKeyId"))
    }

    @Test func `the role of a step is the only one`() async throws {
        let emulator = try await LiveEmulator("steps:\n- {at: 1s, credentials: {role: new}}")
        try emulator.instances[0].values.set(EmulatedPath("iam/security-credentials/old"), to: Array("{}".utf8))
        #expect(try await emulator.get("/latest/meta-data/iam/security-credentials/").text == "old")
        emulator.advance(1)
        #expect(try await emulator.get("/latest/meta-data/iam/security-credentials/").text == "new")
        #expect(try await emulator.get("/latest/meta-data/iam/security-credentials/old").status == 404)
    }

    @Test func `a value that an instance cannot take is told once`() async throws {
        let emulator = try await LiveEmulator("")
        for number in 0..<EmulatedValues.most {
            try emulator.instances[0].values.set(EmulatedPath("tags/instance/t\(number)"), to: [])
        }
        let scenario = try ScenarioExample.scenario("steps:\n- {at: 1s, instance: web, set: {hostname: x}}")
        let failures = Told()
        let director = ScenarioDirector(
            [scenario], clock: emulator.clock, instances: emulator.instances,
            onFailure: { text in failures.texts.withLock { $0.append(text) } })
        director.ready()
        emulator.advance(5)
        let told = failures.texts.withLock { $0 }
        #expect(told.count == 1 && told[0].hasPrefix("step in line 2, instance web: cannot set /*/meta-data/hostname"), "\(told)")
    }

    @Test func `the kept requests are limited`() {
        var records = RequestRecords()
        for number in 1...RequestRecords.most + 5 {
            records.append(
                AccessRecord(
                    request: nil, number: number, instance: "web", time: 0, status: 400, bytes: 0, rule: nil, ending: .refused))
        }
        #expect(records.kept.count == RequestRecords.most && records.dropped == 5)
        #expect(records.kept.first?.number == 6 && records.kept.last?.number == RequestRecords.most + 5)
    }

    @Test func `the kept requests are limited in bytes`() {
        var records = RequestRecords()
        let field = HeaderField("X", String(repeating: "x", count: 16 << 10))
        for number in 1...2000 {
            let request = EmulatedRequest(
                number: number, moment: .zero, instance: "web", method: "GET", target: "/", path: nil, headers: [field],
                token: .none)
            records.append(
                AccessRecord(
                    request: request, number: number, instance: "web", time: 0, status: 404, bytes: 0, rule: nil, ending: .sent))
        }
        let most = RequestRecords.mostBytes / (16 << 10)
        #expect((most - 2...most).contains(records.kept.count) && records.kept.last?.number == 2000)
        #expect(records.dropped + records.kept.count == 2000)
    }

    @Test func `scenarios are played side by side, in the order of time`() async throws {
        let clock = ManualClock()
        let instance = try ScenarioExample.instance(clock: clock)
        let scenarios = try [
            "steps:\n- {at: 2s, set: {hostname: a2}}\n- {at: 4s, set: {hostname: a4}}", "steps:\n- {at: 3s, set: {hostname: b3}}",
        ].map(
            ScenarioExample.scenario)
        let director = ScenarioDirector(scenarios, clock: clock, instances: [instance])
        director.ready()
        var values: [String] = []
        for _ in 1...4 {
            clock.advance(by: .seconds(1))
            let last = instance.values.current.last
            if case .content(let content) = last?.value { values.append(String(decoding: content.bytes, as: UTF8.self)) }
        }
        #expect(values == ["a2", "b3", "a4"])
    }

    @Test func `what a client does is compared with what is expected`() async throws {
        let emulator = try await LiveEmulator(
            "steps:\n- {at: 5s, name: notice, set: {spot/instance-action: {action: stop, time: '@'}}}",
            expectations: """
                - {name: a, request: {path: spot/instance-action, status: 200}, within: 5s, after: {step: notice}}
                - {name: b, order: [{path: spot/instance-action, status: 404}, {path: spot/instance-action, status: 200}]}
                - {name: c, never: {token: none, path: meta-data/**}}
                """)
        _ = try await emulator.get("/latest/meta-data/spot/instance-action")
        emulator.advance(9)
        _ = try await emulator.get("/latest/meta-data/spot/instance-action")
        try await emulator.settle(afterRequests: 2)
        let results = emulator.director.results()
        #expect(results.map(\.isMet) == [true, true, false])
        #expect(results[0].found.hasPrefix("after 4 s: request 2: GET /latest/meta-data/spot/instance-action"))
    }

    @Test func `the machine's clock brings steps too`() async throws {
        let clock = RealClock()
        let instance = try ScenarioExample.instance(clock: clock)
        let scenario = try ScenarioExample.scenario("steps:\n- {at: 50ms, set: {hostname: x}}\n- {after: 50ms, absent: hostname}")
        let director = ScenarioDirector([scenario], clock: clock, instances: [instance])
        director.ready()
        #expect(try await eventually { instance.values.current.contains { if case .absent = $0.value { true } else { false } } })
    }
}

/// What was told.
private final class Told: Sendable {
    let texts = Locked<[String]>([])
}

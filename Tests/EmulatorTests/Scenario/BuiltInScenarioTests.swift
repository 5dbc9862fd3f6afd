import Common
import TestSupport
import Testing

@testable import Emulator

/// Each built-in scenario, stepped through by the clock, over real connections.
@Suite struct BuiltInScenarioTests {
    private func emulator(_ choice: String) async throws -> LiveEmulator {
        try await LiveEmulator(try #require(try BuiltInScenario.text(of: choice)).yaml)
    }

    /// The body at a path, or the status where it is no 200.
    private func read(_ path: String, _ emulator: LiveEmulator, token: String? = nil) async throws -> String {
        let reply = try await emulator.get(path.hasPrefix("/") ? path : "/latest/meta-data/\(path)", token: token)
        return reply.status == 200 ? reply.text : "\(reply.status)"
    }

    @Test(arguments: BuiltInScenario.all.map(\.name)) func `a scenario is a scenario file, with every parameter at its ends`(
        name: String
    ) throws {
        let scenario = try #require(BuiltInScenario.all.first { $0.name == name })
        let text = try #require(try BuiltInScenario.text(of: name)).yaml
        #expect(try !ScenarioExample.scenario(text).steps.isEmpty, "\(text)")
        for parameter in scenario.parameters {
            let values: [String] =
                switch parameter.form {
                case .duration(let least): ["\(least.inSeconds)s", "400s", "7d"]
                case .choice(let choices): choices
                case .count(let range): [String(range.lowerBound), String(range.upperBound)]
                case .word: ["a", "A-1.b_c/d"].filter { name != "credentials-rotate" || !$0.contains("/") }
                }
            for value in values {
                let text = try #require(try BuiltInScenario.text(of: "\(name),\(parameter.name)=\(value)")).yaml
                #expect(throws: Never.self, "\(text)") { try ScenarioExample.scenario(text) }
            }
        }
    }

    @Test(arguments: [
        (
            "spot,actoin=stop",
            "scenario spot: invalid parameter 'actoin=stop': expected NAME=VALUE, with delay, action or notice; did you mean 'action'?"
        ),
        ("spot,stop", "invalid parameter 'stop'"), ("spot,", "invalid parameter ''"),
        ("spot,action=explode", "invalid value 'explode' for 'action': expected terminate, stop or hibernate"),
        ("spot,delay=-1s", "invalid value '-1s' for 'delay'"), ("spot,delay=1s,delay=2s", "parameter 'delay' is given twice"),
        ("credentials-rotate,lifetime=5m", "7d (a number alone is seconds), at least 301 s"),
        ("credentials-rotate,role=a\"b", "expected letters, digits and"),
        ("token-expiry,times=0", "expected an integer from 1 to 500"),
    ]) func `a wrong parameter is refused`(choice: String, problem: String) {
        let error = #expect(throws: EmulatorError.self) { _ = try BuiltInScenario.text(of: choice) }
        #expect(error?.description.contains(problem) == true, "\(error as Any)")
    }

    @Test func `a name that is none is no scenario`() throws {
        #expect(try BuiltInScenario.text(of: "sport") == nil)
        #expect(BuiltInScenario.advice(for: "sport").hasSuffix("or slow-boot; did you mean 'spot'?"))
    }

    // MARK: Interruptions

    @Test func `a spot instance gets a notice that comes true two minutes later`() async throws {
        let emulator = try await emulator("spot")
        #expect(try await read("instance-life-cycle", emulator) == "spot")
        emulator.advance(29)
        #expect(try await read("spot/instance-action", emulator) == "404")
        #expect(try await read("spot/", emulator) == "404")
        emulator.advance(1)
        let notice = #"{"action": "terminate", "time": "2026-01-07T01:06:17Z"}"#
        #expect(try await read("spot/instance-action", emulator) == notice)
        #expect(try await read("spot/termination-time", emulator) == "2026-01-07T01:06:17Z")
        #expect(try await read("spot/", emulator) == "instance-action\ntermination-time")
        // The notice does not move.
        emulator.advance(60)
        #expect(try await read("spot/instance-action", emulator) == notice)
    }

    @Test func `a step that the clock jumps over has its own time`() async throws {
        let emulator = try await emulator("spot,delay=10s")
        emulator.advance(100)
        #expect(try await read("spot/termination-time", emulator) == "2026-01-07T01:05:57Z")
    }

    @Test func `hibernation begins with its notice, and a stop has no termination time`() async throws {
        let hibernated = try await emulator("spot,action=hibernate,delay=0s")
        #expect(try await read("spot/instance-action", hibernated) == #"{"action": "hibernate", "time": "2026-01-07T01:03:47Z"}"#)
        #expect(try await read("spot/termination-time", hibernated) == "404")
        let stopped = try await emulator("spot,action=stop,delay=0s,notice=1m")
        #expect(try await read("spot/instance-action", stopped) == #"{"action": "stop", "time": "2026-01-07T01:04:47Z"}"#)
        #expect(try await read("spot/termination-time", stopped) == "404")
    }

    @Test func `a rebalance recommendation comes before the notice, or with it, or alone`() async throws {
        let emulator = try await emulator("rebalance")
        #expect(try await read("events/recommendations/rebalance", emulator) == "404")
        emulator.advance(30)
        #expect(try await read("events/recommendations/rebalance", emulator) == #"{"noticeTime": "2026-01-07T01:04:17Z"}"#)
        #expect(try await read("spot/instance-action", emulator) == "404")
        emulator.advance(60)
        #expect(try await read("spot/instance-action", emulator) == #"{"action": "terminate", "time": "2026-01-07T01:07:17Z"}"#)
        #expect(try await read("events/recommendations/rebalance", emulator) == #"{"noticeTime": "2026-01-07T01:04:17Z"}"#)

        let together = try await self.emulator("rebalance,delay=0s,lead=0s")
        #expect(try await read("spot/instance-action", together) != "404")
        #expect(try await read("events/recommendations/rebalance", together) != "404")
        let alone = try await self.emulator("rebalance,delay=0s,then=nothing")
        alone.advance(86_400)
        #expect(try await read("spot/instance-action", alone) == "404")
        #expect(try await read("events/recommendations/rebalance", alone) != "404")
    }

    @Test func `a maintenance event is scheduled, and moves to the history`() async throws {
        let emulator = try await emulator("maintenance,ahead=1d,length=20m")
        #expect(try await read("events/maintenance/scheduled", emulator) == "[]")
        #expect(try await read("events/maintenance/history", emulator) == "[]")
        emulator.advance(30)
        let times = #""NotBefore": "08 Jan 2026 01:04:17 GMT", "Code": "system-reboot", "Description": "#
        let event =
            times
            + #""scheduled reboot", "EventId": "instance-event-0e3a1c5b7d9f02468", "NotAfter": "08 Jan 2026 01:24:17 GMT", "State": "active"}]"#
        #expect(try await read("events/maintenance/scheduled", emulator) == "[{" + event)
        emulator.advance(86_400 + 1200)
        #expect(try await read("events/maintenance/scheduled", emulator) == "[]")
        let history = event.replacing("\"scheduled reboot", with: "\"[Completed] scheduled reboot").replacing(
            "active", with: "completed")
        #expect(try await read("events/maintenance/history", emulator) == "[{" + history)
    }

    @Test func `a maintenance event is canceled, where nothing is planned by 404`() async throws {
        let emulator = try await emulator("maintenance,delay=0s,ahead=1m,end=canceled,empty=absent,code=instance-stop")
        #expect(try await read("events/maintenance/scheduled", emulator).contains(#""Code": "instance-stop""#))
        emulator.advance(60)
        #expect(try await read("events/maintenance/scheduled", emulator) == "404")
        let history = try await read("events/maintenance/history", emulator)
        #expect(history.contains("[Canceled] ") && history.contains(#""State": "canceled""#))
    }

    @Test func `a group takes its instance out of service`() async throws {
        let emulator = try await emulator("asg")
        #expect(try await read("autoscaling/target-lifecycle-state", emulator) == "InService")
        emulator.advance(30)
        #expect(try await read("autoscaling/target-lifecycle-state", emulator) == "Terminated")
        let warm = try await self.emulator("asg,from=Warmed:Stopped,to=InService")
        #expect(try await read("autoscaling/target-lifecycle-state", warm) == "Warmed:Stopped")
    }

    // MARK: Access

    @Test func `credentials are replaced five minutes before they expire`() async throws {
        let emulator = try await emulator("credentials-rotate,role=web,lifetime=15m,times=2")
        #expect(try await read("iam/security-credentials/", emulator) == "web")
        let first = try await read("iam/security-credentials/web", emulator)
        #expect(
            first.contains(
                #""Code": "Success", "LastUpdated": "2026-01-07T01:03:47Z", "Type": "AWS-HMAC", "AccessKeyId": "ASIAEMULATED00000001""#
            ))
        #expect(first.contains(#""Expiration": "2026-01-07T01:18:47Z""#))
        emulator.advance(599)
        #expect(try await read("iam/security-credentials/web", emulator) == first)
        emulator.advance(1)
        let second = try await read("iam/security-credentials/web", emulator)
        #expect(second.contains("ASIAEMULATED00000002") && second.contains(#""Expiration": "2026-01-07T01:28:47Z""#))
        emulator.advance(1200)
        #expect(try await read("iam/security-credentials/web", emulator).contains("ASIAEMULATED00000003"))
    }

    @Test func `tokens end before their lifetime, and a new one works`() async throws {
        let emulator = try await emulator("token-expiry,every=1m,times=2,refused=10s")
        #expect(try await read("hostname", emulator) == "401")
        let first = try await emulator.token().text
        #expect(try await read("hostname", emulator, token: first) == "web.example.internal")
        emulator.advance(60)
        #expect(try await read("hostname", emulator, token: first) == "401")
        #expect(try await emulator.token().status == 403)
        #expect(try await eventually(emulator) { $0.contains { $0.rule == "tokens: refuse" } })
        emulator.advance(10)
        let second = try await emulator.token()
        #expect(second.status == 200 && second.text != first)
        #expect(try await read("hostname", emulator, token: second.text) == "web.example.internal")
        emulator.advance(50)
        #expect(try await read("hostname", emulator, token: second.text) == "401")
    }

    private func eventually(_ emulator: LiveEmulator, _ condition: ([AccessRecord]) -> Bool) async throws -> Bool {
        try await TestSupport.eventually { condition(emulator.director.records.kept) }
    }

    @Test func `metadata changes in every tree`() async throws {
        let emulator = try await emulator("metadata-change,hostname=new.example.internal")
        let paths = [
            "hostname", "public-ipv4", "security-groups", "tags/instance/Name", "/latest/user-data",
            "/openstack/latest/user_data",
            "/nocloud/user-data", "/2021-03-23/meta-data/hostname",
        ]
        var before: [String] = []
        for path in paths { before.append(try await read(path, emulator)) }
        #expect(before.prefix(4) == ["web.example.internal", "198.51.100.7", "404", "web"])
        emulator.advance(30)
        var after: [String] = []
        for path in paths { after.append(try await read(path, emulator)) }
        let data = "#cloud-config\n# changed\n"
        #expect(
            after == ["new.example.internal", "203.0.113.10", "changed", "changed", data, data, data, "new.example.internal"])
        let document = try await read("/openstack/latest/meta_data.json", emulator)
        #expect(document.contains(#""hostname": "new.example.internal""#) && document.contains(#""changed": "yes""#))
    }

    @Test func `a slow boot is silent, then unavailable, then slow, then well`() async throws {
        let emulator = try await emulator("slow-boot")
        let silent = try emulator.connection()
        try await silent.send(LiveEmulator.request())
        try await emulator.settle(afterRequests: 1)
        emulator.advance(10)
        let unavailable = try await emulator.get()
        #expect(unavailable.status == 503 && unavailable.field("Retry-After") == "1")
        emulator.advance(10)
        let slow = try emulator.connection()
        try await slow.send(LiveEmulator.request())
        try await emulator.settle(afterRequests: 3)
        emulator.advance(2)
        #expect(try await slow.reply().status == 200)
        emulator.advance(8)
        #expect(try await read("hostname", emulator) == "web.example.internal")
        // What was dropped stays unanswered.
        silent.endSending()
        #expect(try await silent.rest().isEmpty)
    }
}

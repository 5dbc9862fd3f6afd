import Common
import Testing

@testable import Emulator

@Suite struct TimelineTests {
    private func timeline(_ yaml: String) throws -> Timeline { Timeline(try ScenarioExample.scenario(yaml).steps) }

    @Test func `steps come at their times, in order`() throws {
        var timeline = try timeline("steps:\n- {at: 10s, name: a}\n- {at: 10s, name: b}\n- {after: 5s, name: c}")
        #expect(timeline.due == .seconds(10))
        #expect(timeline.occurrence(by: .seconds(9)) == nil)
        #expect(timeline.occurrence(by: .seconds(60)) == .init(index: 0, time: .seconds(10)))
        #expect(timeline.occurrence(by: .seconds(60)) == .init(index: 1, time: .seconds(10)))
        #expect(timeline.occurrence(by: .seconds(60)) == .init(index: 2, time: .seconds(15)))
        #expect(timeline.occurrence(by: .seconds(60)) == nil && timeline.due == nil)
    }

    @Test func `a step waits for requests, and those after it for that step`() throws {
        var timeline = try timeline(
            "steps:\n- {after: 2 requests of spot/*, name: a}\n- {at: 10s, name: b}\n- {after: 1s, name: c}")
        let (spot, other) = (ScenarioExample.request("/latest/meta-data/spot/instance-action"), ScenarioExample.request())
        #expect(timeline.due == nil && timeline.occurrence(by: .seconds(100)) == nil)
        #expect(timeline.count(spot, at: .seconds(1)) == nil)
        #expect(timeline.count(other, at: .seconds(2)) == nil)
        #expect(timeline.count(spot, at: .seconds(30)) == .init(index: 0, time: .seconds(30)))
        // Its time has passed while it had to wait.
        #expect(timeline.occurrence(by: .seconds(30)) == .init(index: 1, time: .seconds(30)))
        #expect(timeline.occurrence(by: .seconds(31)) == .init(index: 2, time: .seconds(31)))
    }
}

@Suite struct FaultSelectionTests {
    private func selection(_ faults: String, seed: UInt64 = 0) throws -> FaultSelection {
        FaultSelection(try ScenarioExample.scenario("faults:\n\(faults)").faults, seed: seed)
    }

    /// The fault of each of some requests; a hyphen for none.
    private func faults(_ selection: inout FaultSelection, _ count: Int, _ target: String = "/latest/x", at: Duration = .zero)
        -> String
    {
        (0..<count).map { _ in selection.fault(of: ScenarioExample.request(target), at: at)?.rule ?? "-" }.joined()
    }

    @Test(arguments: [
        ("{}", "aaaaaa"), ("{first: 2}", "aa----"), ("{after: 2}", "--aaaa"), ("{every: 3}", "--a--a"),
        ("{after: 1, every: 2, first: 2}", "--a-a-"),
    ]) func `a fault happens to some of the requests`(when: String, faulty: String) throws {
        var selection = try selection("- {name: a, when: \(when), do: drop}")
        #expect(faults(&selection, 6) == faulty)
    }

    @Test func `the first fault that applies happens, and the next follows it`() throws {
        var selection = try selection(
            "- {name: a, when: {first: 2}, do: drop}\n- {name: b, match: {path: x}, when: {first: 1}, do: garbage}\n- {name: c, match: {path: y}, do: drop}"
        )
        #expect(faults(&selection, 4) == "aab-")
        #expect(faults(&selection, 1, "/latest/y") == "c")
    }

    @Test func `a fault has a time window`() throws {
        var selection = try selection("- {name: a, when: {from: 10s, to: 20s, first: 1}, do: drop}")
        #expect(faults(&selection, 2, at: .seconds(9)) == "--")
        #expect(faults(&selection, 2, at: .seconds(20)) == "--")
        #expect(faults(&selection, 2, at: .seconds(19)) == "a-")
    }

    @Test func `a fault with a probability is the same for the same seed`() throws {
        let fault = "- {name: a, when: {probability: 0.3}, do: drop}"
        var (first, second, other) = (try selection(fault, seed: 1), try selection(fault, seed: 1), try selection(fault, seed: 2))
        let drawn = faults(&first, 1000)
        #expect(drawn == faults(&second, 1000))
        #expect(drawn != faults(&other, 1000))
        #expect((250...350).contains(drawn.count { $0 == "a" }))
    }

    @Test func `added faults come first, are limited, and can be removed`() throws {
        var selection = try selection("- {name: a, do: drop}")
        let names = ScenarioExample.names
        let added = try Fault.read(Array("{name: b, when: {first: 1}, do: drop}".utf8), source: "body", names: names)
        let hasAdded = selection.add(added)
        #expect(hasAdded)
        #expect(faults(&selection, 2) == "ba")
        let many = try Fault.read(
            Array((1...FaultSelection.most - 1).map { "- {name: f\($0), do: drop}\n" }.joined().utf8), source: "body",
            names: names)
        let hasAddedTooMany = selection.add(many)
        #expect(!hasAddedTooMany)
        selection.removeAdded()
        #expect(selection.faults.map(\.name) == ["a"])
        let hasAddedMany = selection.add(many)
        #expect(hasAddedMany)
    }

    @Test func `connections are refused in a time window`() throws {
        let selection = try selection(
            "- {match: {instance: db}, when: {from: 5s, to: 9s}, do: refuse}\n- {when: {from: 7s}, do: ipv6-only}")
        #expect(selection.refusals(at: .seconds(4)).isEmpty)
        #expect(selection.refusals(at: .seconds(5)).map(\.1) == [.all])
        #expect(selection.refusals(at: .seconds(8)).map(\.instance) == ["db", nil])
        #expect(selection.refusalChange(after: .zero) == .seconds(5))
        #expect(selection.refusalChange(after: .seconds(5)) == .seconds(7))
        #expect(selection.refusalChange(after: .seconds(9)) == nil)
    }
}

import Foundation
import Testing

@testable import Emulator

/// The page about scenarios says what is so.
@Suite struct ScenarioPageTests {
    private static let page: String = {
        let file = URL(filePath: #filePath).appending(path: "../../../../docs/emulator-scenarios.md").standardized
        return (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    }()

    private static var files: [String] { page.matches(of: /(?ms)^```yaml\n(.*?)^```/).map { String($0.1) } }

    @Test func `the files of the page can be read`() throws {
        try #require(Self.files.count == 3)
        let names = ScenarioNames(instances: ["web"])
        #expect(try Scenario(Array(Self.files[0].utf8), source: "page", names: names).faults.count == 1)
        let scenario = try Scenario(Array(Self.files[1].utf8), source: "page", names: names)
        #expect(scenario.steps.count == 4 && scenario.faults.count == 1)
        let expectations = try ClientExpectation.read(
            Array(Self.files[2].utf8), source: "page", names: names, scenarios: [scenario])
        #expect(expectations.count == 4)
    }

    @Test(arguments: BuiltInScenario.all.map(\.name)) func `each built-in scenario is on the page with its parameters`(
        name: String
    ) throws {
        let row = try #require(Self.page.split(separator: "\n").first { $0.hasPrefix("| `\(name)` |") })
        let shown = row.split(separator: " | ")[1].matches(of: /`([a-z]+)=([^`]*)`/).map { (String($0.1), String($0.2)) }
        let scenario = try #require(BuiltInScenario.all.first { $0.name == name })
        #expect(shown.map(\.0) == scenario.parameters.map(\.name))
        for (parameter, (_, value)) in zip(scenario.parameters, shown) where value != "NAME" {
            #expect(value.split(separator: "\\|").first.map(String.init) == parameter.initial)
        }
    }

    @Test func `each effect of a fault is on the page`() throws {
        for effect in ScenarioReading.effectKeys where !["headers", "body", "retry-after"].contains(effect) {
            #expect(Self.page.contains("`\(effect)"), "\(effect)")
        }
    }
}

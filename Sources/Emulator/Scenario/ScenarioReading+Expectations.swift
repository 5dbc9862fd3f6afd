import Common
import YAML

extension ClientExpectation {
    /// Reads a file of expectations.
    ///
    /// - Parameters:
    ///   - source: the name of the file, for errors.
    ///   - scenarios: whose steps and faults it may name.
    ///   - addsFaults: whether faults can be added while the emulator runs.
    /// - Throws: every error that was found, with its line.
    package static func read(
        _ bytes: [UInt8], source: String, names: ScenarioNames, scenarios: [Scenario], addsFaults: Bool = false
    ) throws(ScenarioProblems) -> [ClientExpectation] {
        // A client may be expected to read what a step sets.
        let paths = scenarios.flatMap { $0.steps.flatMap(\.setPaths) }
        var reading = ScenarioReading(source: source, names: names.declaring(paths))
        if !addsFaults { reading.faultNames = scenarios.flatMap { $0.faults.map(\.name) } + [ScenarioDirector.refusedTokens] }
        var expectations: [ClientExpectation] = []
        if let root = reading.root(of: bytes, expected: "a mapping with 'expect'") {
            let members = reading.members(of: root, "expectations", known: ["new-paths", "expect"])
            if let node = members["new-paths"] { reading.declare(node) }
            if let node = members["expect"] {
                expectations = reading.expectations(node, scenarios.flatMap { $0.steps.compactMap(\.name) })
            }
        }
        try reading.finish()
        return expectations
    }
}

extension ScenarioReading {
    private static let keys = ["name", "request", "count", "never", "order", "within", "after"]

    mutating func expectations(_ node: YAMLNode, _ steps: [String]) -> [ClientExpectation] {
        var taken: [String: Int] = [:]
        let items = items(of: node, "expect", "expectations, such as '- never: {token: none}'")
        return items.enumerated().compactMap { expectation($1, number: $0 + 1, &taken, steps) }
    }

    private mutating func expectation(
        _ node: YAMLNode, number: Int, _ taken: inout [String: Int], _ steps: [String]
    ) -> ClientExpectation? {
        let location = "expectation \(number)"
        let members = members(of: node, location, known: Self.keys)
        guard let kind = kind(members, location, node.line) else { return nil }
        var expectation = ClientExpectation(name: "", kind: kind, line: node.line)
        if let after = members["after"] { expectation.trigger = trigger(after, "\(location): after", steps) }
        expectation.name = members["name"].flatMap { name($0, "\(location): name", &taken) } ?? expectation.summary
        return expectation
    }

    private mutating func kind(_ members: [String: YAMLNode], _ location: String, _ line: Int) -> ClientExpectation.Kind? {
        let kinds = ["request", "never", "order"].filter { members[$0] != nil }
        guard kinds.count == 1 else {
            report(
                "\(location): expected one of request, never and order\(kinds.isEmpty ? "" : ", not \(Self.list(kinds))")", line)
            return nil
        }
        if kinds != ["request"], let extra = ["count", "within"].first(where: { members[$0] != nil }) {
            report("\(location): '\(extra)' needs 'request', not '\(kinds[0])'", line)
        }
        if let node = members["never"] { return .never(replyPattern(node, "\(location): never")) }
        if let node = members["order"] {
            let patterns = items(of: node, "\(location): order", "requests").map { replyPattern($0, "\(location): order") }
            if patterns.count < 2 { report("\(location): order: expected at least two requests", node.line) }
            return .order(patterns)
        }
        guard let node = members["request"] else { return nil }
        let pattern = replyPattern(node, "\(location): request")
        if let within = members["within"] {
            if members["count"] != nil { report("\(location): both 'count' and 'within': expected one of them", line) }
            return duration(within, "\(location): within").map { .within(pattern, $0) }
        }
        return members["count"].map { count($0, pattern, "\(location): count") } ?? .count(pattern, min: 1, max: nil)
    }

    private mutating func count(_ node: YAMLNode, _ pattern: ReplyPattern, _ location: String) -> ClientExpectation.Kind {
        let range = 0...1_000_000_000
        guard case .mapping = node.content else {
            let number = count(node, location, range) ?? 0
            return .count(pattern, min: number, max: number)
        }
        let members = members(of: node, location, known: ["min", "max"])
        let least = members["min"].flatMap { count($0, "\(location): min", range) } ?? 0
        let most = members["max"].flatMap { count($0, "\(location): max", range) }
        if let most, most < least { report("\(location): max \(most) is less than min \(least)", node.line) }
        if members.isEmpty { report("\(location): expected min, max or both", node.line) }
        return .count(pattern, min: least, max: most)
    }

    private mutating func trigger(_ node: YAMLNode, _ location: String, _ steps: [String]) -> ClientExpectation.Trigger? {
        let members = members(of: node, location, known: ["step", "request"])
        switch (members["step"], members["request"]) {
        case (let node?, nil):
            guard let name = text(node, "\(location): step", "the name of a step") else { return nil }
            if !steps.contains(name) {
                let names = steps.isEmpty ? "the scenario names no step" : "expected \(Self.list(steps, "or"))"
                report("\(location): no step '\(name)': \(names)", node.line)
            }
            return .step(name)
        case (nil, let node?): return .request(replyPattern(node, "\(location): request"))
        default:
            report("\(location): expected {step: NAME} or {request: {…}}", node.line)
            return nil
        }
    }

    private mutating func replyPattern(_ node: YAMLNode, _ location: String) -> ReplyPattern {
        let members = members(of: node, location, known: Self.requestKeys + ["status", "fault"])
        var pattern = ReplyPattern(request: requestPattern(members, location, isAwaited: true))
        if let node = members["status"] { pattern.status = status(node, "\(location): status") }
        if let node = members["fault"] {
            pattern.rule = text(node, "\(location): fault", "the name of a fault")
            if let name = pattern.rule { checkFault(name, "\(location): fault", node.line) }
        }
        return pattern
    }

    /// A misspelt name would make a `never` pass.
    private mutating func checkFault(_ name: String, _ location: String, _ line: Int) {
        guard let faultNames, !faultNames.contains(name) else { return }
        let known = faultNames.filter { $0 != ScenarioDirector.refusedTokens }
        let names = known.isEmpty ? "the scenario has no faults" : "expected \(Self.list(known, "or"))"
        report("\(location): no fault '\(name.cleaned())': \(names)", line)
    }

    /// `404`, or `4xx` for a class.
    private mutating func status(_ node: YAMLNode, _ location: String) -> ClosedRange<Int>? {
        let text = node.text ?? ""
        if let number = Int(text), (100...599).contains(number) { return number...number }
        if text.count == 3, text.hasSuffix("xx"), let digit = Int(text.prefix(1)), (1...5).contains(digit) {
            return digit * 100...digit * 100 + 99
        }
        report("\(location): invalid status '\(text)': expected a number from 100 to 599, or a class such as 4xx", node.line)
        return nil
    }
}

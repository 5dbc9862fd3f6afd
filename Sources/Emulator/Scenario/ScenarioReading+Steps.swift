import Common
import YAML

extension Scenario {
    /// Reads a scenario file.
    ///
    /// - Parameters:
    ///   - source: the name of the file, for errors.
    ///   - names: what may be named in it.
    /// - Throws: every error that was found, with its line.
    package init(_ bytes: [UInt8], source: String, names: ScenarioNames) throws(ScenarioProblems) {
        self.init()
        var reading = ScenarioReading(source: source, names: names)
        if let root = reading.root(of: bytes, expected: "a mapping with steps, faults or both") { reading.scenario(root, &self) }
        try reading.finish()
    }
}

extension ScenarioReading {
    fileprivate mutating func scenario(_ root: YAMLNode, _ scenario: inout Scenario) {
        if case .mapping(let entries) = root.content, let entry = entries.first(where: { $0.key.text == "expect" }) {
            return report("this is a file of expectations, not a scenario: use --expect", entry.key.line)
        }
        let members = members(of: root, "scenario", known: ["start", "seed", "new-paths", "steps", "faults"])
        if let node = members["start"] { scenario.start = choice(node, "start", of: Scenario.Start.self) ?? .ready }
        if let node = members["seed"] { scenario.seed = UInt64(count(node, "seed", 0...Int.max) ?? 0) }
        if let node = members["new-paths"] { declare(node) }
        if let node = members["steps"] { scenario.steps = steps(node) }
        if let node = members["faults"] { scenario.faults = faults(node) }
    }

    // MARK: Steps

    private mutating func steps(_ node: YAMLNode) -> [ScenarioStep] {
        var (steps, taken, earliest): ([ScenarioStep], [String: Int], (Duration, line: Int)) = ([], [:], (.zero, node.line))
        for (index, item) in items(of: node, "steps", "steps, such as '- {at: 120s, set: {…}}'").enumerated() {
            let location = "step \(index + 1)"
            guard let step = step(item, location, &taken) else { continue }
            switch step.moment {
            case .at(let time):
                if time < earliest.0 {
                    let before = ScenarioDuration.text(earliest.0)
                    report(
                        "\(location): time \(ScenarioDuration.text(time)) is before an earlier step: expected at least "
                            + "\(before), the time of the step in line \(earliest.line)", item.line)
                }
                earliest = (max(time, earliest.0), item.line)
            case .afterTime(let time): earliest = (earliest.0 + time, item.line)
            case .afterRequests: break
            }
            steps.append(step)
        }
        return steps
    }

    private static let stepKeys = ["name", "at", "after", "instance", "set", "absent", "restore", "credentials", "tokens"]

    private mutating func step(_ node: YAMLNode, _ location: String, _ taken: inout [String: Int]) -> ScenarioStep? {
        let known = problems.count
        let members = members(of: node, location, known: Self.stepKeys)
        let isUnderstood = problems.count == known
        guard let moment = moment(members, location, node.line) else { return nil }
        var step = ScenarioStep(moment: moment, changes: [], line: node.line)
        step.name = members["name"].flatMap { name($0, "\(location): name", &taken) }
        step.instance = members["instance"].flatMap { instance($0, "\(location): instance") }
        var paths: [EmulatedPath: Int] = [:]
        let values = members["set"].map { settings($0, "\(location): set", &paths) } ?? []
        // What is taken away may be given another value in the same step: a directory, and one file in it.
        if let node = members["absent"] {
            step.changes += self.paths(node, "\(location): absent", &paths).map { .absent($0) }
        }
        if let node = members["restore"] {
            step.changes += self.paths(node, "\(location): restore", &paths).map { .restore($0) }
        }
        step.changes += values
        if let node = members["credentials"], let credentials = credentials(node, "\(location): credentials", &paths) {
            step.changes.append(.credentials(credentials))
        }
        if let node = members["tokens"], let change = choice(node, "\(location): tokens", of: ScenarioStep.TokenChange.self) {
            step.changes.append(.tokens(change))
        }
        let hasChange = ["set", "absent", "restore", "credentials", "tokens"].contains { members[$0] != nil }
        // A step with only a name marks a time for expectations.
        if !hasChange, members["name"] == nil, isUnderstood {
            report("\(location): changes nothing: expected set, absent, restore, credentials or tokens", node.line)
        }
        return step
    }

    private mutating func moment(_ members: [String: YAMLNode], _ location: String, _ line: Int) -> ScenarioStep.Moment? {
        switch (members["at"], members["after"]) {
        case (let node?, nil): return duration(node, "\(location): at").map { .at($0) }
        case (nil, let node?): return after(node, "\(location): after")
        case (nil, nil): report("\(location): no time: expected 'at: 120s', 'after: 30s' or 'after: 3 requests of PATH'", line)
        case (_?, let after?): report("\(location): both 'at' and 'after': expected one of them", after.line)
        }
        return nil
    }

    /// `30s`, `3 requests`, `3 requests of PATTERN`, or a mapping of `requests` and conditions.
    private mutating func after(_ node: YAMLNode, _ location: String) -> ScenarioStep.Moment? {
        let range = 1...1_000_000
        if case .mapping = node.content {
            let members = members(of: node, location, known: ["requests"] + Self.requestKeys)
            let pattern = requestPattern(members, location, isAwaited: true)
            guard let count = members["requests"].map({ self.count($0, "\(location): requests", range) }) else {
                report("\(location): expected 'requests' with the number of requests", node.line)
                return nil
            }
            return count.map { .afterRequests($0, pattern) }
        }
        guard let text = text(node, location, "a duration, or a number of requests such as '3 requests of PATH'") else {
            return nil
        }
        let words = text.split(separator: " ")
        guard words.count > 1, words[1] == "requests" || words[1] == "request" else {
            return duration(node, location).map { .afterTime($0) }
        }
        guard let number = Int(words[0]), range.contains(number), words.count == 2 || words.count == 4 && words[2] == "of" else {
            report(
                "\(location): invalid value '\(text)': expected 'N requests' or 'N requests of PATH', N from 1 to 1000000",
                node.line)
            return nil
        }
        guard words.count == 4 else { return .afterRequests(number, RequestPattern()) }
        let scalar = YAMLNode(content: .scalar(String(words[3]), isPlain: true), line: node.line)
        return pathPattern(scalar, location, isAwaited: true).map { .afterRequests(number, RequestPattern(path: $0)) }
    }

    // MARK: Changes

    private mutating func settings(_ node: YAMLNode, _ location: String, _ taken: inout [EmulatedPath: Int]) -> [ScenarioStep
        .Change]
    {
        guard case .mapping(let entries) = node.content else {
            report("\(location): expected a mapping of paths to values", node.line)
            return []
        }
        return entries.compactMap { entry in
            guard let path = path(entry.key, location, &taken),
                let value = value(entry.value, "\(location): \(entry.key.text ?? "")")
            else {
                return nil
            }
            return .set(path, value)
        }
    }

    /// One path, or a list of them.
    private mutating func paths(_ node: YAMLNode, _ location: String, _ taken: inout [EmulatedPath: Int]) -> [EmulatedPath] {
        let nodes = node.text == nil ? items(of: node, location, "paths") : [node]
        return nodes.compactMap { path($0, location, mayBeDirectory: true, &taken) }
    }

    /// A path, once in a step.
    private mutating func path(
        _ node: YAMLNode, _ location: String, mayBeDirectory: Bool = false, _ taken: inout [EmulatedPath: Int]
    ) -> EmulatedPath? {
        guard let text = text(node, location, "a path such as spot/instance-action") else { return nil }
        let path: EmulatedPath
        do throws(EmulatorError) {
            path = try names.path(text, isNew: isDeclared(text), mayBeDirectory: mayBeDirectory)
        } catch {
            report("\(location): \(error)", node.line)
            return nil
        }
        if let line = taken[path] {
            report("\(location): '\(text)' is already changed in line \(line) of this step", node.line)
            return nil
        }
        taken[path] = node.line
        return path
    }

    mutating func value(_ node: YAMLNode, _ location: String) -> ScenarioValue? {
        guard !node.isNull else {
            report("\(location): no value: expected a text or a document; 'absent' removes a path", node.line)
            return nil
        }
        guard let text = node.text else { return document(node, location).map { .document($0) } }
        guard text.hasPrefix("@") else { return .text(text) }
        return time(text, node, location).map { .time($0) }
    }

    private mutating func time(_ text: String, _ node: YAMLNode, _ location: String) -> RelativeTime? {
        let time = RelativeTime(text)
        if time == nil { report("\(location): invalid time '\(text)': expected \(RelativeTime.expected)", node.line) }
        return time
    }

    private mutating func document(_ node: YAMLNode, _ location: String) -> ScenarioValue.Document? {
        switch node.content {
        case .scalar(let text, _) where text.hasPrefix("@"): return time(text, node, location).map { .time($0) }
        case .scalar(let text, let isPlain): return .plain(isPlain ? Self.json(text) : .string(text))
        case .sequence(let items):
            let read = items.compactMap { document($0, location) }
            return .array(read)
        case .mapping(let entries):
            return .object(
                entries.compactMap { entry in
                    guard let name = text(entry.key, location, "a name"), let value = document(entry.value, location) else {
                        return nil
                    }
                    return ScenarioValue.Member(name: name, value: value)
                })
        }
    }

    /// A plain scalar by YAML 1.2's JSON schema (§10.2).
    private static func json(_ text: String) -> JSONValue {
        switch text {
        case "null", "~", "": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            if let number = Int64(text), String(number) == text { return .integer(number) }
            let isNumber =
                text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) } && text.utf8.contains { (0x30...0x39).contains($0) }
            if isNumber, text.contains("."), let number = Double(text), number.isFinite { return .real(number) }
            return .string(text)
        }
    }

    private mutating func credentials(
        _ node: YAMLNode, _ location: String, _ taken: inout [EmulatedPath: Int]
    ) -> ScenarioCredentials? {
        let members = members(of: node, location, known: ["role", "lifetime", "code"])
        guard let roleNode = members["role"] else {
            report("\(location): expected 'role' with the name of a role", node.line)
            return nil
        }
        guard let role = text(roleNode, "\(location): role", "the name of a role") else { return nil }
        let lifetime = members["lifetime"].flatMap { duration($0, "\(location): lifetime") }
        let code = members["code"].flatMap { text($0, "\(location): code", "a code such as Success") }
        let roles = "meta-data/iam/security-credentials"
        let place = "\(roles)/\(role)"
        let name = YAMLNode(content: .scalar(place, isPlain: true), line: roleNode.line)
        guard let path = path(name, location, &taken), let directory = try? EmulatedPath(roles) else { return nil }
        return ScenarioCredentials(
            role: role, path: path, directory: directory, lifetime: lifetime ?? .seconds(6 * 3600), code: code ?? "Success")
    }
}

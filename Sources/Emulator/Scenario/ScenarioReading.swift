import Common
import YAML

/// Reads scenarios, faults and expectations from YAML, of which JSON is a subset; collects every error with its line.
struct ScenarioReading {
    /// A longer file is not meant.
    static let mostBytes = 1 << 20
    /// How many steps, or expectations, a file may have.
    static let mostItems = 1000

    /// The name of the file, for errors.
    let source: String
    /// What may be named in it.
    private(set) var names: ScenarioNames
    /// Paths, or patterns of paths, that no instance has and that the file means all the same.
    private var newPaths: Set<String> = []
    private(set) var problems: [ScenarioProblem] = []
    /// The faults that expectations may name; `nil` for any.
    var faultNames: [String]?

    init(source: String, names: ScenarioNames) { (self.source, self.names) = (source, names) }

    mutating func report(_ problem: String, _ line: Int?) {
        guard problems.count < ScenarioProblems.most else { return }
        problems.append(ScenarioProblem(source, line: line, problem))
    }

    /// Whether there was no error so far.
    func finish() throws(ScenarioProblems) {
        guard problems.isEmpty else {
            throw ScenarioProblems(problems: problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
        }
    }

    // MARK: Nodes

    /// The root of a text; `nil`, with an error, where it has none.
    mutating func root(of bytes: [UInt8], expected: String) -> YAMLNode? {
        guard bytes.count <= Self.mostBytes else {
            report("the file has \(bytes.count) bytes: expected at most \(Self.mostBytes)", nil)
            return nil
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            report("not UTF-8 text", nil)
            return nil
        }
        do throws(ParseError) {
            if let root = try YAMLDocument.root(of: bytes), !root.isNull { return root }
            report("the file is empty: expected \(expected)", nil)
        } catch {
            report("invalid YAML: \(error.problem)", error.line)
        }
        return nil
    }

    /// The values of a mapping by their keys; all other keys are errors.
    mutating func members(of node: YAMLNode, _ location: String, known: [String]) -> [String: YAMLNode] {
        guard case .mapping(let entries) = node.content else {
            report("\(location): expected a mapping with \(Self.list(known))", node.line)
            return [:]
        }
        var members: [String: YAMLNode] = [:]
        for entry in entries {
            guard let key = entry.key.text, known.contains(key) else {
                let near = entry.key.text.flatMap { nearestWord(to: $0, among: known) }
                let advice = near.map { "; did you mean '\($0)'?" } ?? ": expected \(Self.list(known))"
                let key = entry.key.text.map { "unknown key '\($0)'" } ?? "the key is not a text"
                report("\(location): \(key)\(advice)", entry.key.line)
                continue
            }
            members[key] = entry.value
        }
        return members
    }

    /// The items of a list.
    mutating func items(of node: YAMLNode, _ location: String, _ expected: String) -> [YAMLNode] {
        guard case .sequence(let items) = node.content else {
            report("\(location): expected a list of \(expected)", node.line)
            return []
        }
        guard items.count <= Self.mostItems else {
            report("\(location): \(items.count) entries: expected at most \(Self.mostItems)", node.line)
            return []
        }
        return items
    }

    mutating func text(_ node: YAMLNode, _ location: String, _ expected: String = "a text") -> String? {
        guard let text = node.text, !text.isEmpty, !node.isNull else {
            report("\(location): expected \(expected)", node.line)
            return nil
        }
        return text
    }

    mutating func duration(_ node: YAMLNode, _ location: String) -> Duration? {
        guard let text = text(node, location, ScenarioDuration.expected) else { return nil }
        do throws(ScenarioDuration.Failure) {
            return try ScenarioDuration.read(text[...])
        } catch {
            switch error {
            case .negative: report("\(location): negative time '\(text)': expected \(ScenarioDuration.expected)", node.line)
            case .malformed: report("\(location): invalid time '\(text)': expected \(ScenarioDuration.expected)", node.line)
            case .tooLong: report("\(location): '\(text)' is too long: expected at most 366d", node.line)
            }
            return nil
        }
    }

    mutating func count(_ node: YAMLNode, _ location: String, _ range: ClosedRange<Int>) -> Int? {
        let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
        guard let text = text(node, location, expected) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let kind = text.hasPrefix("-") && Int(text) != nil ? "negative value" : "invalid value"
            report("\(location): \(kind) '\(text)': expected \(expected)", node.line)
            return nil
        }
        return number
    }

    /// Whether a flag is set; `false` too, with an error, for other than `true` and `false`.
    mutating func flag(_ node: YAMLNode, _ location: String) -> Bool {
        if node.text == "true" { return true }
        if node.text != "false" { report("\(location): expected true or false", node.line) }
        return false
    }

    mutating func choice<Choice: CaseIterable & RawRepresentable>(
        _ node: YAMLNode, _ location: String, of type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        let choices = Choice.allCases.map(\.rawValue)
        if let choice = node.text.flatMap(Choice.init) { return choice }
        let advice = node.text.flatMap { nearestWord(to: $0, among: choices) }.map { "; did you mean '\($0)'?" } ?? ""
        report("\(location): invalid value '\(node.text ?? "")': expected \(Self.list(choices, "or"))\(advice)", node.line)
        return nil
    }

    /// `a, b and c`.
    static func list(_ words: [String], _ conjunction: String = "and") -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
    }

    // MARK: Names

    /// Reads the list of paths that no instance has.
    mutating func declare(_ node: YAMLNode) {
        newPaths = Set(items(of: node, "new-paths", "paths").compactMap { text($0, "new-paths") })
        names = names.declaring(newPaths.compactMap { try? EmulatedPath($0) })
    }

    func isDeclared(_ text: String) -> Bool { newPaths.contains(text) }

    /// The name of a step, a fault or an expectation, which no other may have.
    mutating func name(_ node: YAMLNode, _ location: String, _ taken: inout [String: Int]) -> String? {
        guard let name = text(node, location) else { return nil }
        guard name.utf8.count <= 64, name.cleaned() == name else {
            report("\(location): invalid name: expected 1 to 64 printable characters", node.line)
            return nil
        }
        if let line = taken[name] {
            report("\(location): the name '\(name)' is already used in line \(line): choose a different name", node.line)
            return nil
        }
        taken[name] = node.line
        return name
    }

    mutating func instance(_ node: YAMLNode, _ location: String) -> String? {
        guard let name = text(node, location, "the name of an instance") else { return nil }
        guard names.instances.contains(name) else {
            let advice = nearestWord(to: name, among: names.instances).map { "; did you mean '\($0)'?" } ?? ""
            report("\(location): no instance '\(name)': expected \(Self.list(names.instances, "or"))\(advice)", node.line)
            return nil
        }
        return name
    }

    /// Conditions on a request, with other keys beside them.
    ///
    /// - Parameter isAwaited: whether a path that no instance has is an error, because the request would be awaited in vain.
    mutating func requestPattern(
        _ members: [String: YAMLNode], _ location: String, isAwaited: Bool = false
    ) -> RequestPattern {
        var pattern = RequestPattern()
        if let node = members["method"] {
            pattern.method = text(node, "\(location): method", "a method such as GET")
            if let method = pattern.method, !method.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) {
                report(
                    "\(location): method: invalid value '\(method)': expected a method in capital letters, such as GET", node.line
                )
            }
        }
        if let node = members["path"] { pattern.path = pathPattern(node, "\(location): path", isAwaited: isAwaited) }
        if let node = members["instance"] { pattern.instance = instance(node, "\(location): instance") }
        if let node = members["token"] { pattern.token = choice(node, "\(location): token", of: TokenState.self) }
        return pattern
    }

    static let requestKeys = ["method", "path", "instance", "token"]

    mutating func pathPattern(_ node: YAMLNode, _ location: String, isAwaited: Bool) -> PathPattern? {
        let expected = "a pattern such as meta-data/spot/* or /latest/**"
        guard let text = text(node, location, expected) else { return nil }
        guard let pattern = PathPattern(text) else {
            report(
                "\(location): invalid pattern '\(text)': expected \(expected), of at most \(PathPattern.mostBytes) bytes",
                node.line)
            return nil
        }
        if isAwaited, !isDeclared(text), let problem = names.problem(with: pattern) {
            report("\(location): \(problem); to use a path that no instance has, list it in 'new-paths'", node.line)
            return nil
        }
        return pattern
    }
}

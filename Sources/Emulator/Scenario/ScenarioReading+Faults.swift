import Common
import YAML

extension Fault {
    /// Reads faults that are sent over the control socket: one, or a list.
    ///
    /// - Throws: every error that was found, with its line.
    static func read(_ bytes: [UInt8], source: String, names: ScenarioNames) throws(ScenarioProblems) -> [Fault] {
        var reading = ScenarioReading(source: source, names: names)
        var faults: [Fault] = []
        if let root = reading.root(of: bytes, expected: "a fault with match, when and do, or a list of faults") {
            faults = reading.faults(root)
        }
        try reading.finish()
        return faults
    }
}

extension ScenarioReading {
    mutating func faults(_ node: YAMLNode) -> [Fault] {
        let nodes: [YAMLNode] = if case .mapping = node.content { [node] } else { items(of: node, "faults", "faults") }
        var taken: [String: Int] = [:]
        return nodes.enumerated().compactMap { fault($1, number: $0 + 1, &taken) }
    }

    private mutating func fault(_ node: YAMLNode, number: Int, _ taken: inout [String: Int]) -> Fault? {
        let location = "fault \(number)"
        let members = members(of: node, location, known: ["name", "match", "when", "do"])
        let action = members["do"].flatMap { self.action($0, "\(location): do") }
        // Where there is none, the rest is read for its errors.
        var fault = Fault(name: location, action: action ?? .wire(WireFault()), line: node.line)
        if let node = members["name"], let name = name(node, "\(location): name", &taken) {
            (fault.name, fault.givenName) = (name, name)
        }
        if let node = members["match"] {
            let conditions = self.members(of: node, "\(location): match", known: Self.requestKeys)
            fault.requests = requestPattern(conditions, "\(location): match")
            if fault.action.isRefusal, let other = ["method", "path", "token"].first(where: { conditions[$0] != nil }) {
                report(
                    "\(location): match: '\(other)' with 'refuse': a connection is refused before its request: expected only "
                        + "'instance'", node.line)
            }
        }
        if let node = members["when"] {
            fault.condition = condition(node, "\(location): when", isRefusal: fault.action.isRefusal)
        }
        // Last: a key that is misspelt, or in the wrong mapping, is the reason more often than not.
        if members["do"] == nil { report("\(location): no effect: expected 'do', such as 'do: {status: 503}'", node.line) }
        return action == nil ? nil : fault
    }

    private mutating func condition(_ node: YAMLNode, _ location: String, isRefusal: Bool) -> Fault.Condition {
        let counts = ["first", "every", "after", "probability"]
        let members = members(of: node, location, known: isRefusal ? ["from", "to"] : ["from", "to"] + counts)
        var condition = Fault.Condition()
        if let node = members["from"] { condition.from = duration(node, "\(location): from") ?? .zero }
        if let node = members["to"] {
            condition.to = duration(node, "\(location): to")
            if let to = condition.to, to <= condition.from {
                let from = ScenarioDuration.text(condition.from)
                report("\(location): to: the window ends before it begins: expected a time after \(from)", node.line)
            }
        }
        let many = 1...1_000_000
        if let node = members["first"] { condition.first = count(node, "\(location): first", many) }
        if let node = members["every"] { condition.every = count(node, "\(location): every", many) ?? 1 }
        if let node = members["after"] { condition.after = count(node, "\(location): after", 0...many.upperBound) ?? 0 }
        if let node = members["probability"] {
            if let number = node.text.flatMap(Double.init), number > 0, number <= 1 {
                condition.probability = number
            } else {
                let text = node.text ?? ""
                report("\(location): probability: invalid value '\(text)': expected a number above 0, at most 1", node.line)
            }
        }
        return condition
    }

    // MARK: Effects

    static let effectKeys = [
        "status", "headers", "body", "retry-after", "redirect", "captive-portal", "garbage", "drop", "delay", "body-delay",
        "rate",
        "truncate", "content-length", "reset", "hop-limit", "refuse", "ipv6-only",
    ]
    /// The effects without a parameter, which may stand alone.
    private static let words = ["captive-portal", "garbage", "drop", "reset", "refuse", "ipv6-only"]

    private mutating func action(_ node: YAMLNode, _ location: String) -> Fault.Action? {
        if let word = node.text, Self.words.contains(word) {
            let value = YAMLNode(content: .scalar("true", isPlain: true), line: node.line)
            return action([word: value], location, node.line)
        }
        guard case .mapping = node.content else {
            report("\(location): expected a mapping such as {status: 503}, or \(Self.list(Self.words, "or"))", node.line)
            return nil
        }
        let known = problems.count
        let members = members(of: node, location, known: Self.effectKeys)
        return members.isEmpty && problems.count > known ? nil : action(members, location, node.line)
    }

    private mutating func action(_ members: [String: YAMLNode], _ location: String, _ line: Int) -> Fault.Action? {
        if let node = members["refuse"] ?? members["ipv6-only"] {
            guard members.count == 1 else {
                report("\(location): a refused connection has no answer: expected no other effect", line)
                return nil
            }
            if members["ipv6-only"] != nil {
                return flag(node, "\(location): ipv6-only") ? .refuse(.ipv4) : nothing(location, line)
            }
            if node.text == "true" { return .refuse(.all) }
            return choice(node, "\(location): refuse", of: Fault.Refusal.self).map { .refuse($0) }
        }
        guard !members.isEmpty else { return nothing(location, line) }
        let known = problems.count
        var wire = WireFault()
        readAnswer(members, location, line, &wire)
        readPace(members, location, &wire)
        readEnd(members, location, line, &wire)
        if let node = members["hop-limit"] { wire.hopLimit = count(node, "\(location): hop-limit", 1...255) }
        guard problems.count == known else { return nil }
        return wire == WireFault() ? nothing(location, line) : .wire(wire)
    }

    private mutating func nothing(_ location: String, _ line: Int) -> Fault.Action? {
        report("\(location): no effect: expected one of \(Self.list(Self.effectKeys, "or"))", line)
        return nil
    }

    private mutating func readAnswer(_ members: [String: YAMLNode], _ location: String, _ line: Int, _ wire: inout WireFault) {
        var answers: [WireFault.Answer] = []
        var headers = members["headers"].map { self.headers($0, "\(location): headers") } ?? []
        if let node = members["retry-after"], let time = duration(node, "\(location): retry-after") {
            headers.append(WireFault.Header(name: "Retry-After", value: "\(time.components.seconds)"))
        }
        let body = members["body"].flatMap { value($0, "\(location): body") }?.bytes(at: 0)
        if let node = members["status"], let status = count(node, "\(location): status", 200...599) {
            answers.append(.status(status, headers: headers, body: body))
        } else if members["status"] == nil, let extra = ["headers", "body", "retry-after"].first(where: { members[$0] != nil }) {
            report("\(location): '\(extra)' without 'status': expected both", line)
        }
        if let node = members["redirect"], let url = text(node, "\(location): redirect", "a URL") {
            let isField = url.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            if !isField {
                report("\(location): redirect: invalid URL: expected printable ASCII characters without blanks", node.line)
            }
            if isField, !url.hasPrefix("/"), !url.contains("://") {
                report(
                    "\(location): redirect: invalid URL '\(url)': expected a URL such as http://192.0.2.1/, or a path", node.line)
            }
            answers.append(.status(302, headers: [WireFault.Header(name: "Location", value: isField ? url : "/")], body: []))
        }
        if let node = members["captive-portal"], flag(node, "\(location): captive-portal") { answers.append(Self.captivePortal) }
        if let node = members["garbage"], flag(node, "\(location): garbage") { answers.append(.garbage) }
        if let node = members["drop"], flag(node, "\(location): drop") { answers.append(.nothing) }
        if answers.count > 1 {
            report("\(location): more than one answer: expected one of status, redirect, captive-portal, garbage and drop", line)
        }
        wire.answer = answers.first ?? .normal
    }

    /// What a hotel's network answers to any request before its guest has signed in.
    private static let captivePortal = WireFault.Answer.status(
        200, headers: [WireFault.Header(name: "Content-Type", value: "text/html; charset=UTF-8")],
        body: Array(
            "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in to use this network.</body></html>\n".utf8))

    private mutating func readPace(_ members: [String: YAMLNode], _ location: String, _ wire: inout WireFault) {
        if let node = members["delay"] { wire.delay = duration(node, "\(location): delay") ?? .zero }
        if let node = members["body-delay"] { wire.bodyDelay = duration(node, "\(location): body-delay") ?? .zero }
        if let node = members["rate"] { wire.rate = count(node, "\(location): rate", 1...1_000_000_000) }
    }

    private mutating func readEnd(_ members: [String: YAMLNode], _ location: String, _ line: Int, _ wire: inout WireFault) {
        let bytes = 0...(64 << 20)
        if let node = members["content-length"] { wire.contentLength = count(node, "\(location): content-length", bytes) }
        if let node = members["truncate"], let count = count(node, "\(location): truncate", bytes) {
            wire.end = .closed(afterBody: count)
        }
        if let node = members["reset"] {
            if members["truncate"] != nil { report("\(location): both 'truncate' and 'reset': expected one of them", line) }
            if node.text == "true" {
                wire.end = .reset(afterBody: nil)
            } else if let count = count(node, "\(location): reset", bytes) {
                wire.end = .reset(afterBody: count)
            }
        }
        guard wire.answer == .garbage || wire.answer == .nothing else { return }
        let others = ["body-delay", "rate", "truncate", "content-length"].filter { members[$0] != nil }
        if let other = others.first { report("\(location): '\(other)' needs an answer with a body", line) }
        if wire.answer == .nothing, members["reset"] != nil {
            report("\(location): both 'drop' and 'reset': expected one of them", line)
        }
    }

    private mutating func headers(_ node: YAMLNode, _ location: String) -> [WireFault.Header] {
        guard case .mapping(let entries) = node.content else {
            report("\(location): expected a mapping of names to values", node.line)
            return []
        }
        return entries.compactMap { entry in
            guard let name = text(entry.key, location, "a name"), let value = text(entry.value, "\(location): \(name)") else {
                return nil
            }
            let isName = name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ":") }
            let isValue = value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            guard isName, isValue else {
                report("\(location): invalid header '\(name)': expected a name and a value in one line", entry.key.line)
                return nil
            }
            return WireFault.Header(name: name, value: value)
        }
    }
}

extension Fault.Action {
    var isRefusal: Bool { if case .refuse = self { true } else { false } }
}

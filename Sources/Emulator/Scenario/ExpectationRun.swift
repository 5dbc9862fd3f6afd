/// The expectations of a run: a value, to which steps and requests are told in their order. What it holds does not grow with them.
struct ExpectationRun: Sendable {
    fileprivate struct Progress: Sendable {
        let expectation: ClientExpectation
        /// When it began; `nil` while its trigger is awaited.
        var begin: Duration?
        /// Matching requests; of an order, its requests so far.
        var matches = 0
        /// The request that decides it: the first that must not be, or the one that was awaited.
        var decisive: ObservedReply?
    }

    private var progress: [Progress]

    init(_ expectations: [ClientExpectation]) {
        progress = expectations.map { Progress(expectation: $0, begin: $0.trigger == nil ? .zero : nil) }
    }

    mutating func observe(step name: String?, at time: Duration) {
        for index in progress.indices where progress[index].begin == nil {
            if case .step(let awaited) = progress[index].expectation.trigger, awaited == name { progress[index].begin = time }
        }
    }

    mutating func observe(_ reply: ObservedReply) {
        for index in progress.indices {
            guard progress[index].begin != nil else {
                if case .request(let pattern) = progress[index].expectation.trigger, pattern.matches(reply) {
                    progress[index].begin = reply.time
                }
                continue
            }
            progress[index].observe(reply)
        }
    }

    /// The outcome of each, if nothing more happens.
    func results(at now: Duration) -> [ExpectationResult] { progress.map { $0.result(at: now) } }
}

extension ExpectationRun.Progress {
    fileprivate mutating func observe(_ reply: ObservedReply) {
        switch expectation.kind {
        case .count(let pattern, _, let most):
            guard pattern.matches(reply) else { return }
            matches += 1
            if let most, matches == most + 1 { decisive = reply }
        case .never(let pattern):
            guard pattern.matches(reply) else { return }
            matches += 1
            decisive = decisive ?? reply
        case .order(let patterns):
            if matches < patterns.count, patterns[matches].matches(reply) { matches += 1 }
        case .within(let pattern, _):
            if decisive == nil, pattern.matches(reply) { decisive = reply }
        }
    }

    fileprivate func result(at now: Duration) -> ExpectationResult {
        guard let begin else {
            let cause = expectation.trigger?.summary ?? ""
            // What must never happen cannot happen after something that did not.
            if case .never = expectation.kind { return result(true, found: "\(cause) did not happen") }
            return result(false, found: "\(cause) did not happen")
        }
        switch expectation.kind {
        case .count(_, let least, let most):
            let number = "\(matches) request\(matches == 1 ? "" : "s")"
            let excess = decisive.map { "; the first too many is \($0.summary)" } ?? ""
            return result(matches >= least && most.map { matches <= $0 } ?? true, found: number + excess)
        case .never: return result(decisive == nil, found: decisive.map { "\(matches), first \($0.summary)" } ?? "none")
        case .order(let patterns):
            let isMet = matches == patterns.count
            guard !isMet else { return result(true, found: "all, in this order") }
            let missing = patterns[matches].summary
            return result(false, found: "\(matches) of \(patterns.count), in this order; missing: \(missing)")
        case .within(_, let limit):
            guard let decisive else {
                return result(false, found: "no such request in \(ScenarioDuration.text(now - begin))")
            }
            let delay = decisive.time - begin
            return result(delay <= limit, found: "after \(ScenarioDuration.text(delay)): \(decisive.summary)")
        }
    }

    private func result(_ isMet: Bool, found: String) -> ExpectationResult {
        ExpectationResult(name: expectation.name, isMet: isMet, expected: expectation.summary, found: found)
    }
}

extension ClientExpectation {
    /// In words, for reports.
    var summary: String {
        let what =
            switch kind {
            case .count(let pattern, let least, let most) where most == least: "\(Self.times(least)): \(pattern.summary)"
            case .count(let pattern, let least, nil): "at least \(Self.times(least)): \(pattern.summary)"
            case .count(let pattern, let least, let most?): "\(least) to \(most) times: \(pattern.summary)"
            case .never(let pattern): "never: \(pattern.summary)"
            case .order(let patterns): "in this order: " + patterns.map(\.summary).joined(separator: ", then ")
            case .within(let pattern, let limit): "within \(ScenarioDuration.text(limit)): \(pattern.summary)"
            }
        return trigger.map { "\(what), after \($0.summary)" } ?? what
    }

    private static func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }
}

import Common

/// What a client is expected to do.
package struct ClientExpectation: Sendable, Equatable {
    /// When an expectation begins.
    package enum Trigger: Sendable, Equatable {
        case step(String)
        case request(ReplyPattern)

        var summary: String {
            switch self {
            case .step(let name): "step '\(name)'"
            case .request(let pattern): "a \(pattern.summary)"
            }
        }
    }

    package enum Kind: Sendable, Equatable {
        /// So many matching requests; without a maximum, any number from the minimum on.
        case count(ReplyPattern, min: Int, max: Int?)
        case never(ReplyPattern)
        /// A first request, after that another, and so on; others may be between.
        case order([ReplyPattern])
        /// A matching request, so much time after the beginning at most.
        case within(ReplyPattern, Duration)
    }

    package var name: String
    package var kind: Kind
    /// What has to happen first; `nil` for the start.
    package var trigger: Trigger?
    package var line: Int
}

/// Conditions on a request and its reply.
package struct ReplyPattern: Sendable, Equatable {
    var request = RequestPattern()
    var status: ClosedRange<Int>?
    /// The name of a fault.
    var rule: String?

    func matches(_ seen: ObservedReply) -> Bool {
        if let status, !(seen.status.map(status.contains) ?? false) { return false }
        if let rule, rule != seen.rule { return false }
        return request.matches(seen.request)
    }

    var summary: String {
        var words = request.summary
        if let status {
            words += status.count == 1 ? " answered \(status.lowerBound)" : " answered \(status.lowerBound / 100)xx"
        }
        return rule.map { "\(words) by fault '\($0)'" } ?? words
    }
}

/// A request whose reply is decided.
struct ObservedReply: Sendable {
    let request: EmulatedRequest
    /// `nil` where no head is sent.
    let status: Int?
    let rule: String?
    /// When the request came, from the start of the timeline.
    let time: Duration

    var summary: String {
        "request \(request.number): \(request.method) \(request.target.cleaned()), token \(request.token.rawValue), "
            + "status \(status.map(String.init) ?? "none"), at \(ScenarioDuration.text(time))"
    }
}

/// The outcome of an expectation.
package struct ExpectationResult: Sendable, Equatable {
    package let name: String
    package let isMet: Bool
    /// What was expected.
    package let expected: String
    /// What happened.
    package let found: String
}

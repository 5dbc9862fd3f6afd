import Common
package import Probe

/// Checks a server by the rules.
package struct Conformance {
    package struct Options: Sendable {
        /// `nil` for those that the server answers.
        package var profiles: Set<Profile>?
        /// Names of rules.
        package var skipped: Set<String> = []
        /// Names of rules, to check no others; empty for all.
        package var only: Set<String> = []
        /// Of one exchange.
        package var timeout = Duration.seconds(5)
        /// Of the whole run.
        package var time = Duration.seconds(180)
        /// Of all bodies together; all of them are kept until the end.
        package var bytes = 256 << 20

        package init() {}
    }

    /// Why nothing was checked.
    package struct NoAnswer: Error, CustomStringConvertible {
        package let description: String
    }

    /// So many rules in a row without a response end the run.
    private static let mostFailures = 3

    private let exam: Examination
    private let options: Options
    private let url: ProbeURL

    /// - Throws: `ProbeURLError` where the host cannot be resolved.
    package init(_ url: ProbeURL, _ options: Options = Options()) throws(ProbeURLError) {
        exam = Examination(try ProbeClient(url, timeout: options.timeout), time: options.time, mostBytes: options.bytes)
        (self.options, self.url) = (options, url)
    }

    /// Checks the rules one after the other.
    /// - Throws: `NoAnswer` where the server does not answer, or has none of the profiles.
    package func run() throws(NoAnswer) -> ConformanceResult {
        let profiles = try self.profiles()
        var result = ConformanceResult(url: url.text + "/", profiles: profiles)
        var failures = 0
        for rule in Rule.all where rule.profile == .http || profiles.contains(rule.profile) {
            guard options.only.isEmpty || options.only.contains(rule.name) else { continue }
            if options.skipped.contains(rule.name) {
                result.checks.append(.init(rule: rule, outcome: .skipped("--skip"), time: .zero))
                continue
            }
            guard result.bailOut == nil else {
                result.checks.append(.init(rule: rule, outcome: .notChecked, time: .zero))
                continue
            }
            let start = ContinuousClock.now
            let (outcome, hasResponse) = check(rule, &result.bailOut)
            result.checks.append(.init(rule: rule, outcome: outcome, time: start.duration(to: .now)))
            failures = hasResponse ? 0 : failures + 1
            if failures == Self.mostFailures { result.bailOut = "the server did not respond in \(failures) rules in a row" }
        }
        return result
    }

    /// - Parameter bailOut: why the run ends with this rule, if it does.
    private func check(_ rule: Rule, _ bailOut: inout String?) -> (ConformanceResult.Outcome, hasResponse: Bool) {
        do throws(RuleEnd) {
            try rule.check(exam)
            return (.holds, true)
        } catch {
            switch error {
            case .fails(let problem): return (.fails(problem), true)
            case .skipped(let reason): return (.skipped(reason), true)
            case .stopped(let reason):
                bailOut = reason
                return (.notChecked, true)
            case .noResponse(let request, let failure):
                var isAnswer = false
                if case .malformed = failure { isAnswer = true }
                if case .tooLong = failure { isAnswer = true }
                return (.fails("\(request): \(failure)"), isAnswer)
            }
        }
    }

    // MARK: Profiles

    /// The profiles to check, and a token where the server makes some.
    private func profiles() throws(NoAnswer) -> Set<Profile> {
        var found: Set<Profile> = []
        do throws(WireFailure) {
            let token = try exam.client.requestToken()
            if token.status == 200, token.text?.hasPrefix("<") != true {
                found.insert(.imdsv2)
                exam.client.token = ProbeClient.token(in: token)
            }
        } catch {
            // A server may hang at PUT and answer GET.
            do throws(WireFailure) {
                _ = try exam.client.get("/")
            } catch {
                throw NoAnswer(description: "\(url.text)/: \(error)")
            }
        }
        do throws(RuleEnd) {
            if Listing(try exam.get("/latest/meta-data/")) != nil { found.insert(.ec2) }
            if Listing(try exam.get("/openstack")) != nil { found.insert(.openstack) }
            for seed in ["/nocloud/", "/"] {
                let response = try exam.get(seed + "meta-data")
                guard response.status == 200, response.text?.contains("instance-id") == true,
                    !response.mediaType.hasSuffix("html")
                else {
                    continue
                }
                exam.seed = seed
                found.insert(.nocloud)
                break
            }
        } catch {
            if case .noResponse(let request, let failure) = error, options.profiles == nil {
                throw NoAnswer(description: "\(url.text): \(request): \(failure)")
            }
        }
        if let profiles = options.profiles { return profiles }
        guard !found.isEmpty else {
            let answers = NoMetadata.targets.map { (target: $0, response: try? exam.get($0)) }
            throw NoAnswer(description: "\(url.text)/: \(NoMetadata.sentence(answers))")
        }
        return found
    }
}

/// The outcome of each rule.
package struct ConformanceResult: Sendable {
    package enum Outcome: Sendable, Equatable {
        case holds
        /// With what was expected.
        case fails(String)
        /// The server has nothing that the rule is about, or it was not to be checked.
        case skipped(String)
        /// The run ended before.
        case notChecked
    }

    package struct Check: Sendable {
        package let rule: Rule
        package let outcome: Outcome
        package let time: Duration
    }

    package let url: String
    package let profiles: Set<Profile>
    package internal(set) var checks: [Check] = []
    /// Why the run ended early; `nil` if it did not.
    package internal(set) var bailOut: String?

    /// Whether every rule that is a MUST holds, and with `isStrict` every SHOULD too.
    package func conforms(isStrict: Bool) -> Bool { bailOut == nil && !checks.contains { isFailure($0, isStrict: isStrict) } }

    package func isFailure(_ check: Check, isStrict: Bool) -> Bool {
        guard case .fails = check.outcome else { return false }
        return isStrict || check.rule.level == .must
    }
}

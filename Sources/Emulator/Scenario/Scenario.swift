import Common

/// What happens while an emulator runs: the steps of a timeline, and faults.
package struct Scenario: Sendable, Equatable {
    /// When the timeline begins.
    package enum Start: String, Sendable, CaseIterable {
        /// When the emulator is ready.
        case ready
        /// At the first request of a client.
        case firstRequest = "first-request"
    }

    package var start = Start.ready
    /// The seed of faults with a probability.
    package var seed: UInt64 = 0
    package var steps: [ScenarioStep] = []
    package var faults: [Fault] = []

    /// The longest file of a scenario or of expectations, in bytes.
    package static let mostBytes = ScenarioReading.mostBytes

    package init() {}

    /// Whether scenarios can be played together: each name is one step's or one fault's, and all begin at one time.
    ///
    /// - Throws: ``EmulatorError``.
    package static func check(_ scenarios: [Scenario]) throws(EmulatorError) {
        guard Set(scenarios.map(\.start)).count <= 1 else {
            throw EmulatorError("the scenarios have different values of 'start': expected the same in all")
        }
        let kinds = [
            ("step", scenarios.map { $0.steps.compactMap(\.name) }),
            ("fault", scenarios.map { $0.faults.compactMap(\.givenName) }),
        ]
        for (kind, names) in kinds {
            var taken: Set<String> = []
            for name in names.joined() where !taken.insert(name).inserted {
                throw EmulatorError("two scenarios have a \(kind) with the name '\(name.cleaned())': choose a different name")
            }
        }
        guard scenarios.reduce(0, { $0 + $1.faults.count }) <= FaultSelection.most else {
            throw EmulatorError("the scenarios have more than \(FaultSelection.most) faults")
        }
    }
}

/// A step of the timeline.
package struct ScenarioStep: Sendable, Equatable {
    /// When a step comes. It comes after all steps before it, at the earliest.
    package enum Moment: Sendable, Equatable {
        /// At a time after the start.
        case at(Duration)
        /// A time after the step before it, or after the start.
        case afterTime(Duration)
        /// After as many requests, counted from the step before it. The last of them is answered before the step comes.
        case afterRequests(Int, RequestPattern)
    }

    /// What a step changes.
    package enum Change: Sendable, Equatable {
        /// The value of a path.
        case set(EmulatedPath, ScenarioValue)
        /// A path that is no longer served.
        case absent(EmulatedPath)
        /// A path that has again the value that it had before the scenario.
        case restore(EmulatedPath)
        case credentials(ScenarioCredentials)
        case tokens(TokenChange)
    }

    /// A change of how session tokens work.
    package enum TokenChange: String, Sendable, CaseIterable {
        /// All tokens of before are invalid (401), as after a stop and start of the instance; new ones are issued.
        case revoke
        /// No token is issued: requests for one get 403, as where the metadata service is disabled.
        case refuse
        /// Tokens are issued again.
        case issue
        /// Requests without a token get 401.
        case required
        /// Requests without a token are answered.
        case optional
    }

    package var name: String?
    package var moment: Moment
    /// The instance that is changed; `nil` for all.
    package var instance: String?
    package var changes: [Change]
    /// Where the step is defined, for errors that are found later.
    package var line: Int
}

/// Temporary credentials of a role, as EC2 serves them.
package struct ScenarioCredentials: Sendable, Equatable {
    package var role: String
    /// Where EC2 serves them: `meta-data/iam/security-credentials/ROLE`.
    package var path: EmulatedPath
    /// The directory of roles.
    package var directory: EmulatedPath
    /// From the step until they expire.
    package var lifetime: Duration
    /// `Success`, or the reason why there are none, such as `AssumeRoleUnauthorizedAccess`.
    package var code = "Success"

    /// The document that is served. The keys are valid in form and useless in fact.
    ///
    /// - Parameter number: which set of credentials this is; each has keys of its own.
    func document(number: Int) -> ScenarioValue.Document {
        let text = { (name: String, value: String) in ScenarioValue.Member(name: name, value: .plain(.string(value))) }
        let time = { (name: String, offset: Duration) in
            ScenarioValue.Member(name: name, value: .time(RelativeTime(offset: offset, form: .iso)))
        }
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        guard code == "Success" else {
            return .object([
                text("Code", code), time("LastUpdated", .zero),
                text("Message", "The emulator's scenario gives the role '\(role)' no credentials"),
            ])
        }
        return .object([
            text("Code", code), time("LastUpdated", .zero), text("Type", "AWS-HMAC"),
            // Twenty characters, as Amazon's.
            text("AccessKeyId", "ASIAEMULATED00\(padded)"),
            text("SecretAccessKey", "emulated+secret/not+a+real+key+000\(padded)"),
            text("Token", "emulated-session-token-\(padded)"), time("Expiration", lifetime),
        ])
    }
}

import Probe

/// What a rule is about: it is checked where the server has that tree, or its profile is asked for.
package enum Profile: String, Sendable, CaseIterable {
    /// Connections and requests; checked with any other profile.
    case http
    case imdsv2, ec2, openstack, nocloud
}

/// Something that a client needs of a metadata server.
package struct Rule: Sendable {
    package enum Level: String, Sendable {
        /// A client breaks where the rule does not hold.
        case must = "MUST"
        /// A client waits, warns, or gets less.
        case should = "SHOULD"
    }

    /// Stable: `--skip` has it, and reports.
    package let name: String
    package let profile: Profile
    package let level: Level
    /// What has to be so, as a sentence without a full stop.
    package let summary: String
    /// The client, and what it does otherwise.
    package let client: String
    /// Where that is written: a file of the client's source, or a document.
    package let source: String
    let check: @Sendable (Examination) throws(RuleEnd) -> Void

    init(
        _ name: String, _ profile: Profile, _ level: Level, _ summary: String, breaks client: String, source: String,
        check: @escaping @Sendable (Examination) throws(RuleEnd) -> Void
    ) {
        (self.name, self.profile, self.level, self.summary) = (name, profile, level, summary)
        (self.client, self.source, self.check) = (client, source, check)
    }

    /// Every rule, in the order of the checks: a server that hangs is found by the first.
    package static let all: [Rule] = httpRules + tokenRules + ec2Rules + valueRules + openStackRules + noCloudRules + [speedRule]
}

/// How a check ended, other than that its rule holds.
enum RuleEnd: Error {
    case fails(String)
    /// The server has nothing that the rule is about.
    case skipped(String)
    /// The whole run is over, for this reason: its time, or what it may read.
    case stopped(String)
    /// A request had no response.
    case noResponse(String, WireFailure)
}

/// Ends a check where a condition does not hold.
func expect(_ condition: Bool, _ problem: @autoclosure () -> String) throws(RuleEnd) {
    if !condition { throw .fails(problem()) }
}

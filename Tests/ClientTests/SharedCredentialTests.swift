import Foundation
import TestSupport
import Testing

/// How Amazon's SDKs find the credentials of an instance's role, by the list of cases that they share (aws-sdk-kotlin,
/// `ImdsCredentialsProviderTestResources.kt`), and what a service may answer besides; at an emulator.
///
/// The cases are of an SDK newer than those that Debian and PyPI have: a small client does what the list says
/// (`Tests/clients/imds_credentials.py`). botocore is asked what the cases have in common with it.
struct SharedCredentialTests {
    /// What happens before one look for credentials.
    private struct Look: Encodable {
        /// Paths of the emulator with their texts; `nil` removes one.
        var values: [[String?]] = []
        /// Faults as JSON.
        var rules: [[String: [String: String]]] = []
    }

    private struct Case: Encodable {
        var disabled = false
        var profile: String?
        var looks: [Look]
    }

    private struct Result: Decodable {
        struct Outcome: Decodable {
            let failure, key, account, expiration: String?

            /// The account too, where the credentials have one.
            var text: String { failure ?? ([key] + [account]).compactMap { $0 }.joined(separator: " ") }
        }

        let outcomes: [Outcome]
        let requests: [String]
    }

    private static func results(_ cases: [Case], _ driver: String = "imds_credentials.py") throws -> [Result] {
        let input = String(decoding: try JSONEncoder().encode(cases), as: UTF8.self)
        let output = try Command.run(
            [
                "env", "-i", "HOME=/nonexistent", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", Program.path, "emulate",
                "--no-namespace",
                "--control", "127.0.0.1:0", "--quiet", "--", Clients.driver(driver),
            ], input: input, limit: .seconds(90))
        try #require(output.status == 0, "\(output)")
        return try JSONDecoder().decode([Result].self, from: Data(output.stdout.utf8))
    }

    // MARK: Values

    private static let (extended, legacy) = ("iam/security-credentials-extended", "iam/security-credentials")
    /// The instance has no role.
    private static let none: [[String?]] = [[extended, nil], [legacy, nil]]

    /// The text of credentials whose key is their profile's.
    private static func credentials(
        _ profile: String, account: String? = nil, expiration: String = "2036-01-01T00:00:00Z", without member: String = ""
    ) throws -> String {
        var document = [
            "Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z", "Type": "AWS-HMAC", "AccessKeyId": "KEY-\(profile)",
            "SecretAccessKey": "secret", "Token": "token", "Expiration": expiration, "SomethingNew": "that no client knows",
        ]
        document["AccountId"] = account
        document[member] = nil
        return String(decoding: try JSONEncoder().encode(document), as: UTF8.self)
    }

    // MARK: The shared list

    /// Where the service has the credentials, and whether they have an account.
    enum Service: String, CaseIterable {
        case withAccount, withoutAccount
        /// One that does not know the extended paths.
        case old

        var account: String? { self == .withAccount ? "123456789012" : nil }
        var directory: String { self == .old ? SharedCredentialTests.legacy : SharedCredentialTests.extended }
        /// The requests of the first look until it is known.
        func first(_ below: String) -> [String] {
            self == .old ? ["-extended\(below) 404", "\(below) 200"] : ["-extended\(below) 200"]
        }
        func next(_ below: String, _ status: Int = 200) -> [String] { ["\(self == .old ? "" : "-extended")\(below) \(status)"] }
    }

    /// Checks one case: every request is for a path of roles, with a good token after the one for it.
    private static func check(_ example: Case, _ outcomes: [String], _ requests: [String]) throws {
        let result = try #require(try results([example]).first)
        #expect(result.outcomes.map(\.text) == outcomes)
        let expected = requests.map { request in
            let parts = request.split(separator: " ", omittingEmptySubsequences: false)
            return "GET /latest/meta-data/iam/security-credentials\(parts[0]) good \(parts[1])"
        }
        #expect(result.requests == (expected.isEmpty ? [] : ["PUT /latest/api/token none 200"]) + expected)
    }

    @Test func `a program that may not ask sends nothing`() throws {
        try Self.check(Case(disabled: true, looks: [Look()]), ["no credentials"], [])
    }

    @Test(arguments: Service.allCases) func `the profile is looked for, and kept`(service: Service) throws {
        let text = try Self.credentials("a", account: service.account)
        let example = Case(looks: [Look(values: Self.none + [["\(service.directory)/a", text]]), Look()])
        let found = (["KEY-a"] + [service.account]).compactMap { $0 }.joined(separator: " ")
        try Self.check(example, [found, found], service.first("") + service.next("/a") + service.next("/a"))
    }

    @Test(arguments: Service.allCases) func `a profile that is given is not looked for`(service: Service) throws {
        let text = try Self.credentials("a", account: service.account)
        let example = Case(profile: "a", looks: [Look(values: Self.none + [["\(service.directory)/a", text]]), Look()])
        let found = (["KEY-a"] + [service.account]).compactMap { $0 }.joined(separator: " ")
        try Self.check(example, [found, found], service.first("/a") + service.next("/a"))
    }

    @Test(arguments: Service.allCases) func `a profile that is another's later is looked for again`(service: Service) throws {
        let (old, new) = (
            try Self.credentials("a", account: service.account), try Self.credentials("b", account: service.account)
        )
        let example = Case(
            looks: [
                Look(values: Self.none + [["\(service.directory)/a", old]]),
                Look(values: [["\(service.directory)/a", nil], ["\(service.directory)/b", new]]),
            ])
        let found = ["KEY-a", "KEY-b"].map { ([$0] + [service.account]).compactMap { $0 }.joined(separator: " ") }
        try Self.check(
            example, found,
            service.first("") + service.next("/a") + service.next("/a", 404) + service.next("") + service.next("/b"))
    }

    @Test func `a profile that is given and not there is an error`() throws {
        let example = Case(profile: "a", looks: [Look(values: Self.none)])
        try Self.check(example, ["invalid profile"], ["-extended/a 404", "/a 404"])
    }

    // MARK: What a service may answer besides

    private static func fault(_ path: String, _ effect: [String: String], first: Int? = nil) -> [String: [String: String]] {
        ["match": ["path": path], "when": first.map { ["first": "\($0)"] } ?? [:], "do": effect]
    }

    /// The cases that botocore may be asked too: with a role of the old paths alone.
    private static func answers() throws -> [(name: String, Look, outcome: String, botocore: String?)] {
        func role(_ text: String) -> Look { Look(values: none + [["\(legacy)/a", text]]) }
        func good(_ rules: [String: [String: String]]...) throws -> Look {
            Look(values: none + [["\(legacy)/a", try credentials("a")]], rules: rules)
        }
        let (leaf, denied) = ("security-credentials/a", "AssumeRoleUnauthorizedAccess")
        return [
            ("found", try good(), "KEY-a", "KEY-a"),
            // Whether they are used is the caller's affair; botocore keeps them for some minutes more.
            ("expired", role(try credentials("a", expiration: "2025-01-01T00:00:00Z")), "KEY-a", "KEY-a"),
            ("no role", Look(values: none), "no credentials", nil),
            ("a role without credentials", try good(fault(leaf, ["status": "404"])), "invalid profile", nil),
            ("no name", Look(values: none + [[legacy, ""]]), "no credentials", nil),
            ("not JSON", role("<html>"), "invalid JSON", nil),
            ("a failure of the role", role(#"{"Code": "\#(denied)", "Message": "EC2 cannot assume the role"}"#), denied, nil),
            ("no token", role(try credentials("a", without: "Token")), "missing: Token", nil),
            ("401 once", try good(fault(leaf, ["status": "401"], first: 1)), "KEY-a", "KEY-a"),
            ("401 for ever", try good(fault(leaf, ["status": "401"])), "status 401", nil),
            ("500 twice", try good(fault(leaf, ["status": "500"], first: 2)), "KEY-a", "KEY-a"),
            ("500 for ever", try good(fault(leaf, ["status": "500"])), "status 500", nil),
            ("503 twice", try good(fault(leaf, ["status": "503"], first: 2)), "KEY-a", "KEY-a"),
            ("a redirect", try good(fault(leaf, ["redirect": "http://192.0.2.1/"])), "status 302", nil),
            ("an end in the middle", try good(fault(leaf, ["truncate": "10"])), "no response: IncompleteRead", nil),
            // botocore reads without a token then.
            ("no sessions", try good(fault("api/token", ["status": "403"])), "forbidden", "KEY-a"),
            ("a bad request for a session", try good(fault("api/token", ["status": "400"])), "token: 400", nil),
        ]
    }

    @Test func `each answer of a service has the outcome that the SDKs expect`() throws {
        let answers = try Self.answers()
        let results = try Self.results(answers.map { Case(looks: [$0.1]) })
        for (answer, result) in zip(answers, results) {
            #expect(result.outcomes.map(\.text) == [answer.outcome], "\(answer.name): \(result.requests)")
        }
        // A new token is asked for at 401 and for nothing else.
        let tokens = results.map { $0.requests.count { $0.hasPrefix("PUT ") } }
        #expect(tokens == answers.map { $0.name == "401 once" ? 2 : $0.name == "401 for ever" ? 4 : 1 })
    }

    private struct BotocoreCase: Encodable {
        let values: [[String?]]
        let rules: [[String: [String: String]]]
        var attempts = 3
    }

    private struct BotocoreOutcome: Decodable {
        let keys: [String?]
        let error: String?
        let log: [String]
    }

    @Test(.enabled(if: Clients.has("botocore"), "needs botocore: run Tests/clients/install-ec2-clients.sh"))
    func `botocore has the same outcomes, as far as it knows the cases`() throws {
        let answers = try Self.answers()
        let cases = answers.map { BotocoreCase(values: $0.1.values, rules: $0.1.rules) }
        let input = String(decoding: try JSONEncoder().encode(cases), as: UTF8.self)
        let output = try Command.run(
            [
                "env", "-i", "HOME=/nonexistent", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", Program.path, "emulate",
                "--no-namespace",
                "--clock", "manual", "--control", "127.0.0.1:0", "--quiet", "--", Clients.driver("botocore_faults.py"),
            ], input: input, limit: .seconds(90))
        try #require(output.status == 0, "\(output)")
        let outcomes = try JSONDecoder().decode([BotocoreOutcome].self, from: Data(output.stdout.utf8))
        for (answer, outcome) in zip(answers, outcomes) {
            #expect((outcome.keys.first ?? nil) == answer.botocore, "\(answer.name): \(outcome)")
            let isExtended = outcome.log.contains { $0.hasPrefix("Attempting credential expiration extension") }
            #expect(isExtended == (answer.name == "expired"), "\(answer.name): \(outcome)")
        }
    }
}

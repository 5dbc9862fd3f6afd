import Foundation
import TestSupport
import Testing

/// botocore with credentials that expire, and under faults, at an emulator.
@Suite(.enabled(if: Clients.has("botocore"), "needs botocore: run Tests/clients/install-ec2-clients.sh"))
struct BotocoreUnderFaultsTests {
    private struct Case: Encodable {
        /// Faults as JSON.
        var rules: [[String: [String: String]]] = []
        var timeout = 5
        var attempts = 1
        var steps: [Int] = []
    }

    private struct Outcome: Decodable {
        let keys: [String?]
        let error: String?
        let log: [String]
    }

    /// The access keys of the first two sets of credentials.
    private static let (first, second) = ("ASIAEMULATED00000001", "ASIAEMULATED00000002")

    private static func outcomes(_ cases: [Case], _ scenario: String) async throws -> [Outcome] {
        let command = [
            "env", "-i", "HOME=/nonexistent", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", Program.path, "emulate", "--no-namespace",
            "--clock", "manual", "--control", "127.0.0.1:0", "--scenario", scenario, "--quiet", "--",
            Clients.driver("botocore_faults.py"),
        ]
        let input = String(decoding: try JSONEncoder().encode(cases), as: UTF8.self)
        let output = try Command.run(command, input: input, limit: .seconds(90))
        try #require(output.status == 0, "\(output)")
        return try JSONDecoder().decode([Outcome].self, from: Data(output.stdout.utf8))
    }

    private static func fault(_ effect: [String: String], path: String = "**", first: Int? = nil) -> [String: [String: String]] {
        ["match": ["path": path], "when": first.map { ["first": "\($0)"] } ?? [:], "do": effect]
    }

    /// Amazon has new credentials five minutes before the old ones expire. botocore looks for them in the last fifteen, finds the old ones,
    /// and keeps them for up to 25 minutes more, whatever their expiry.
    @Test func `credentials are renewed before they expire`() async throws {
        let minutes = { (count: Int) in count * 60 }
        let outcome = try #require(
            try await Self.outcomes(
                [Case(steps: [minutes(340), minutes(10), minutes(12)])], "credentials-rotate,lifetime=6h"
            ).first)
        #expect(outcome.keys == [Self.first, Self.first, Self.first, Self.second])
        #expect(outcome.error == nil)
        #expect(outcome.log.contains { $0.hasPrefix("Attempting credential expiration extension") })
    }

    @Test func `it tries again after some faults, where it may, and falls back to version 1`() async throws {
        let cases = [
            // One attempt, as is its default: a session begins without credentials.
            Case(rules: [Self.fault(["status": "503"], path: "security-credentials/**", first: 1)]),
            Case(rules: [Self.fault(["status": "503"], path: "security-credentials/**", first: 2)], attempts: 3),
            Case(rules: [Self.fault(["status": "401"], path: "security-credentials/**", first: 1)], attempts: 2),
            Case(rules: [Self.fault(["reset": "true"], path: "security-credentials/**", first: 1)], attempts: 2),
            // No answer to the request for a token: the next request has none.
            Case(rules: [Self.fault(["drop": "true"], path: "api/token")], timeout: 1),
            Case(rules: [Self.fault(["status": "403"], path: "api/token")]),
            Case(rules: [Self.fault(["drop": "true"])], timeout: 1),
            Case(rules: [Self.fault(["captive-portal": "true"])]),
        ]
        let outcomes = try await Self.outcomes(cases, "credentials-rotate")
        let keys = outcomes.map { $0.keys.first ?? nil }
        let expected = [nil, Self.first, Self.first, Self.first, Self.first, Self.first, nil, nil]
        #expect(keys == expected)
        // It takes the sign-in page for the name of a role, which makes no URL.
        #expect(outcomes.map(\.error) == [nil, nil, nil, nil, nil, nil, nil, "HTTPClientError"])
    }
}

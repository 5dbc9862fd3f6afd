import Foundation
import TestSupport
import Testing

/// botocore, on which Amazon's command line and most of its users' programs stand, in guests of one host.
@Suite(
    .enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"),
    .enabled(if: Clients.has("botocore"), "needs botocore: run Tests/clients/install-ec2-clients.sh"))
struct BotocoreTests {
    @Test(arguments: DescribedGuest.Tokens.allCases)
    func `a session has the credentials of the operator's role`(tokens: DescribedGuest.Tokens) async throws {
        let guest = DescribedGuest.guest(tokens: tokens, hasRole: true)
        let session = try await Self.session(in: guest)
        #expect(session.credentials?.method == "iam-role")
        #expect(session.credentials?.access_key == DescribedGuest.accessKey)
        #expect(session.credentials?.secret_key == DescribedGuest.secretKey)
        #expect(session.credentials?.token == DescribedGuest.sessionToken)
        #expect(session.region == DescribedGuest.region)
        #expect(session.log == ["Found credentials from IAM Role: \(DescribedGuest.role)"])
    }

    @Test(arguments: DescribedGuest.Tokens.allCases)
    func `without a role there are none, of which it says nothing`(tokens: DescribedGuest.Tokens) async throws {
        let session = try await Self.session(in: DescribedGuest.guest(tokens: tokens))
        #expect(session.credentials == nil)
        #expect(session.region == DescribedGuest.region)
        #expect(session.log == [])
    }

    @Test func `without a zone there is no region, of which it says nothing`() async throws {
        let session = try await Self.session(in: DescribedGuest.bare)
        #expect(session.credentials == nil)
        #expect(session.region == nil)
        #expect(session.log == [])
    }

    /// What `Tests/clients/botocore_metadata.py` prints.
    private struct Session: Decodable {
        struct Credentials: Decodable {
            let method: String
            let access_key: String
            let secret_key: String
            let token: String?
        }

        let credentials: Credentials?
        let region: String?
        /// Each record that it logged at INFO or above.
        let log: [String]
    }

    private static func session(in guest: Guest) async throws -> Session {
        let host = try await ClientHost(asking: guest, running: [guest])
        let printed = try Clients.run([Clients.driver("botocore_metadata.py")], in: host.guest)
        return try JSONDecoder().decode(Session.self, from: Data(printed.utf8))
    }
}

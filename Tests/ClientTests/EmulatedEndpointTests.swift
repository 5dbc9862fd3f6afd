import Foundation
import TestSupport
import Testing

/// botocore in the namespace of an emulator. The cases are all 13 of the list that Amazon's SDKs share (smithy-rs, `imds-tests.json`), by which
/// a program chooses the endpoint of the metadata service; the access log says which one it asked.
@Suite(.enabled(if: Clients.has("botocore"), "needs botocore: run Tests/clients/install-ec2-clients.sh"))
struct EmulatedEndpointTests {
    struct EndpointCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var environment: [String] = []
        /// The file of `AWS_CONFIG_FILE`.
        var profile = ""
        /// What the program itself sets.
        var variables: [String] = []
        /// The host that is asked; `nil` where the program refuses the setting.
        let host: String?
    }

    private static let (v4, v6) = ("169.254.169.254", "[fd00:ec2::254]")
    private static let (endpoint, mode) = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")

    static let cases = [
        EndpointCase(testDescription: "all fields unset, default endpoint", host: v4),
        EndpointCase(testDescription: "environment variable endpoint", environment: ["\(endpoint)=http://\(v6)"], host: v6),
        EndpointCase(testDescription: "profile endpoint", profile: "ec2_metadata_service_endpoint = http://\(v6)", host: v6),
        EndpointCase(
            testDescription: "environment overrides profile", environment: ["\(endpoint)=http://\(v6)"],
            profile: "ec2_metadata_service_endpoint = http://192.0.2.1:456", host: v6),
        EndpointCase(testDescription: "invalid endpoint mode", environment: ["\(mode)=error"], host: nil),
        EndpointCase(testDescription: "IPv4 endpoint", environment: ["\(mode)=IPv4"], host: v4),
        EndpointCase(testDescription: "IPv6 endpoint", environment: ["\(mode)=IPv6"], host: v6),
        EndpointCase(
            testDescription: "IPv6 endpoint from profile", profile: "ec2_metadata_service_endpoint_mode = IPv6", host: v6),
        EndpointCase(testDescription: "invalid mode in profile", profile: "ec2_metadata_service_endpoint_mode = IPv7", host: nil),
        EndpointCase(
            testDescription: "endpoint of the program overrides mode of the profile",
            profile: "ec2_metadata_service_endpoint_mode = IPv6", variables: ["ec2_metadata_service_endpoint=http://\(v4)"],
            host: v4),
        EndpointCase(
            testDescription: "mode of the program overrides that of the profile",
            profile: "ec2_metadata_service_endpoint_mode = IPv4",
            variables: ["ec2_metadata_service_endpoint_mode=IPv6"], host: v6),
        EndpointCase(
            testDescription: "environment's endpoint overrides mode of the program", environment: ["\(endpoint)=http://\(v4)"],
            variables: ["ec2_metadata_service_endpoint_mode=IPv6"], host: v4),
        EndpointCase(
            testDescription: "endpoint overrides mode", environment: ["\(endpoint)=http://\(v4)", "\(mode)=IPv6"], host: v4),
        EndpointCase(testDescription: "invalid URI", environment: ["\(endpoint)=not a uri"], host: nil),
    ]

    private struct Session: Decodable {
        struct Credentials: Decodable {
            let access_key, secret_key: String
            let token: String?
        }

        let credentials: Credentials?
        let region: String?
    }

    private struct Line: Decodable {
        let method, token: String
        let headers: [String: String]
        let status: Int
    }

    @Test(arguments: cases) func `an SDK asks the endpoint that its settings name`(example: EndpointCase) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "endpoint-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (log, profile) = (folder.appending(path: "log"), folder.appending(path: "config"))
        try Data("[default]\n\(example.profile)\n".utf8).write(to: profile)
        let run = try Command.run(
            [
                Program.path, "emulate", "--session-tokens", "required", "--access-log", log.path, "--", "env", "-i",
                "HOME=/nonexistent", "PATH=/usr/bin:/bin", "AWS_CONFIG_FILE=\(profile.path)",
            ] + example.environment + [Clients.driver("botocore_metadata.py")] + example.variables, limit: .seconds(60))
        let lines = try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
        guard let host = example.host else {
            #expect(run.status != 0 && lines.isEmpty, "\(run.stderr)")
            return
        }
        let session = try JSONDecoder().decode(Session.self, from: Data(run.stdout.utf8))
        #expect(session.credentials?.access_key == "ASIAIOSFODNN7EXAMPLE" && session.region == "us-east-1")
        #expect(Set(lines.compactMap { $0.headers["host"] }) == [host])
        // It begins sessions, and each read has its token.
        #expect(lines.allSatisfy { $0.status == 200 && ($0.method == "PUT" || $0.token == "good") })
    }
}

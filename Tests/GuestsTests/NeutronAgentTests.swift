import Common
import Description
import Foundation
import Identity
import TestSupport
import Testing

@testable import Guests

/// Requests as Neutron's metadata agent forwards them.
@Suite struct NeutronAgentTests {
    /// One of Nova's own answers to such a request (`fixtures/nova/golden-proxy.json`).
    private struct Probe: Decodable {
        let label: String
        let path: String
        let headers: [String: String]
        let status: Int
        let body: String

        private enum CodingKeys: String, CodingKey {
            case label, path, headers = "request_headers", status, body
        }
    }

    private static let secret = "s3kr1t"
    private static let rich = "83679162-1378-4288-a2d4-70e13ec132aa"
    private static let project = "f7ac731cc11f40efbc03a9f9e1d1d21f"

    /// The instance of Nova's recorded answers.
    private func snapshot(isComplete: Bool = true, sessions: Bool = false) throws -> Snapshot {
        let folder = URL(filePath: Program.fixtures).appending(path: "instances/rich")
        let networks = try ["private", "storage"].map {
            try Array(Data(contentsOf: folder.appending(path: "networks/\($0).xml")))
        }
        var xml = try String(contentsOf: folder.appending(path: "domain.xml"), encoding: .utf8)
        if sessions { xml = xml.replacing("<launch-index>", with: "<imds tokens='required'/><launch-index>") }
        var snapshot = Snapshot()
        if isComplete { snapshot.insert(try InstanceAssembly(networks: networks).assemble(Array(xml.utf8)).instance) }
        snapshot.isComplete = isComplete
        return snapshot
    }

    private func agent() throws -> NeutronAgent {
        NeutronAgent(signature: try #require(InstanceSignature(secret: Array(Self.secret.utf8))))
    }

    private func signature(of id: String) -> String {
        messageCode(of: Array(id.utf8), key: Array(Self.secret.utf8))
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private var fields: String {
        """
        X-Instance-ID: \(Self.rich)\r
        X-Tenant-ID: \(Self.project)\r
        X-Instance-ID-Signature: \(signature(of: Self.rich))\r
        X-Forwarded-For: 10.0.0.5\r

        """
    }

    @Test func `every signed and unsigned request gets Nova's status and body`() async throws {
        let file = URL(filePath: Program.fixtures).appending(path: "nova/golden-proxy.json")
        let probes = try JSONDecoder().decode([Probe].self, from: Data(contentsOf: file))
        // Load balancers that name a network and not an instance are not supported.
        let instanceProbes = probes.filter { !$0.label.hasPrefix("lb-") }
        #expect(instanceProbes.count == 20)
        try await LiveServer.run(snapshot: try snapshot(), agent: try agent()) { server in
            for probe in instanceProbes {
                let fields = probe.headers.map { "\($0.key): \($0.value)\r\n" }.joined()
                let reply = try await server.get(probe.path, fields: fields)
                #expect(reply.status == probe.status, "\(probe.label)")
                // The list of versions is longer here.
                if probe.status == 200, !probe.label.hasPrefix("root-") { #expect(reply.text == probe.body, "\(probe.label)") }
            }
        }
    }

    @Test func `the agent's address and interface count`() async throws {
        try await LiveServer.run(snapshot: try snapshot(), agent: try agent()) { server in
            let local = try await server.get("/latest/meta-data/local-ipv4", fields: fields)
            #expect(local.text == "10.0.0.5")
            let document = try await server.get("/openstack/latest/meta_data.json", fields: fields)
            #expect(document.text.contains("\"uuid\": \"\(Self.rich)\""))
        }
    }

    @Test func `a repeated identifier, signature or project is refused`() async throws {
        try await LiveServer.run(snapshot: try snapshot(), agent: try agent()) { server in
            for field in [
                "X-Instance-ID: \(Self.rich)", "X-Tenant-ID: \(Self.project)",
                "X-Instance-ID-Signature: \(signature(of: Self.rich))",
            ] {
                let status = try await server.get("/latest/meta-data/instance-id", fields: fields + field + "\r\n").status
                #expect(status == 400)
            }
            let other = fields.replacing(signature(of: Self.rich), with: signature(of: "another"))
            let status = try await server.get("/latest/meta-data/instance-id", fields: other).status
            #expect(status == 403)
        }
    }

    @Test func `a status that an agent does not relay becomes one that it does`() async throws {
        try await LiveServer.run(
            snapshot: try snapshot(sessions: true), limits: { $0.requestTimeout = .milliseconds(300) }, agent: try agent()
        ) { server in
            // 401
            #expect(try await server.get("/latest/meta-data/instance-id", fields: fields).status == 403)
            // 405
            for request in ["POST /latest/user-data", "GET /latest/api/token", "PUT /latest/api/token"] {
                let connection = try server.connection()
                try await connection.send("\(request) HTTP/1.1\r\n\(fields)\r\n")
                #expect(try await connection.reply().status == 400)
            }
            // 408, 413 and 431
            let long = "X: \(String(repeating: "x", count: 20_000))\r\n\r\n"
            for rest in ["\(fields)", "\(fields)Content-Length: 70000\r\n\r\n", long] {
                let connection = try server.connection()
                _ = connection.sendWithoutWaiting(Array("GET /latest/user-data HTTP/1.1\r\n\(rest)".utf8))
                #expect(try await connection.reply().status == 400)
            }
        }
    }

    @Test func `a request for an instance that may still appear is held`() async throws {
        try await LiveServer.run(snapshot: try snapshot(isComplete: false), agent: try agent()) { server in
            let connection = try server.connection()
            try await connection.send("GET /latest/meta-data/instance-id HTTP/1.1\r\n\(fields)\r\n")
            try await server.waitUntilHeld(1)
            server.board.publish(try snapshot())
            #expect(try await connection.reply().text == "i-0000002a")
        }
    }

    @Test func `without a secret no agent is trusted`() async throws {
        try await LiveServer.run(snapshot: try snapshot()) { server in
            let status = try await server.get("/latest/meta-data/instance-id", fields: fields).status
            // The client is the guest at this address.
            #expect(status == 404)
        }
    }

    @Test func `an empty, missing or exposed secret keeps the server from starting`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "secret-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        let start = {
            try await Program.run(
                "serve", "--connect", Program.node, "--listen", "127.0.0.1:0", "--state-directory", file + ".state",
                "--neutron-secret", file)
        }
        let missing = try await start()
        #expect(missing.status == 2)
        #expect(missing.stderr.contains("--neutron-secret: \(file): no such file"))
        for (contents, mode, problem) in [("", 0o600, "is empty"), ("\n", 0o600, "is empty"), ("x", 0o644, "chmod 600")] {
            _ = FileManager.default.createFile(atPath: file, contents: Data(contents.utf8), attributes: [.posixPermissions: mode])
            let output = try await start()
            #expect(output.status == 2 && output.stderr.contains(problem), "\(output.stderr)")
        }
        try? FileManager.default.removeItem(atPath: file + ".state")
    }
}

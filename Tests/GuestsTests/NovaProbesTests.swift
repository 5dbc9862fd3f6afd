import Common
import Description
import Foundation
import TestSupport
import Testing

@testable import Guests

/// The requests besides the recorded tree that were sent to Nova: other methods, fields and clients, and the password, in their
/// order.
@Suite struct NovaProbesTests {
    /// A request, and Nova's answer (`fixtures/nova/golden-probes.json`).
    private struct Probe: Decodable {
        let label: String
        let method: String
        let path: String
        let fields: [String: String?]
        let body: String?
        let status: Int
        let answer: String

        private enum CodingKeys: String, CodingKey {
            case label, method, path, fields = "request_headers", body = "request_body", status, answer = "body"
        }

        /// The body that was sent, where the file has its length only.
        var bytes: [UInt8]? {
            guard let body else { return nil }
            if label == "password-post-nonutf8" { return [0xFF, 0xFE] }
            guard let count = body.firstMatch(of: /^<(\d+) bytes>$/).flatMap({ Int($0.1) }) else { return Array(body.utf8) }
            return (0..<count).map { UInt8(ascii: "0") + UInt8($0 % 10) }
        }
    }

    /// The statuses that differ from Nova's, by the labels of the requests, as `docs/reference/nova-differences.md` lists them.
    private func documentedDifferences() throws -> [String: (nova: Int, own: Int)] {
        let package = URL(filePath: Program.fixtures).deletingLastPathComponent()
        let page = package.appending(path: "docs/reference/nova-differences.md")
        let rows = try String(contentsOf: page, encoding: .utf8).matches(of: /\n\| `([a-z0-9-]+)` \| (\d+) \| (\d+) \| [^|]+ \|/)
        return Dictionary(uniqueKeysWithValues: rows.map { (String($0.1), (Int($0.2) ?? 0, Int($0.3) ?? 0)) })
    }

    /// The case `rich`, attached where the guest `web` is.
    private static func snapshot(password: String? = nil) throws -> Snapshot {
        let folder = URL(filePath: Program.fixtures).appending(path: "instances/rich")
        let networks = try ["private", "storage"].map {
            try Array(Data(contentsOf: folder.appending(path: "networks/\($0).xml")))
        }
        let left = password.map { "<password xmlns='urn:virt-metadata:password:1'>\($0)</password>" } ?? ""
        let xml = try String(contentsOf: folder.appending(path: "domain.xml"), encoding: .utf8)
            .replacing("fa:16:3e:9c:bf:3d", with: "52:54:00:00:00:02").replacing("</metadata>", with: left + "</metadata>")
        var snapshot = Snapshot()
        snapshot.insert(try InstanceAssembly(networks: networks).assemble(Array(xml.utf8)).instance)
        snapshot.isComplete = true
        return snapshot
    }

    @Test func `each request has Nova's status, except for documented differences`() async throws {
        let file = URL(filePath: Program.fixtures).appending(path: "nova/golden-probes.json")
        let probes = try JSONDecoder().decode([Probe].self, from: Data(contentsOf: file))
        #expect(probes.count == 41)
        let differences = try documentedDifferences()
        #expect(Set(differences.keys).isSubset(of: probes.map(\.label)))
        let board = SnapshotBoard()
        let keep: GuestPasswords.Keep = { text, _, _, done in
            guard let after = try? Self.snapshot(password: text) else { return done(.unavailable) }
            board.publish(after)
            done(.stored)
        }
        try await LiveServer.run(snapshot: Self.snapshot(), board: board, passwords: keep) { server in
            for probe in probes {
                let reply = try await send(probe, to: server)
                if let difference = differences[probe.label] {
                    #expect(probe.status == difference.nova && reply.status == difference.own, "\(probe.label): \(reply.status)")
                    #expect(difference.nova != difference.own, "\(probe.label)")
                } else {
                    #expect(reply.status == probe.status, "\(probe.label)")
                }
                // The stored password is what is read, wherever it is stored.
                if probe.label.hasPrefix("password-get") { #expect(reply.text == probe.answer, "\(probe.label)") }
            }
        }
    }

    private func send(_ probe: Probe, to server: LiveServer) async throws -> RawReply {
        let isUnmatched = probe.fields.keys.contains("X-Oracle-Address")
        var fields = probe.fields.compactMap { name, value in
            name.hasPrefix("X-Oracle") || name.hasPrefix("_") ? nil : value.map { "\(name): \($0)\r\n" }
        }.joined()
        if let bytes = probe.bytes { fields += "Content-Length: \(bytes.count)\r\n" }
        let connection = try server.connection(of: isUnmatched ? Guests.unresolved : Guests.web)
        let head = "\(probe.method) \(probe.path) HTTP/1.1\r\n\(fields)\r\n"
        try await connection.send(Array(head.utf8) + (probe.bytes ?? []))
        return try await connection.reply(toHead: probe.method == "HEAD")
    }
}

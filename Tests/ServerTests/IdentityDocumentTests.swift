import Foundation
import TestSupport
import Testing

/// The identity document that a guest shows to a third party, which checks it with openssl as Amazon's documentation says.
@Suite struct IdentityDocumentTests {
    @Test func `the host's certificate verifies the document that a guest shows`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "identity-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let state = folder.path + "/state"
        let server = try await ServerProcess("--state-directory", state)
        let certificate = try await Program.run("certificate", "--state-directory", state)
        #expect(certificate.status == 0)
        #expect(certificate.stdout.hasSuffix("-----END CERTIFICATE-----\n"))
        try Data(certificate.stdout.utf8).write(to: folder.appending(path: "certificate"))
        for name in ["document", "pkcs7", "rsa2048", "signature"] {
            let connection = try server.connection()
            try await connection.send("GET /latest/dynamic/instance-identity/\(name) HTTP/1.1\r\n\r\n")
            let reply = try await connection.reply()
            #expect(reply.status == 200 && !reply.text.hasSuffix("\n"))
            try Data(reply.body).write(to: folder.appending(path: name))
        }
        let document = try String(contentsOf: folder.appending(path: "document"), encoding: .utf8)
        let read = try #require(try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any])
        #expect(read["instanceId"] as? String == "i-00000000000040008")
        for name in ["pkcs7", "rsa2048"] {
            let checking = """
                (echo -----BEGIN PKCS7-----; cat \(name); echo; echo -----END PKCS7-----) > signed
                openssl smime -verify -in signed -inform PEM -content document -certfile certificate -noverify
                """
            let output = try Command.run(["sh", "-c", "cd \(folder.path); \(checking)"])
            #expect(output.status == 0 && output.stdout == document, "\(output.stderr)")
        }
        let checking = """
            openssl x509 -pubkey -noout -in certificate > key; base64 -d signature > raw
            openssl dgst -sha256 -verify key -signature raw document
            """
        #expect(try Command.run(["sh", "-c", "cd \(folder.path); \(checking)"]).stdout == "Verified OK\n")
    }

    @Test func `before a server's first start there is no certificate, which is an error`() async throws {
        let output = try await Program.run("certificate", "--state-directory", "/tmp/no-such-\(UUID().uuidString)")
        #expect(output.status == 1)
        #expect(output.stderr.hasPrefix("virt-metadata: no certificate found that this user can read; "))
    }

    @Test func `a token outlives the server that issued it`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "identity-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let state = folder.path + "/state"
        var token = ""
        do {
            let server = try await ServerProcess("--state-directory", state)
            let connection = try server.connection()
            try await connection.send("PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n")
            token = try await connection.reply().text
        }
        let server = try await ServerProcess("--state-directory", state, "--tokens", "required")
        let connection = try server.connection()
        try await connection.send("GET /latest/meta-data/instance-id HTTP/1.1\r\n\r\n")
        #expect(try await connection.reply().status == 401)
        try await connection.send("GET /latest/meta-data/instance-id HTTP/1.1\r\nX-aws-ec2-metadata-token: \(token)\r\n\r\n")
        #expect(try await connection.reply().status == 200)
    }
}

import Foundation
import Identity
import TestSupport
import Testing

/// What the server made before it used OpenSSL (`fixtures/identity`): its key and certificate, a document and its signatures.
@Suite struct FormerVersionTests {
    private func contents(_ name: String) throws -> String {
        try String(contentsOfFile: "\(Program.fixtures)/identity/\(name)", encoding: .utf8)
    }

    @Test func `the same key signs the same document with the same bytes`() throws {
        let pair = try contents("identity.pem")
        let signer = DocumentSigner(try SigningIdentity(privateKey: pair, certificate: pair))
        let document = Array(try contents("document").utf8)
        #expect(try signer.signature(of: document) == contents("signature"))
        #expect(try signer.signedData(of: document) == contents("pkcs7"))
    }

    @Test func `a pair is written as it was read`() throws {
        let pair = try contents("identity.pem")
        let identity = try SigningIdentity(privateKey: pair, certificate: pair)
        #expect(try "\(identity.privateKeyPEM)\n\(identity.certificatePEM)\n" == pair)
    }

    @Test func `a new certificate differs only in its serial number, key, dates and signature`() throws {
        let openssl = try OpenSSL()
        let new = try SigningIdentity(named: "virt-metadata instance identity", at: Date())
        let parts = try [contents("identity.pem"), new.certificatePEM].map { pem in
            let text = try openssl.run(
                "x509", "-in", try openssl.file("certificate.pem", pem), "-noout", "-text", "-certopt", "no_sigdump,no_pubkey")
            return text.split(separator: "\n").filter { !$0.contains("Not ") && !$0.contains(/([0-9a-fA-F]{2}:){15}/) }
        }
        #expect(parts[0] == parts[1])
        #expect(parts[1].contains { $0.contains("X509v3 Key Usage: critical") })
        let number = try openssl.run("x509", "-in", try openssl.file("new.crt", try new.certificatePEM), "-noout", "-serial")
        // Sixteen bytes, so nine in ten have all 32 digits; a negative one would begin with "-".
        #expect(number.wholeMatch(of: /serial=[0-9A-F]{20,32}\n/) != nil)
    }
}

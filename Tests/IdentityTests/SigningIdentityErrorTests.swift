import Foundation
import Identity
import TestSupport
import Testing

struct SigningIdentityErrorTests {
    private let openssl: OpenSSL

    init() throws { openssl = try OpenSSL() }

    @Test func `a certificate of another key is refused, and named`() throws {
        let (_, certificate) = try openssl.pair(["rsa:2048"])
        let (key, own) = try openssl.pair(["rsa:2048"])
        let error = #expect(throws: SigningIdentityError.self) {
            try SigningIdentity(privateKey: key, certificate: certificate)
        }
        #expect(error?.code == .foreignCertificate)
        #expect(error?.message.hasPrefix("the certificate of 'CN=operator' does not match the private key; ") == true)
        #expect(try code(key, certificate + own) == .foreignCertificate, "even where its own stands further down")
    }

    @Test(arguments: [
        ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"], ["ed25519"],
        ["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
    ])
    func `a key that is not RSA is refused`(kind: [String]) throws {
        let (key, certificate) = try openssl.pair(kind)
        #expect(try code(key, certificate) == .otherKind)
    }

    @Test func `an elliptic key in its older format is refused`() throws {
        let (_, certificate) = try openssl.pair(["rsa:2048"])
        let key = try openssl.run("ecparam", "-name", "prime256v1", "-genkey")
        #expect(key.contains("BEGIN EC PRIVATE KEY"))
        #expect(try code(key, certificate) == .otherKind)
    }

    @Test(arguments: [1024, 1536, 512]) func `a short key is refused`(bits: Int) throws {
        let (key, certificate) = try openssl.pair(["rsa:\(bits)"])
        #expect(try code(key, certificate) == .tooShort)
    }

    @Test func `a certificate of a key that is not RSA is refused`() throws {
        let (_, certificate) = try openssl.pair(["ed25519"])
        let (key, _) = try openssl.pair(["rsa:2048"])
        #expect(try code(key, certificate) == .foreignCertificate)
    }

    @Test func `a key in OpenSSH's own format is refused`() throws {
        let (_, certificate) = try openssl.pair(["rsa:2048"])
        let path = openssl.path("ssh")
        try Command.succeed(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", path])
        #expect(try code(openssl.text("ssh"), certificate) == .noKey)
    }

    @Test func `a short key behind a certificate is refused`() throws {
        let (_, certificate) = try openssl.pair(["rsa:1024"])
        let (key, _) = try openssl.pair(["rsa:2048"])
        #expect(try code(key, certificate) == .noCertificate)
    }

    @Test func `an encrypted key is refused with a remedy`() throws {
        let (_, certificate) = try openssl.pair(["rsa:2048"])
        let path = openssl.path("operator.key")
        let new = try openssl.run("pkcs8", "-topk8", "-in", path, "-passout", "pass:1234")
        let old = try openssl.run("rsa", "-in", path, "-traditional", "-aes128", "-passout", "pass:1234")
        for key in [new, old] {
            let error = #expect(throws: SigningIdentityError.self) {
                try SigningIdentity(privateKey: key, certificate: certificate)
            }
            #expect(error?.code == .encryptedKey)
            #expect(error?.message.contains("openssl pkey -in KEY -out NEW") == true)
        }
    }

    @Test(arguments: [
        "", "hello", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ])
    func `text that is no key or no certificate is refused`(garbage: String) throws {
        let (key, certificate) = try openssl.pair(["rsa:2048"])
        #expect(try code(garbage, certificate) == .noKey)
        #expect(try code(key, garbage.replacing("PRIVATE KEY", with: "CERTIFICATE")) == .noCertificate)
        #expect(try code(certificate, certificate) == .noKey)
        #expect(try code(key, key) == .noCertificate)
    }

    @Test func `a damaged key is refused, and the error contains nothing of it`() throws {
        let (key, certificate) = try openssl.pair(["rsa:2048"])
        var lines = key.split(separator: "\n").map(String.init)
        lines[12] = String(lines[12].reversed())
        for damaged in [
            lines.joined(separator: "\n"), key.replacing("-----END", with: "----END"), key.replacing("\n", with: " "),
        ] {
            let error = #expect(throws: SigningIdentityError.self) {
                try SigningIdentity(privateKey: damaged, certificate: certificate)
            }
            #expect(error?.code == .noKey)
            #expect(lines[1...].allSatisfy { error?.message.contains($0) == false })
        }
    }

    private func code(_ key: String, _ certificate: String) throws -> SigningIdentityError.Code? {
        try #require(throws: SigningIdentityError.self) { try SigningIdentity(privateKey: key, certificate: certificate) }.code
    }
}

import Foundation
import Identity
import TestSupport
import Testing

/// Passwords that openssl encrypts as cloudbase-init does.
@Suite struct PasswordKeyTests {
    private let openssl = try? OpenSSL()

    private func key(_ arguments: [String] = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]) throws -> String {
        try Command.succeed(["openssl", "genpkey"] + arguments)
    }

    private func encrypted(_ password: String, for key: String) throws -> String {
        let openssl = try #require(openssl)
        let (key, plain) = (try openssl.file("key.pem", key), try openssl.file("plain", password))
        try openssl.run("pkeyutl", "-encrypt", "-inkey", key, "-in", plain, "-out", openssl.path("secret"))
        return try openssl.run("base64", "-in", openssl.path("secret"))
    }

    @Test func `a password is decrypted with its key, in either form`() throws {
        let openssl = try #require(openssl)
        let key = try key()
        let secret = try encrypted("Pässw0rd!", for: key)
        let older = try openssl.run("rsa", "-traditional", "-in", try openssl.file("key.pem", key))
        #expect(older.contains("BEGIN RSA PRIVATE KEY"))
        for pem in [key, older] { #expect(try PasswordKey(pem: pem).open(secret) == Array("Pässw0rd!".utf8)) }
    }

    @Test func `another key decrypts nothing, and plain text cannot be decrypted`() throws {
        let (key, other) = (try key(), try PasswordKey(pem: try key()))
        let secret = try encrypted("secret", for: key)
        for (password, key) in [(secret, other), ("YWJj", try PasswordKey(pem: key))] {
            let error = #expect(throws: PasswordKey.Failure.self) { try key.open(password) }
            #expect(error?.description == "the password was not encrypted for this key")
        }
        let error = #expect(throws: PasswordKey.Failure.self) { try PasswordKey(pem: key).open("no base64!") }
        #expect(error?.description == "the password is not encrypted (invalid base64)")
    }

    @Test func `a key of 1,024 bits decrypts, and a shorter one is refused`() throws {
        let key = try key(["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"])
        #expect(try PasswordKey(pem: key).open(try encrypted("short", for: key)) == Array("short".utf8))
        let shorter = try self.key(["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1016"])
        let error = #expect(throws: PasswordKey.Failure.self) { try PasswordKey(pem: shorter) }
        #expect(error?.description == "invalid key: expected RSA with at least 1,024 bits")
    }

    @Test func `an unusable key and an invalid one have different errors, with a remedy`() throws {
        let openssl = try #require(openssl)
        let problem = { (pem: String) in
            #expect(throws: PasswordKey.Failure.self) { try PasswordKey(pem: pem) }?.description ?? ""
        }
        #expect(problem("ssh-rsa AAAA") == "no private key in PEM found")
        #expect(problem(try key(["-algorithm", "ED25519"])).hasPrefix("invalid key: expected RSA"))
        let file = try openssl.file("key.pem", try key())
        let locked = try openssl.run("pkey", "-in", file, "-aes128", "-passout", "pass:secret")
        #expect(problem(locked).hasPrefix("the key is encrypted"))
        let older = try openssl.run("rsa", "-traditional", "-in", file, "-aes128", "-passout", "pass:secret")
        #expect(problem(older).hasPrefix("the key is encrypted"))
        let ssh = openssl.path("ssh")
        try Command.succeed(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", ssh])
        #expect(problem(try openssl.text("ssh")).hasPrefix("unsupported key format (OpenSSH)"))
    }
}

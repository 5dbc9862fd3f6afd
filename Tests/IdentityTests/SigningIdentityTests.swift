import Foundation
import Identity
import Testing

struct SigningIdentityTests {
    private let openssl: OpenSSL

    init() throws { openssl = try OpenSSL() }

    // MARK: Created keys

    @Test func `a new certificate is valid for ten years and read by openssl`() throws {
        let now = Date(timeIntervalSince1970: 1_790_000_000)
        let identity = try SigningIdentity(named: "virt-metadata instance identity", at: now)
        let certificate = try openssl.file("new.crt", try identity.certificatePEM)
        let key = try openssl.file("new.key", identity.privateKeyPEM)
        let facts = try openssl.run("x509", "-in", certificate, "-noout", "-subject", "-issuer", "-dates")
        #expect(
            facts == """
                subject=CN = virt-metadata instance identity
                issuer=CN = virt-metadata instance identity
                notBefore=Sep 20 14:13:20 2026 GMT
                notAfter=Sep 20 14:13:20 2036 GMT

                """)
        #expect(try openssl.run("pkey", "-in", key, "-text", "-noout").hasPrefix("Private-Key: (2048 bit, 2 primes)"))
        #expect(try openssl.run("verify", "-CAfile", certificate, certificate).hasSuffix(": OK\n"))
        #expect(
            try openssl.run("x509", "-in", certificate, "-noout", "-pubkey") == openssl.run("pkey", "-in", key, "-pubout"))
    }

    @Test func `each new certificate has its own serial number and key`() throws {
        let now = Date(timeIntervalSince1970: 1_790_000_000)
        let two = try (0..<2).map { _ in try SigningIdentity(named: "a, b = c + \u{fc}", at: now) }
        #expect(try two[0].privateKeyPEM != two[1].privateKeyPEM)
        let numbers = try two.map {
            try openssl.run("x509", "-in", try openssl.file("new.crt", try $0.certificatePEM), "-noout", "-serial")
        }
        #expect(numbers[0] != numbers[1])
    }

    // MARK: The operator's keys

    @Test(arguments: ["rsa:2048", "rsa:3072"]) func `an operator's pair signs`(kind: String) throws {
        let (key, certificate) = try openssl.pair([kind])
        try expectSigns(key, certificate)
    }

    @Test func `a key in PKCS#1 signs`() throws {
        let (_, certificate) = try openssl.pair(["rsa:2048"])
        let key = try openssl.run("rsa", "-in", openssl.path("operator.key"), "-traditional")
        #expect(key.hasPrefix("-----BEGIN RSA PRIVATE KEY-----"))
        try expectSigns(key, certificate)
    }

    @Test func `a certificate of the first version, without extensions, signs`() throws {
        let (key, _) = try openssl.pair(["rsa:2048"])
        let path = openssl.path("operator.key")
        try openssl.run("req", "-new", "-key", path, "-subj", "/O=Old/CN=one", "-out", openssl.path("request"))
        let certificate = try openssl.run("x509", "-req", "-in", openssl.path("request"), "-signkey", path, "-days", "2")
        try expectSigns(key, certificate)
    }

    @Test func `lines may end as on Windows, and other text may surround them`() throws {
        let (key, certificate) = try openssl.pair(["rsa:2048"])
        let described = try openssl.run("x509", "-in", openssl.path("operator.crt"), "-text")
        try expectSigns(windows(key), windows(certificate))
        try expectSigns("Bag Attributes\n    friendlyName: a\n\(key)", described)
    }

    @Test func `the first certificate of a chain counts, and one file may have all`() throws {
        let (_, other) = try openssl.pair(["rsa:2048"])
        let (key, certificate) = try openssl.pair(["rsa:2048"])
        try expectSigns(key, certificate + other)
        try expectSigns(certificate + key, certificate + key)
    }

    @Test func `a key may have the label of the other form, and lines of any length`() throws {
        let (key, certificate) = try openssl.pair(["rsa:2048"])
        try expectSigns(key.replacing(" PRIVATE KEY", with: " RSA PRIVATE KEY"), certificate)
        let lines = key.split(separator: "\n")
        for length in [76, 32] {
            var body = lines.dropFirst().dropLast().joined()
            var wrapped = ""
            while !body.isEmpty {
                wrapped += body.prefix(length) + "\n"
                body = String(body.dropFirst(length))
            }
            try expectSigns("\(lines[0])\n\(wrapped)\(lines[lines.count - 1])\n", certificate)
        }
    }

    private func windows(_ text: String) -> String { text.split(separator: "\n").map { "\($0)\r\n" }.joined() }

    private func expectSigns(_ key: String, _ certificate: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let signer = DocumentSigner(try SigningIdentity(privateKey: key, certificate: certificate))
        let signature = try signer.signature(of: Array("document".utf8))
        let signed = try signer.signedData(of: Array("document".utf8))
        #expect(
            try openssl.verifies(signature: signature, of: "document", by: certificate), sourceLocation: sourceLocation)
        #expect(
            try openssl.content(of: signed, beside: "document", by: certificate) == "document", sourceLocation: sourceLocation)
    }
}

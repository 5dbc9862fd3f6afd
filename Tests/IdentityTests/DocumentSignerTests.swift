import Foundation
import Identity
import Testing

struct DocumentSignerTests {
    /// One key for all tests, because making one takes a while.
    private static let identity = Result { try SigningIdentity(named: "virt-metadata instance identity", at: Date()) }

    private let document = "{\n  \"instanceId\" : \"i-0123456789abcdef0\",\n  \"region\" : \"rack 4, \u{fc}ber\"\n}"
    private let openssl: OpenSSL
    private let identity: SigningIdentity
    private let signer: DocumentSigner

    init() throws {
        openssl = try OpenSSL()
        identity = try Self.identity.get()
        signer = DocumentSigner(identity)
    }

    @Test func `openssl verifies the signature of the document, and of no other`() throws {
        let signature = try signer.signature(of: Array(document.utf8))
        let certificate = try identity.certificatePEM
        #expect(try openssl.verifies(signature: signature, of: document, by: certificate))
        #expect(try !openssl.verifies(signature: signature, of: document + " ", by: certificate))
        let forged = (signature.hasPrefix("A") ? "B" : "A") + signature.dropFirst()
        #expect(try !openssl.verifies(signature: forged, of: document, by: certificate))
    }

    @Test(arguments: ["", "\n", "line\r\nline\n", String(repeating: "0123456789", count: 2_000)])
    func `openssl reads the document out of signed data`(document: String) throws {
        let signed = try signer.signedData(of: Array(document.utf8))
        #expect(try openssl.content(of: signed, beside: nil, by: identity.certificatePEM) == document)
    }

    @Test func `openssl verifies signed data beside its document, and beside no other`() throws {
        let signed = try signer.signedData(of: Array(document.utf8))
        let certificate = try identity.certificatePEM
        #expect(try openssl.content(of: signed, beside: document, by: certificate) == document)
        #expect(try openssl.content(of: signed, beside: document, by: certificate, trusting: true) == document)
        #expect(try openssl.content(of: signed, beside: document + " ", by: certificate) == nil)
    }

    @Test func `openssl refuses signed data with another document or another signature in it`() throws {
        let certificate = try identity.certificatePEM
        var bytes = Array(
            try #require(Data(base64Encoded: signer.signedData(of: Array(document.utf8)), options: .ignoreUnknownCharacters)))
        let start = try #require(bytes.firstRange(of: Array("i-0123".utf8))).lowerBound
        for index in [start, bytes.count - 1] {
            bytes[index] ^= 1
            #expect(try openssl.content(of: lines(bytes), beside: nil, by: certificate) == nil)
            bytes[index] ^= 1
        }
        #expect(try openssl.content(of: lines(bytes), beside: nil, by: certificate) == document)
    }

    @Test func `the same document has the same signatures`() throws {
        let bytes = Array(document.utf8)
        let again = DocumentSigner(
            try SigningIdentity(privateKey: identity.privateKeyPEM, certificate: identity.certificatePEM))
        #expect(try signer.signature(of: bytes) == again.signature(of: bytes))
        #expect(try signer.signedData(of: bytes) == again.signedData(of: bytes))
    }

    @Test func `lines have 64 characters and none is empty`() throws {
        let bytes = Array(document.utf8)
        for text in [try signer.signature(of: bytes), try signer.signedData(of: bytes)] {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.dropLast().allSatisfy { $0.utf8.count == 64 })
            #expect((1...64).contains(try #require(lines.last).utf8.count))
            #expect(!text.contains("\r") && !text.contains("-"))
        }
    }

    private func lines(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    }
}

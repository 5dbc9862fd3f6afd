import Foundation
import Identity
import TestSupport

/// The program that verifies signatures, as a reader of EC2's documents would, in a directory that is removed with the test.
final class OpenSSL {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "virt-metadata-\(UUID())").path

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Writes a file, and returns its path.
    func file(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
        return path(name)
    }

    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path(name))), as: UTF8.self)
    }

    /// Runs openssl, which has to succeed.
    @discardableResult
    func run(_ arguments: String...) throws -> String {
        try Command.succeed(["openssl"] + arguments)
    }

    /// A key and its certificate, as an operator makes them.
    func pair(_ kind: [String]) throws -> (key: String, certificate: String) {
        try Command.succeed(
            ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=operator", "-newkey"] + kind
                + ["-keyout", path("operator.key"), "-out", path("operator.crt")])
        return (try text("operator.key"), try text("operator.crt"))
    }

    /// Whether openssl verifies a bare signature of the document by the certificate's key.
    func verifies(signature: String, of document: String, by certificate: String) throws -> Bool {
        let publicKey = try file(
            "public.pem", try run("x509", "-in", try file("certificate.pem", certificate), "-noout", "-pubkey"))
        try run("base64", "-d", "-in", try file("signature", signature), "-out", path("signature.bin"))
        return try Command.run([
            "openssl", "dgst", "-sha256", "-verify", publicKey, "-signature", path("signature.bin"),
            try file("document", document),
        ]).status == 0
    }

    /// The document in signed data, where openssl verifies it with the certificate; `nil` where it does not.
    ///
    /// - Parameters:
    ///   - document: The argument of `-content`, if any.
    ///   - trusting: Whether the certificate is verified too, as a trusted one.
    func content(of signedData: String, beside document: String?, by certificate: String, trusting: Bool = false) throws
        -> String?
    {
        let wrapped = try file("pkcs7.pem", "-----BEGIN PKCS7-----\n\(signedData)\n-----END PKCS7-----\n")
        let certificate = try file("certificate.pem", certificate)
        let content = try document.map { ["-content", try file("document", $0)] } ?? []
        let trust = trusting ? ["-CAfile", certificate] : ["-noverify"]
        let output = try Command.run(
            ["openssl", "smime", "-verify", "-in", wrapped, "-inform", "PEM", "-certfile", certificate] + content + trust)
        return output.status == 0 ? output.stdout : nil
    }
}

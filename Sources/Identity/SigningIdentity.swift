import Common
import Crypto
package import CryptoExtras
import SwiftASN1
package import X509

/// The signing key: an RSA key, and its certificate.
package struct SigningIdentity: Sendable {
    /// The fewest bits of an accepted key; shorter ones can be broken (NIST SP 800-131A).
    package static let leastBits = 2048

    package let key: _RSA.Signing.PrivateKey
    package let certificate: Certificate

    /// Reads a key and a certificate that belong together; of each PEM text (RFC 7468) the first fitting document counts, so that
    /// one file may hold both, and a chain may follow the certificate.
    ///
    /// - Parameters:
    ///   - privateKey: An RSA key in PKCS#8 or PKCS#1, without a password.
    ///   - certificate: The certificate of that key; its expiry is left to verifiers.
    package init(privateKey: String, certificate: String) throws(SigningIdentityError) {
        let key = try Self.key(in: privateKey)
        let certificate = try Self.certificate(in: certificate)
        guard certificate.publicKey == Certificate.PublicKey(key.publicKey) else {
            throw .needsNewPair(
                .foreignCertificate,
                "the certificate of '\(certificate.subject)' does not match the private key")
        }
        self.init(key: key, certificate: certificate)
    }

    package init(key: _RSA.Signing.PrivateKey, certificate: Certificate) {
        (self.key, self.certificate) = (key, certificate)
    }

    private static func key(in text: String) throws(SigningIdentityError) -> _RSA.Signing.PrivateKey {
        let document = try document(in: text, named: "private key", .noKey) { $0.hasSuffix("PRIVATE KEY") }
        guard document.discriminator != "ENCRYPTED PRIVATE KEY" else { throw encrypted }
        let key: _RSA.Signing.PrivateKey
        do {
            key = try _RSA.Signing.PrivateKey(unsafeDERRepresentation: document.derBytes)
        } catch CryptoKitError.incorrectParameterSize {
            throw .needsNewPair(.tooShort, "the RSA key has fewer than \(leastBits) bits")
        } catch {
            throw unreadable(document)
        }
        guard key.keySizeInBits >= leastBits else {
            throw .needsNewPair(.tooShort, "the RSA key has \(key.keySizeInBits) bits, fewer than \(leastBits)")
        }
        return key
    }

    private static func certificate(in text: String) throws(SigningIdentityError) -> Certificate {
        let document = try document(in: text, named: "certificate", .noCertificate) { $0 == Certificate.defaultPEMDiscriminator }
        do {
            return try Certificate(pemDocument: document)
        } catch {
            throw .needsNewPair(
                .noCertificate, "invalid certificate: expected one of an RSA key with at least \(leastBits) bits")
        }
    }

    /// The first PEM document of the wanted type.
    private static func document(
        in text: String, named name: String, _ code: SigningIdentityError.Code, where isWanted: (String) -> Bool
    ) throws(SigningIdentityError) -> PEMDocument {
        let documents: [PEMDocument]
        do {
            documents = try PEMDocument.parseMultiple(pemString: text)
        } catch {
            // The library's reason may quote the text, and with it a key; and it does not parse the older form of encryption as
            // PEM.
            guard !text.contains("Proc-Type: 4,ENCRYPTED") else { throw encrypted }
            throw .needsNewPair(code, "invalid PEM of the \(name)")
        }
        guard let document = documents.first(where: { isWanted($0.discriminator) }) else {
            throw .needsNewPair(code, "no \(name) in PEM found")
        }
        return document
    }

    private static let encrypted = SigningIdentityError(
        code: .encryptedKey,
        message: "the private key is encrypted; decrypt it: openssl pkey -in KEY -out NEW"
    )

    /// The error for a key that is not RSA: of another kind, or damaged.
    private static func unreadable(_ document: PEMDocument) -> SigningIdentityError {
        do {
            _ = try Certificate.PrivateKey(pemDocument: document)
        } catch let error as CertificateError where error.code == .unsupportedPrivateKey {
            return .needsNewPair(.otherKind, "the private key is not RSA")
        } catch {
            return .needsNewPair(.noKey, "invalid private key")
        }
        return .needsNewPair(.otherKind, "the private key is not RSA")
    }
}

import Common
import CryptoExtras
package import FoundationEssentials
import SwiftASN1
import X509

/// Creates a key and a certificate where the operator provides none.
extension SigningIdentity {
    /// How long before `now` a new certificate is valid, in seconds: the clock of a verifier may be a day behind.
    private static let earliness: TimeInterval = 86_400
    /// How long a new certificate is valid, in seconds: ten years, longer than a host serves.
    private static let lifetime: TimeInterval = 3652 * 86_400

    /// Creates a key of 2048 bits, which takes some tenths of a second, and a self-signed certificate.
    ///
    /// - Parameters:
    ///   - name: The common name of its subject and issuer.
    ///   - now: The current time.
    package init(named name: String, at now: Date) throws(SigningIdentityError) {
        do {
            let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
            self.init(key: key, certificate: try Self.certificate(of: key, named: name, at: now))
        } catch {
            throw .notMade("a key and its certificate", error)
        }
    }

    /// The private key in PEM, as PKCS#8; to be written to a file that only its owner can read.
    package var privateKeyPEM: String { key.pkcs8PEMRepresentation }

    /// The certificate in PEM, for verifiers; it ends with a newline.
    package var certificatePEM: String {
        get throws(SigningIdentityError) {
            do {
                return try certificate.serializeAsPEM().pemString + "\n"
            } catch {
                throw .notMade("the PEM of the certificate", error)
            }
        }
    }

    private static func certificate(of key: _RSA.Signing.PrivateKey, named name: String, at now: Date) throws -> Certificate {
        let publicKey = Certificate.PublicKey(key.publicKey)
        let subject = try DistinguishedName { CommonName(name) }
        return try Certificate(
            version: .v3,
            // Sixteen bytes: twenty with the highest bit set would be longer than RFC 5280, 4.1.2.2, allows.
            serialNumber: Certificate.SerialNumber(bytes: (0..<16).map { _ in UInt8.random(in: .min ... .max) }),
            publicKey: publicKey,
            notValidBefore: now - earliness,
            notValidAfter: now + lifetime,
            issuer: subject,
            subject: subject,
            signatureAlgorithm: .sha256WithRSAEncryption,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                SubjectKeyIdentifier(hash: publicKey)
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
    }
}

package import Crypto

/// The signing key: an RSA key, and its certificate.
package struct SigningIdentity: Sendable {
    /// The fewest bits of an accepted key; shorter ones can be broken (NIST SP 800-131A).
    package static let leastBits = 2048

    package let key: RSAPrivateKey
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
        guard certificate.belongs(to: key) else {
            let subject = try Self.made("the subject of the certificate") { () throws(CryptoError) in try certificate.subject }
            throw .needsNewPair(.foreignCertificate, "the certificate of '\(subject)' does not match the private key")
        }
        self.init(key: key, certificate: certificate)
    }

    package init(key: RSAPrivateKey, certificate: Certificate) {
        (self.key, self.certificate) = (key, certificate)
    }

    private static func key(in text: String) throws(SigningIdentityError) -> RSAPrivateKey {
        do throws(RSAPrivateKey.Problem) {
            return try RSAPrivateKey(pem: text, leastBits: leastBits)
        } catch {
            switch error {
            case .missing: throw .needsNewPair(.noKey, "no private key in PEM found")
            case .invalidPEM: throw .needsNewPair(.noKey, "invalid PEM of the private key")
            case .encrypted: throw encrypted
            case .otherKind: throw .needsNewPair(.otherKind, "the private key is not RSA")
            case .tooShort(let bits):
                throw .needsNewPair(.tooShort, "the RSA key has \(bits) bits, fewer than \(leastBits)")
            case .invalid: throw .needsNewPair(.noKey, "invalid private key")
            }
        }
    }

    private static func certificate(in text: String) throws(SigningIdentityError) -> Certificate {
        do throws(Certificate.Problem) {
            return try Certificate(pem: text, leastBits: leastBits)
        } catch {
            switch error {
            case .missing: throw .needsNewPair(.noCertificate, "no certificate in PEM found")
            case .invalidPEM: throw .needsNewPair(.noCertificate, "invalid PEM of the certificate")
            case .invalid:
                throw .needsNewPair(
                    .noCertificate, "invalid certificate: expected one of an RSA key with at least \(leastBits) bits")
            }
        }
    }

    private static let encrypted = SigningIdentityError(
        code: .encryptedKey,
        message: "the private key is encrypted; decrypt it: openssl pkey -in KEY -out NEW"
    )

    /// What an operation of the library makes.
    static func made<Item>(_ item: String, by make: () throws(CryptoError) -> Item) throws(SigningIdentityError) -> Item {
        do throws(CryptoError) {
            return try make()
        } catch {
            throw .notMade(item, error)
        }
    }
}

import Crypto
package import FoundationEssentials

/// Creates a key and a certificate where the operator provides none.
extension SigningIdentity {
    /// How long before `now` a new certificate is valid, in seconds: the clock of a verifier may be a day behind.
    private static let earliness = 86_400
    /// How long a new certificate is valid, in seconds: ten years, longer than a host serves.
    private static let lifetime = 3652 * 86_400

    /// Creates a key of 2048 bits, which takes some tenths of a second, and a self-signed certificate.
    ///
    /// - Parameters:
    ///   - name: The common name of its subject and issuer, of at most 64 characters.
    ///   - now: The current time.
    package init(named name: String, at now: Date) throws(SigningIdentityError) {
        let seconds = Int(now.timeIntervalSince1970)
        self = try Self.made("a key and its certificate") { () throws(CryptoError) in
            let key = try RSAPrivateKey(bits: Self.leastBits)
            let certificate = try Certificate(
                of: key, named: name, from: seconds - Self.earliness, to: seconds + Self.lifetime)
            return SigningIdentity(key: key, certificate: certificate)
        }
    }

    /// The private key in PEM, as PKCS#8; to be written to a file that only its owner can read. It ends with a newline.
    package var privateKeyPEM: String {
        get throws(SigningIdentityError) {
            try Self.made("the PEM of the private key") { () throws(CryptoError) in try key.pem }
        }
    }

    /// The certificate in PEM, for verifiers; it ends with a newline.
    package var certificatePEM: String {
        get throws(SigningIdentityError) {
            try Self.made("the PEM of the certificate") { () throws(CryptoError) in try certificate.pem }
        }
    }
}

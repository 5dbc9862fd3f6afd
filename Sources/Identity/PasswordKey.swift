import Crypto
import FoundationEssentials

/// An RSA key that decrypts a password that a guest encrypted for it, as cloudbase-init and Nova's own clients do: PKCS #1 v1.5
/// padding (RFC 8017 §7.2), in base64.
///
/// That padding reveals a key to an attacker who can have any number of messages decrypted and sees how each fails; here a person
/// decrypts one.
package struct PasswordKey {
    /// Why a key cannot be used, or does not decrypt a password; in English, without a final stop. It contains no part of a key.
    package struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// The problem and its remedy.
        package let description: String

        package init(_ description: String) {
            self.description = description
        }
    }

    /// The fewest bits of an accepted key: a guest has chosen it, not the server.
    private static let leastBits = 1024

    private let key: RSAPrivateKey

    /// Reads a key in PEM (RFC 7468), PKCS#8 or PKCS#1, without a password.
    package init(pem text: String) throws(Failure) {
        let advice = "convert a copy of it: ssh-keygen -p -m PEM -N \"\" -f COPY"
        guard !text.contains("-----BEGIN OPENSSH PRIVATE KEY-----") else {
            throw Failure("unsupported key format (OpenSSH): expected unencrypted PEM; \(advice)")
        }
        do throws(RSAPrivateKey.Problem) {
            key = try RSAPrivateKey(pem: text, leastBits: Self.leastBits)
        } catch {
            switch error {
            case .missing: throw Failure("no private key in PEM found")
            case .invalidPEM: throw Failure("invalid PEM")
            case .encrypted: throw Failure("the key is encrypted; \(advice)")
            case .otherKind, .tooShort, .invalid: throw Failure("invalid key: expected RSA with at least 1,024 bits")
            }
        }
    }

    /// Decrypts a password: the bytes as the guest encoded them.
    package func open(_ password: String) throws(Failure) -> [UInt8] {
        guard let message = Data(base64Encoded: password.filter { !$0.isWhitespace }) else {
            throw Failure("the password is not encrypted (invalid base64)")
        }
        do throws(CryptoError) {
            return try key.decrypt(Array(message))
        } catch {
            throw Failure("the password was not encrypted for this key")
        }
    }
}

import Crypto
import CryptoExtras
import FoundationEssentials
import SwiftASN1

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

    private let key: _RSA.Encryption.PrivateKey

    /// Reads a key in PEM (RFC 7468), PKCS#8 or PKCS#1, without a password.
    package init(pem text: String) throws(Failure) {
        let advice = "convert a copy of it: ssh-keygen -p -m PEM -N \"\" -f COPY"
        // Its lines are longer than those of PEM.
        guard !text.contains("-----BEGIN OPENSSH PRIVATE KEY-----") else {
            throw Failure("unsupported key format (OpenSSH): expected unencrypted PEM; \(advice)")
        }
        guard let documents = try? PEMDocument.parseMultiple(pemString: text) else {
            guard !text.contains("Proc-Type: 4,ENCRYPTED") else { throw Failure("the key is encrypted; \(advice)") }
            throw Failure("invalid PEM")
        }
        guard let document = documents.first(where: { $0.discriminator.hasSuffix("PRIVATE KEY") }) else {
            throw Failure("no private key in PEM found")
        }
        guard document.discriminator != "ENCRYPTED PRIVATE KEY" else { throw Failure("the key is encrypted; \(advice)") }
        guard let key = try? _RSA.Encryption.PrivateKey(unsafeDERRepresentation: document.derBytes) else {
            throw Failure("invalid key: expected RSA with at least 1,024 bits")
        }
        self.key = key
    }

    /// Decrypts a password: the bytes as the guest encoded them.
    package func open(_ password: String) throws(Failure) -> [UInt8] {
        guard let message = Data(base64Encoded: password.filter { !$0.isWhitespace }) else {
            throw Failure("the password is not encrypted (invalid base64)")
        }
        guard let opened = try? key.decrypt(message, padding: ._WEAK_AND_INSECURE_PKCS_V1_5) else {
            throw Failure("the password was not encrypted for this key")
        }
        return Array(opened)
    }
}

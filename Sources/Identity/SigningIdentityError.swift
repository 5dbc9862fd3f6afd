/// Why a key and a certificate cannot sign documents, and the remedy.
package struct SigningIdentityError: Error, Sendable, Equatable {
    /// The kind of a ``SigningIdentityError``.
    package struct Code: RawRepresentable, Sendable, Hashable {
        /// The name of this kind in logs.
        package let rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// There is no private key in PEM (RFC 7468), or it is damaged.
        package static let noKey = Code(rawValue: "no-key")
        /// The private key is encrypted with a password.
        package static let encryptedKey = Code(rawValue: "encrypted-key")
        /// The private key is of another kind than RSA.
        package static let otherKind = Code(rawValue: "other-kind")
        /// The key has fewer bits than ``SigningIdentity/leastBits``.
        package static let tooShort = Code(rawValue: "too-short")
        /// There is no certificate in PEM, or it is damaged.
        package static let noCertificate = Code(rawValue: "no-certificate")
        /// The certificate belongs to another key.
        package static let foreignCertificate = Code(rawValue: "foreign-certificate")
        /// A key, a certificate or a signature could not be made.
        package static let notMade = Code(rawValue: "not-made")
    }

    package let code: Code
    /// The problem and its remedy, in English, without a final stop; it contains no part of a key.
    package let message: String

    /// The command that makes a valid pair.
    private static let command = "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -keyout KEY -out CERTIFICATE"

    /// An error whose remedy is a new pair.
    static func needsNewPair(_ code: Code, _ message: String) -> SigningIdentityError {
        SigningIdentityError(code: code, message: "\(message); create a key and its certificate: \(command)")
    }

    /// An operation that a library failed, with its reason.
    static func notMade(_ item: String, _ reason: any Error) -> SigningIdentityError {
        SigningIdentityError(code: .notMade, message: "cannot create \(item): \(reason)")
    }
}

extension SigningIdentityError: CustomStringConvertible {
    package var description: String { message }
}

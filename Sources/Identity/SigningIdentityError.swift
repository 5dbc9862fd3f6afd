/// Why a key and a certificate cannot sign documents, and what to do about it.
public struct SigningIdentityError: Error, Sendable, Equatable {
    /// The kind of a ``SigningIdentityError``.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The word for this kind, as logs show it.
        public let rawValue: String

        /// Names a kind.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// There is no private key in PEM (RFC 7468), or it is damaged.
        public static let noKey = Code(rawValue: "no-key")
        /// The private key is encrypted with a password.
        public static let encryptedKey = Code(rawValue: "encrypted-key")
        /// The private key is of another kind than RSA.
        public static let otherKind = Code(rawValue: "other-kind")
        /// The key has fewer bits than ``SigningIdentity/leastBits``.
        public static let tooShort = Code(rawValue: "too-short")
        /// There is no certificate in PEM, or it is damaged.
        public static let noCertificate = Code(rawValue: "no-certificate")
        /// The certificate belongs to another key.
        public static let foreignCertificate = Code(rawValue: "foreign-certificate")
        /// A key, a certificate or a signature could not be made.
        public static let notMade = Code(rawValue: "not-made")
    }

    /// What kind of failure it is.
    public let code: Code
    /// What is wrong and what would mend it, in English, without a final stop; nothing of a key is in it.
    public let message: String

    /// The command that makes a pair that is taken.
    private static let command = "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -keyout KEY -out CERTIFICATE"

    /// A failure that ends with a new pair.
    static func needsNewPair(_ code: Code, _ message: String) -> SigningIdentityError {
        SigningIdentityError(code: code, message: "\(message); make a key with its certificate by '\(command)'")
    }

    /// What the libraries did not do, with their reason.
    static func notMade(_ what: String, _ reason: any Error) -> SigningIdentityError {
        SigningIdentityError(code: .notMade, message: "\(what) could not be made: \(reason)")
    }
}

extension SigningIdentityError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}

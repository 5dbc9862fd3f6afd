import Crypto
import FoundationEssentials

/// The signatures of a document, in the forms in which EC2 serves them beside it (`dynamic/instance-identity/`).
///
/// The same document always has the same signatures: they contain nothing random and no time.
/// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-iid.html
package struct DocumentSigner: Sendable {
    private let identity: SigningIdentity

    package init(_ identity: SigningIdentity) {
        self.identity = identity
    }

    /// The path `signature`: the bare RSA signature (RSASSA-PKCS1-v1_5 of RFC 8017, with SHA-256), in base64.
    ///
    /// `base64 -d SIGNATURE | openssl dgst -sha256 -verify PUBLIC-KEY -signature /dev/stdin DOCUMENT` verifies it.
    /// - Throws: `.notMade`, where the library has no memory for it.
    package func signature(of document: [UInt8]) throws(SigningIdentityError) -> String {
        try Self.lines("a signature") { () throws(CryptoError) in try identity.key.signature(of: document) }
    }

    /// The paths `pkcs7` and `rsa2048`: the document with its signature and the certificate as SignedData (RFC 5652), in base64
    /// without the lines that begin and end PEM.
    ///
    /// Both paths are the same here. AWS signs `pkcs7` with a DSA key, which FIPS 186-5 no longer allows to generate. Between
    /// `-----BEGIN PKCS7-----` and `-----END PKCS7-----` on lines of their own, `openssl smime -verify -in FILE -inform PEM
    /// -certfile CERTIFICATE -noverify` verifies it, with or without `-content DOCUMENT`.
    /// - Throws: `.notMade`, where the library has no memory for it.
    package func signedData(of document: [UInt8]) throws(SigningIdentityError) -> String {
        try Self.lines("signed data") { () throws(CryptoError) in
            try identity.key.signedData(of: document, certificate: identity.certificate)
        }
    }

    /// Base64 in lines of 64 characters, as AWS wraps it, without a newline at the end.
    private static func lines(_ item: String, _ sign: () throws(CryptoError) -> [UInt8]) throws(SigningIdentityError) -> String {
        Data(try SigningIdentity.made(item, by: sign))
            .base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    }
}

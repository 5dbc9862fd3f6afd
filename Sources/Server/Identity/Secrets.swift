import Common
import FoundationEssentials
import Identity
import Logging

/// The secrets of a server, each in a file: the key of session tokens, and the key and certificate that documents are signed with.
struct Secrets {
    /// Where they are, as the configuration says.
    struct Places: Sendable, Equatable {
        /// Where secrets are kept whose files nobody names.
        var directory: String?
        /// The key of session tokens, base64 of 32 bytes.
        var tokenKey: String?
        /// The key and the certificate that identity documents are signed with, both as PEM; `none` where nothing is signed.
        var identityKey: String?
        /// What Neutron's metadata agents sign by, where they may ask.
        var neutronSecret: String?

        static let defaultDirectory = "/var/lib/virt-metadata"
        private static let (usualTokenKey, usualIdentity) = ("token.key", "identity.pem")
        /// What the files in the directory are called.
        static let usualNames: Set = [usualTokenKey, usualIdentity]
        static let noIdentity = "none"

        fileprivate var tokenKeyFile: String { tokenKey ?? "\(directory ?? Self.defaultDirectory)/\(Self.usualTokenKey)" }
        fileprivate var identityFile: String? {
            identityKey == Self.noIdentity ? nil : identityKey ?? "\(directory ?? Self.defaultDirectory)/\(Self.usualIdentity)"
        }
        /// Whether the operator named no place at all, so that it may be one that this user cannot have.
        fileprivate func isDefault(_ file: String?) -> Bool { file == nil && directory == nil }
    }

    let tokens: TokenAuthority
    let seal: DocumentSeal?
    let agent: NeutronAgent?

    /// Reads them; makes those that are not there.
    ///
    /// Where the operator named no place and this user cannot have the usual one, tokens get a key that ends with the process, and
    /// nothing is signed.
    /// - Throws: `ConfigurationError`.
    init(_ places: Places, logger: Logger) throws(ConfigurationError) {
        tokens = try Self.tokens(places, logger)
        seal = try Self.identity(places, logger).map(Self.seal)
        agent = try places.neutronSecret.map { path throws(ConfigurationError) in try Self.agent(path) }
    }

    /// The seal of the identity that is there; none is made.
    /// - Throws: `ConfigurationError`.
    static func existingSeal(_ places: Places) throws(ConfigurationError) -> DocumentSeal? {
        try existingIdentity(places).map(seal)
    }

    /// The identity that is there; none is made.
    /// - Throws: `ConfigurationError`.
    static func existingIdentity(_ places: Places) throws(ConfigurationError) -> SigningIdentity? {
        guard let path = places.identityFile else { return nil }
        do throws(SecretFile.Failure) {
            guard let bytes = try SecretFile.contents(at: path) else { return nil }
            return try identity(bytes, in: path)
        } catch {
            // What this user may not see is not for this user to show.
            if places.isDefault(places.identityKey), case .unreadable = error { return nil }
            throw ConfigurationError(place: "--identity-key", problem: "\(error)")
        }
    }

    // MARK: Tokens

    private static func tokens(_ places: Places, _ logger: Logger) throws(ConfigurationError) -> TokenAuthority {
        let path = places.tokenKeyFile
        let fresh = Entropy.system.bytes(TokenAuthority.keyBytes)
        do throws(SecretFile.Failure) {
            let bytes = try SecretFile.contents(at: path) { Array("\(Data(fresh).base64EncodedString())\n".utf8) }
            return try authority(bytes, in: path)
        } catch {
            guard places.isDefault(places.tokenKey), error.isOfPlace, let authority = TokenAuthority(key: fresh) else {
                throw ConfigurationError(place: "--token-key", problem: "\(error)")
            }
            logger.warning(
                "session tokens will not outlive this process: their key cannot be kept; --state-directory names another place",
                metadata: ["reason": "\(error)"])
            return authority
        }
    }

    private static func authority(_ bytes: [UInt8], in path: String) throws(SecretFile.Failure) -> TokenAuthority {
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard let key = Data(base64Encoded: text), let authority = TokenAuthority(key: Array(key)) else {
            throw .unusable(
                path: path, "is no key: write base64 of 32 random bytes, by 'openssl rand -base64 32 > \(path)'")
        }
        return authority
    }

    // MARK: Neutron

    private static func agent(_ path: String) throws(ConfigurationError) -> NeutronAgent {
        let place = "--neutron-secret"
        let bytes: [UInt8]?
        do throws(SecretFile.Failure) {
            bytes = try SecretFile.contents(at: path)
        } catch {
            throw ConfigurationError(place: place, problem: "\(error)")
        }
        guard let bytes else {
            let advice = "write what Nova and Neutron have as metadata_proxy_shared_secret into it"
            throw ConfigurationError(place: place, problem: "\(path): is not there; \(advice)")
        }
        let secret = bytes.trimmingLineEnd()
        guard let signature = InstanceSignature(secret: secret) else {
            throw ConfigurationError(place: place, problem: "\(path): is empty, and anybody could sign by an empty secret")
        }
        return NeutronAgent(signature: signature)
    }

    // MARK: Signatures

    private static func identity(_ places: Places, _ logger: Logger) throws(ConfigurationError) -> SigningIdentity? {
        guard let path = places.identityFile else { return nil }
        do throws(SecretFile.Failure) {
            let bytes = try SecretFile.contents(at: path) {
                let made = try SigningIdentity(named: "virt-metadata instance identity", at: .now)
                return try Array((made.privateKeyPEM + "\n" + made.certificatePEM + "\n").utf8)
            }
            return try identity(bytes, in: path)
        } catch {
            guard places.isDefault(places.identityKey), error.isOfPlace else {
                throw ConfigurationError(place: "--identity-key", problem: "\(error)")
            }
            logger.warning(
                "identity documents are not signed: a key cannot be kept; --state-directory names another place",
                metadata: ["reason": "\(error)"])
            return nil
        }
    }

    private static func identity(_ bytes: [UInt8], in path: String) throws(SecretFile.Failure) -> SigningIdentity {
        let text = String(decoding: bytes, as: UTF8.self)
        do {
            return try SigningIdentity(privateKey: text, certificate: text)
        } catch {
            throw .unusable(path: path, "\(error)")
        }
    }

    private static func seal(_ identity: SigningIdentity) -> DocumentSeal {
        let signer = DocumentSigner(identity)
        let (signatures, signed) = (OncePerDocument(signer.signature), OncePerDocument(signer.signedData))
        return DocumentSeal(signature: signatures.text, signedDocument: signed.text)
    }
}

extension [UInt8] {
    /// Without the line breaks at the end that an editor puts there.
    fileprivate func trimmingLineEnd() -> [UInt8] {
        lastIndex { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }.map { Array(self[...$0]) } ?? []
    }
}

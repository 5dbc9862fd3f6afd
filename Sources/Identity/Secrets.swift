package import Common
import FoundationEssentials
package import Logging

/// The secrets of a server, each in a file: the key of session tokens, and the key and certificate that documents are signed
/// with.
package struct Secrets {
    /// The locations that the configuration sets.
    package struct Locations: Sendable, Equatable {
        /// The directory of secrets whose files are not set.
        package var directory = Self.defaultDirectory
        /// The key of session tokens, base64 of 32 bytes.
        package var tokenKey: String?
        /// The key and the certificate that identity documents are signed with, both as PEM; `none` where nothing is signed.
        package var identityKey: String?
        /// The secret of Neutron's metadata agents, where they are enabled.
        package var neutronSecret: String?

        package static let defaultDirectory = "/var/lib/virt-metadata"
        private static let (usualTokenKey, usualIdentity) = ("token.key", "identity.pem")
        /// The file names in the directory.
        package static let usualNames: Set = [usualTokenKey, usualIdentity]
        package static let noIdentity = "none"

        package init() {}

        fileprivate var tokenKeyFile: String { tokenKey ?? "\(directory)/\(Self.usualTokenKey)" }
        fileprivate var identityFile: String? {
            identityKey == Self.noIdentity ? nil : identityKey ?? "\(directory)/\(Self.usualIdentity)"
        }
        /// Whether the operator set no location at all, so that this user may have no access to it.
        fileprivate func isDefault(_ file: String?) -> Bool { file == nil && directory == Self.defaultDirectory }
    }

    package let tokens: TokenAuthority
    /// The signer of documents; `nil` where nothing is signed.
    package let signer: DocumentSigner?
    /// Verifies the signatures of Neutron's metadata agents; `nil` where none is enabled.
    package let agentSignature: InstanceSignature?

    /// Reads the secrets; creates those of the directory that do not exist. A file that the operator names must exist: a new key would
    /// differ from that of the other hosts.
    ///
    /// Where the operator set no location and this user has no access to the default one, tokens get a key that ends with the
    /// process, and nothing is signed.
    ///
    /// - Throws: `SecretError`.
    package init(_ locations: Locations, logger: Logger) throws(SecretError) {
        tokens = try Self.tokens(locations, logger)
        signer = try Self.identity(locations, logger).map(DocumentSigner.init)
        agentSignature = try locations.neutronSecret.map { path throws(SecretError) in try Self.agent(path) }
    }

    /// A seal by the existing signing key, which signs on each call; no key is created.
    ///
    /// - Throws: `SecretError`.
    package static func existingSeal(_ locations: Locations) throws(SecretError) -> DocumentSeal? {
        try existingIdentity(locations).map { identity in
            let signer = DocumentSigner(identity)
            return DocumentSeal { document, _ throws(Unsigned) in
                try signing { () throws(SigningIdentityError) in try signer.signature(of: document) }
            } signedDocument: { document, _ throws(Unsigned) in
                try signing { () throws(SigningIdentityError) in try signer.signedData(of: document) }
            }
        }
    }

    private static func signing(_ make: () throws(SigningIdentityError) -> String) throws(Unsigned) -> String {
        do throws(SigningIdentityError) {
            return try make()
        } catch {
            throw .failed("\(error)")
        }
    }

    /// The existing signing key and its certificate; none is created.
    ///
    /// - Throws: `SecretError`.
    package static func existingIdentity(_ locations: Locations) throws(SecretError) -> SigningIdentity? {
        guard let path = locations.identityFile else { return nil }
        do throws(SecretFile.Failure) {
            guard let bytes = try SecretFile.contents(at: path) else {
                guard locations.identityKey == nil else { throw .missing(path: path, SigningIdentity.creation(of: path)) }
                return nil
            }
            return try identity(bytes, in: path)
        } catch {
            // A key that this user may not read is not shown to this user.
            if locations.isDefault(locations.identityKey), case .unreadable = error { return nil }
            throw SecretError("--identity-key", error)
        }
    }

    /// What is wrong with the files that the operator names; none is created.
    package static func problems(_ locations: Locations) -> [SecretError] {
        var problems: [SecretError] = []
        do throws(SecretError) {
            if let path = locations.neutronSecret { _ = try agent(path) }
        } catch {
            problems.append(error)
        }
        do throws(SecretFile.Failure) {
            if let path = locations.tokenKey { _ = try authority(existingTokenKey(path), in: path) }
        } catch {
            problems.append(SecretError("--token-key", error))
        }
        do throws(SecretError) {
            if locations.identityKey != nil { _ = try existingIdentity(locations) }
        } catch {
            problems.append(error)
        }
        return problems
    }

    // MARK: Tokens

    private static func tokens(_ locations: Locations, _ logger: Logger) throws(SecretError) -> TokenAuthority {
        let path = locations.tokenKeyFile
        let fresh = Entropy.system.bytes(TokenAuthority.keyBytes)
        do throws(SecretFile.Failure) {
            if let named = locations.tokenKey { return try authority(existingTokenKey(named), in: named) }
            let bytes = try SecretFile.contents(at: path) { Array("\(Data(fresh).base64EncodedString())\n".utf8) }
            return try authority(bytes, in: path)
        } catch {
            guard locations.isDefault(locations.tokenKey), error.dependsOnLocation, let authority = TokenAuthority(key: fresh)
            else {
                throw SecretError("--token-key", error)
            }
            logger.warning(
                "cannot keep the key of session tokens; tokens become invalid when the server stops",
                metadata: ["error": "\(error)", "setting": "state-directory"])
            return authority
        }
    }

    private static func existingTokenKey(_ path: String) throws(SecretFile.Failure) -> [UInt8] {
        guard let bytes = try SecretFile.contents(at: path) else {
            throw .missing(path: path, "(umask 077; openssl rand -base64 32 > \(path)), or copy it from another host")
        }
        return bytes
    }

    private static func authority(_ bytes: [UInt8], in path: String) throws(SecretFile.Failure) -> TokenAuthority {
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard let key = Data(base64Encoded: text), let authority = TokenAuthority(key: Array(key)) else {
            throw .unusable(
                path: path, "invalid key: expected base64 of 32 bytes; create it: openssl rand -base64 32 > \(path)")
        }
        return authority
    }

    // MARK: Neutron

    private static func agent(_ path: String) throws(SecretError) -> InstanceSignature {
        let setting = "--neutron-secret"
        let bytes: [UInt8]?
        do throws(SecretFile.Failure) {
            bytes = try SecretFile.contents(at: path)
        } catch {
            throw SecretError(setting, error)
        }
        guard let bytes else {
            let advice = "write the value of metadata_proxy_shared_secret of Nova and Neutron into it"
            throw SecretError(setting: setting, problem: "\(path): no such file; \(advice)")
        }
        let secret = bytes.trimmingLineEnd()
        guard let signature = InstanceSignature(secret: secret) else {
            throw SecretError(setting: setting, problem: "\(path): the file is empty: expected a secret")
        }
        return signature
    }

    // MARK: Signatures

    private static func identity(_ locations: Locations, _ logger: Logger) throws(SecretError) -> SigningIdentity? {
        guard let path = locations.identityFile else { return nil }
        guard locations.identityKey == nil else { return try existingIdentity(locations) }
        do throws(SecretFile.Failure) {
            let bytes = try SecretFile.contents(at: path) {
                let made = try SigningIdentity(named: "virt-metadata instance identity", at: .now)
                return try Array((made.privateKeyPEM + "\n" + made.certificatePEM + "\n").utf8)
            }
            return try identity(bytes, in: path)
        } catch {
            guard locations.isDefault(locations.identityKey), error.dependsOnLocation else {
                throw SecretError("--identity-key", error)
            }
            logger.warning(
                "cannot keep a signing key; identity documents are not signed",
                metadata: ["error": "\(error)", "setting": "state-directory"])
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
}

/// A secret that cannot be used.
package struct SecretError: Error, CustomStringConvertible {
    /// The setting that names its file, such as `--token-key`.
    package let setting: String
    package let problem: String
    /// Whether this user may not read the file, so that only another user can tell what it holds.
    package let isDenied: Bool

    fileprivate init(setting: String, problem: String) {
        (self.setting, self.problem, isDenied) = (setting, problem, false)
    }

    fileprivate init(_ setting: String, _ failure: SecretFile.Failure) {
        (self.setting, problem, isDenied) = (setting, "\(failure)", failure.isDenied)
    }

    package var description: String { "\(setting): \(problem)" }
}

extension SigningIdentity {
    /// The command that creates a file with a key and its certificate, and what else makes one.
    fileprivate static func creation(of path: String) -> String {
        "(umask 077; openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=virt-metadata -keyout \(path) -out \(path)), "
            + "or copy it from another host"
    }
}

extension [UInt8] {
    /// Without the line breaks at the end that an editor adds.
    fileprivate func trimmingLineEnd() -> [UInt8] {
        lastIndex { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }.map { Array(self[...$0]) } ?? []
    }
}

internal import CCrypto

/// A private key of RSA (RFC 8017).
@safe package final class RSAPrivateKey: @unchecked Sendable {
    // Safe: the key does not change, and several threads may use one (openssl-threads(7)). `deinit` frees it.
    /// Why a text has no usable key.
    package enum Problem: Error, Equatable {
        /// There is no private key in it.
        case missing
        /// A document before the private key, or its own, is no valid PEM.
        case invalidPEM
        /// It is encrypted with a password.
        case encrypted
        /// It is of another kind than RSA.
        case otherKind
        /// It has only so many bits.
        case tooShort(bits: Int)
        /// It is damaged.
        case invalid
    }

    let key: OpaquePointer

    /// Reads the first private key of a PEM text (RFC 7468), in PKCS#8 or PKCS#1, and checks it, which takes 40 ms for 2048 bits.
    ///
    /// - Parameter leastBits: The fewest bits of a usable key.
    package init(pem text: String, leastBits: Int) throws(Problem) {
        unsafe key = try Library.use { () throws(Problem) in
            let key = try unsafe Self.key(in: text)
            do throws(Problem) {
                try unsafe Self.check(key, leastBits)
            } catch {
                unsafe EVP_PKEY_free(key)
                throw error
            }
            return unsafe key
        }
    }

    /// Makes a key, which takes some tenths of a second for 2048 bits.
    package init(bits: Int) throws(CryptoError) {
        unsafe key = try Library.use { () throws(CryptoError) in
            guard let key = unsafe vm_crypto_make_rsa_key(bits) else { throw CryptoError("EVP_PKEY_Q_keygen") }
            return unsafe key
        }
    }

    deinit {
        Library.use { unsafe EVP_PKEY_free(key) }
    }

    /// The key in PEM, as PKCS#8 without a password; it ends with a newline.
    package var pem: String {
        get throws(CryptoError) {
            try Library.use { () throws(CryptoError) in
                let bio = try unsafe Library.memory()
                defer { unsafe BIO_free_all(bio) }
                guard unsafe PEM_write_bio_PKCS8PrivateKey(bio, key, nil, nil, 0, nil, nil) == 1 else {
                    throw CryptoError("PEM_write_bio_PKCS8PrivateKey")
                }
                return unsafe String(decoding: Library.bytes(in: bio), as: UTF8.self)
            }
        }
    }

    // MARK: Reading

    private static func key(in text: String) throws(Problem) -> OpaquePointer {
        let document: PEMDocument
        do throws(PEMDocument.Failure) {
            document = try PEMDocument.first(in: text) { $0.hasSuffix("PRIVATE KEY") }
        } catch {
            throw error == .missing ? .missing : .invalidPEM
        }
        guard !document.isEncrypted else { throw .encrypted }
        guard document.label != "EC PRIVATE KEY", document.label != "DSA PRIVATE KEY" else { throw .otherKind }
        guard let wrapped = unsafe document.decoded(by: { unsafe d2i_PKCS8_PRIV_KEY_INFO(nil, $0, $1) }) else {
            guard let key = unsafe document.decoded(by: { unsafe d2i_PrivateKey(EVP_PKEY_RSA, nil, $0, $1) }) else {
                throw .invalid
            }
            return unsafe key
        }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(wrapped) }
        var kind: OpaquePointer?
        guard unsafe PKCS8_pkey_get0(&kind, nil, nil, nil, wrapped) == 1 else { throw .invalid }
        guard unsafe OBJ_obj2nid(kind) == NID_rsaEncryption else { throw .otherKind }
        guard let key = unsafe EVP_PKCS82PKEY(wrapped) else { throw .invalid }
        return unsafe key
    }

    /// Whether the numbers of a key belong together: with other primes libcrypto still signs, only slowly.
    private static func check(_ key: OpaquePointer, _ leastBits: Int) throws(Problem) {
        guard unsafe EVP_PKEY_is_a(key, "RSA") == 1 else { throw .otherKind }
        let bits = Int(unsafe EVP_PKEY_get_bits(key))
        guard bits >= leastBits else { throw .tooShort(bits: bits) }
        guard let context = unsafe EVP_PKEY_CTX_new(key, nil) else { throw .invalid }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        guard unsafe EVP_PKEY_check(context) == 1 else { throw .invalid }
    }
}

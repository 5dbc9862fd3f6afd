internal import CCrypto

/// An X.509 certificate (RFC 5280).
@safe package final class Certificate: @unchecked Sendable {
    // Safe: the certificate does not change, and several threads may use one (openssl-threads(7)). `deinit` frees it.
    /// Why a text has no usable certificate.
    package enum Problem: Error, Equatable {
        /// There is none in it.
        case missing
        /// A document before the certificate, or its own, is no valid PEM.
        case invalidPEM
        /// It is damaged, its key is of an unknown kind, or of RSA with too few bits.
        case invalid
    }

    let certificate: OpaquePointer

    /// Reads the first certificate of a PEM text (RFC 7468).
    ///
    /// - Parameter leastBits: The fewest bits of a usable RSA key.
    package init(pem text: String, leastBits: Int) throws(Problem) {
        unsafe certificate = try Library.use { () throws(Problem) in
            let document: PEMDocument
            do throws(PEMDocument.Failure) {
                document = try PEMDocument.first(in: text) { $0 == "CERTIFICATE" }
            } catch {
                throw error == .missing ? .missing : .invalidPEM
            }
            guard let certificate = unsafe document.decoded(by: { unsafe d2i_X509(nil, $0, $1) }) else { throw .invalid }
            guard let key = unsafe X509_get0_pubkey(certificate),
                unsafe EVP_PKEY_is_a(key, "RSA") != 1 || EVP_PKEY_get_bits(key) >= leastBits
            else {
                unsafe X509_free(certificate)
                throw .invalid
            }
            return unsafe certificate
        }
    }

    /// Takes over a certificate of libcrypto's.
    init(owning certificate: OpaquePointer) {
        unsafe self.certificate = unsafe certificate
    }

    deinit {
        Library.use { unsafe X509_free(certificate) }
    }

    /// Whether it is a certificate of that key.
    package func belongs(to key: RSAPrivateKey) -> Bool {
        Library.use { unsafe X509_check_private_key(certificate, key.key) == 1 }
    }

    /// The name of its subject, as RFC 2253 writes it.
    package var subject: String {
        get throws(CryptoError) {
            try Library.use { () throws(CryptoError) in
                let bio = try unsafe Library.memory()
                defer { unsafe BIO_free_all(bio) }
                guard unsafe vm_crypto_print_name(bio, X509_get_subject_name(certificate)) >= 0 else {
                    throw CryptoError("X509_NAME_print_ex")
                }
                return unsafe String(decoding: Library.bytes(in: bio), as: UTF8.self)
            }
        }
    }

    /// The certificate in PEM; it ends with a newline.
    package var pem: String {
        get throws(CryptoError) {
            try Library.use { () throws(CryptoError) in
                let bio = try unsafe Library.memory()
                defer { unsafe BIO_free_all(bio) }
                guard unsafe PEM_write_bio_X509(bio, certificate) == 1 else { throw CryptoError("PEM_write_bio_X509") }
                return unsafe String(decoding: Library.bytes(in: bio), as: UTF8.self)
            }
        }
    }
}

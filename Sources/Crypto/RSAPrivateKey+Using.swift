internal import CCrypto

extension RSAPrivateKey {
    /// The signature of a document: RSASSA-PKCS1-v1_5 (RFC 8017 §8.2) with SHA-256, which has nothing random in it.
    package func signature(of document: [UInt8]) throws(CryptoError) -> [UInt8] {
        try Library.use { () throws(CryptoError) in
            guard let context = unsafe EVP_MD_CTX_new() else { throw CryptoError("EVP_MD_CTX_new") }
            defer { unsafe EVP_MD_CTX_free(context) }
            guard unsafe EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1 else {
                throw CryptoError("EVP_DigestSignInit")
            }
            var signature = unsafe [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(key)))
            var count = signature.count
            guard unsafe EVP_DigestSign(context, &signature, &count, document, document.count) == 1 else {
                throw CryptoError("EVP_DigestSign")
            }
            return Array(signature[..<count])
        }
    }

    /// The document with its signature and a certificate of this key as SignedData (RFC 5652), in DER.
    ///
    /// It has no attributes, and so no time: the signature is that of the document itself.
    package func signedData(of document: [UInt8], certificate: Certificate) throws(CryptoError) -> [UInt8] {
        try Library.use { () throws(CryptoError) in
            let content = try unsafe Library.memory(document)
            defer { unsafe BIO_free_all(content) }
            // Binary: line ends are part of the document. Partial: the signer is not known yet.
            let flags = UInt32(CMS_BINARY | CMS_NOATTR | CMS_PARTIAL)
            guard let signed = unsafe CMS_sign(nil, nil, nil, nil, flags) else { throw CryptoError("CMS_sign") }
            defer { unsafe CMS_ContentInfo_free(signed) }
            guard let signer = unsafe CMS_add1_signer(signed, certificate.certificate, key, EVP_sha256(), flags) else {
                throw CryptoError("CMS_add1_signer")
            }
            guard unsafe CMS_final(signed, content, nil, flags) == 1 else { throw CryptoError("CMS_final") }
            try unsafe Self.name(signer)
            var bytes: UnsafeMutablePointer<UInt8>?
            let count = unsafe i2d_CMS_ContentInfo(signed, &bytes)
            defer { unsafe vm_crypto_free(bytes) }
            guard count > 0 else { throw CryptoError("i2d_CMS_ContentInfo") }
            // Safe: libcrypto allocated so many bytes, and they are copied.
            return unsafe Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
        }
    }

    /// Names the algorithm of a signature together with its hash, as RFC 5754 §3.2 allows and earlier versions of this program did,
    /// so that a document keeps its bytes; libcrypto names the key's algorithm alone.
    private static func name(_ signer: OpaquePointer) throws(CryptoError) {
        var algorithm: UnsafeMutablePointer<X509_ALGOR>?
        unsafe CMS_SignerInfo_get0_algs(signer, nil, nil, nil, &algorithm)
        guard unsafe X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_NULL, nil) == 1 else {
            throw CryptoError("X509_ALGOR_set0")
        }
    }

    /// Decrypts a message that was encrypted for this key with PKCS #1 v1.5 padding (RFC 8017 §7.2).
    ///
    /// - Throws: where the padding is wrong, as that of another key's message is. So an attacker must not be able to have many
    ///   messages decrypted.
    package func decrypt(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        try Library.use { () throws(CryptoError) in
            guard let context = unsafe EVP_PKEY_CTX_new(key, nil) else { throw CryptoError("EVP_PKEY_CTX_new") }
            defer { unsafe EVP_PKEY_CTX_free(context) }
            guard unsafe EVP_PKEY_decrypt_init(context) == 1 else { throw CryptoError("EVP_PKEY_decrypt_init") }
            guard unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 else {
                throw CryptoError("EVP_PKEY_CTX_set_rsa_padding")
            }
            guard unsafe vm_crypto_set_implicit_rejection(context, 0) == 1 else { throw CryptoError("EVP_PKEY_CTX_set_params") }
            var opened = unsafe [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(key)))
            var count = opened.count
            guard unsafe EVP_PKEY_decrypt(context, &opened, &count, message, message.count) == 1 else {
                throw CryptoError("EVP_PKEY_decrypt")
            }
            return Array(opened[..<count])
        }
    }
}

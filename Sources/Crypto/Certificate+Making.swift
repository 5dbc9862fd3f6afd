internal import CCrypto

extension Certificate {
    /// Makes a certificate of version 3 that a key signs for itself: not of an authority, for digital signatures only.
    ///
    /// - Parameters:
    ///   - name: The common name of subject and issuer, of at most 64 characters.
    ///   - begin: The beginning of its validity, in seconds since 1970.
    ///   - end: The end of its validity, in seconds since 1970.
    package convenience init(of key: RSAPrivateKey, named name: String, from begin: Int, to end: Int) throws(CryptoError) {
        let certificate = try unsafe Library.use { () throws(CryptoError) in
            guard let made = unsafe X509_new() else { throw CryptoError("X509_new") }
            do throws(CryptoError) {
                try unsafe Self.fill(made, name, begin, end)
                guard unsafe X509_set_pubkey(made, key.key) == 1 else { throw CryptoError("X509_set_pubkey") }
                // Its extensions contain a hash of the key.
                try unsafe Self.extend(made, NID_basic_constraints, "critical,CA:FALSE")
                try unsafe Self.extend(made, NID_key_usage, "critical,digitalSignature")
                try unsafe Self.extend(made, NID_subject_key_identifier, "hash")
                guard unsafe X509_sign(made, key.key, EVP_sha256()) > 0 else { throw CryptoError("X509_sign") }
            } catch {
                unsafe X509_free(made)
                throw error
            }
            return unsafe made
        }
        unsafe self.init(owning: certificate)
    }

    private static func fill(_ made: OpaquePointer, _ name: String, _ begin: Int, _ end: Int) throws(CryptoError) {
        guard unsafe X509_set_version(made, Int(X509_VERSION_3)) == 1 else { throw CryptoError("X509_set_version") }
        // Sixteen bytes: twenty with the highest bit set would be longer than RFC 5280, 4.1.2.2, allows.
        guard let number = unsafe BN_new() else { throw CryptoError("BN_new") }
        defer { unsafe BN_free(number) }
        guard unsafe BN_rand(number, 128, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1,
            unsafe BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made)) != nil
        else { throw CryptoError("BN_rand") }
        guard unsafe ASN1_TIME_set(X509_getm_notBefore(made), begin) != nil,
            unsafe ASN1_TIME_set(X509_getm_notAfter(made), end) != nil
        else { throw CryptoError("ASN1_TIME_set") }
        let subject = unsafe X509_get_subject_name(made)
        let text = Array(name.utf8)
        guard unsafe X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, text, Int32(text.count), -1, 0) == 1,
            unsafe X509_set_issuer_name(made, subject) == 1
        else { throw CryptoError("X509_NAME_add_entry_by_NID") }
    }

    /// Adds an extension, in the words of x509v3_config(5).
    private static func extend(_ made: OpaquePointer, _ kind: Int32, _ value: String) throws(CryptoError) {
        var context = unsafe X509V3_CTX()
        unsafe X509V3_set_ctx(&context, made, made, nil, nil, 0)
        guard let part = unsafe X509V3_EXT_conf_nid(nil, &context, kind, value) else { throw CryptoError("X509V3_EXT_conf_nid") }
        defer { unsafe X509_EXTENSION_free(part) }
        guard unsafe X509_add_ext(made, part, -1) == 1 else { throw CryptoError("X509_add_ext") }
    }
}

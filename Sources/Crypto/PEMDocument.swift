internal import CCrypto

/// A document of a PEM text (RFC 7468), as libcrypto reads it (PEM_read_bio(3)): other text may surround documents.
@safe struct PEMDocument: ~Copyable {
    // Safe: libcrypto allocated the bytes; they are freed, and overwritten before that, by this value alone.
    /// Why a text has no such document.
    enum Failure: Error {
        /// There is none.
        case missing
        /// A document is damaged, before any such.
        case invalid
    }

    /// Between `-----BEGIN ` and `-----`.
    let label: String
    /// Whether its bytes are encrypted with a password: as PKCS#8 says it, or as in the older form (RFC 1421).
    let isEncrypted: Bool
    private let bytes: UnsafeMutablePointer<UInt8>
    private let count: Int

    /// The first document whose label is wanted. To be called within `Library.use`.
    static func first(in text: String, where isWanted: (String) -> Bool) throws(Failure) -> PEMDocument {
        guard let bio = try? unsafe Library.memory(Array(text.utf8)) else { throw .invalid }
        defer { unsafe BIO_free_all(bio) }
        while true {
            let document = try unsafe next(in: bio)
            if isWanted(document.label) { return document }
        }
    }

    private static func next(in bio: OpaquePointer) throws(Failure) -> PEMDocument {
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var count = 0
        guard unsafe PEM_read_bio(bio, &name, &header, &data, &count) == 1, let name = unsafe name, let header = unsafe header,
            let data = unsafe data
        else {
            let error = ERR_peek_last_error()
            throw ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE ? .missing : .invalid
        }
        defer {
            unsafe vm_crypto_free(name)
            unsafe vm_crypto_free(header)
        }
        return unsafe PEMDocument(label: String(cString: name), header: String(cString: header), owning: data, count: count)
    }

    private init(label: String, header: String, owning bytes: UnsafeMutablePointer<UInt8>, count: Int) {
        self.label = label
        isEncrypted = label == "ENCRYPTED PRIVATE KEY" || header.contains("ENCRYPTED")
        unsafe (self.bytes, self.count) = (bytes, count)
    }

    deinit { unsafe vm_crypto_clear_free(bytes, count) }

    /// What a function of libcrypto (d2i_X509(3)) makes of the bytes; `nil` where they are damaged.
    func decoded(by decode: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?) -> OpaquePointer? {
        // Safe: the function reads the bytes within their count, and moves only the copy of their address.
        var start: UnsafePointer<UInt8>? = unsafe UnsafePointer(bytes)
        return unsafe decode(&start, count)
    }
}

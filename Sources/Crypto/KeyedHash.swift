internal import CCrypto

/// HMAC with SHA-256 (RFC 2104) under one key; the two blocks derived from the key are hashed once.
///
/// libcrypto's own HMAC fetches its algorithm and allocates memory for each code: several times as long for a short message.
package struct KeyedHash: Sendable {
    /// How many bytes SHA-256 hashes at a time; a key is padded to as many.
    private static let block = 64

    private let inner: SHA256
    private let outer: SHA256

    /// - Parameter key: of any length; one of more than 64 bytes is hashed first, as RFC 2104 says.
    package init(key: [UInt8]) {
        let key = key.count <= Self.block ? key : SHA256.digest(of: key)
        (inner, outer) = (Self.begun(key, 0x36), Self.begun(key, 0x5C))
    }

    /// The code of a message: 32 bytes.
    package func code(of message: [UInt8]) -> [UInt8] {
        var (inner, outer) = (inner, outer)
        inner.update(message)
        outer.update(digestOf: &inner)
        return outer.digest()
    }

    /// Whether two codes are equal, in a time that depends on their lengths only.
    package static func areSame(_ code: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
        guard code.count == other.count else { return false }
        // Safe: both have as many bytes as are compared.
        return unsafe code.withUnsafeBufferPointer { code in
            unsafe other.withUnsafeBufferPointer { other in
                unsafe CRYPTO_memcmp(code.baseAddress, other.baseAddress, code.count) == 0
            }
        }
    }

    private static func begun(_ key: [UInt8], _ pad: UInt8) -> SHA256 {
        var hash = SHA256()
        hash.update((0..<block).map { ($0 < key.count ? key[$0] : 0) ^ pad })
        return hash
    }
}

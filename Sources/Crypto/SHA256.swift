internal import CCrypto

/// SHA-256 (FIPS 180-4).
///
/// By those functions of libcrypto that allocate no memory: a copy of a hash is another hash.
package struct SHA256: Sendable {
    /// The length of a digest, in bytes.
    package static let byteCount = 32

    private var state = SHA256_CTX()

    package init() {
        _ = unsafe vm_sha256_init(&state)
    }

    /// The digest of some bytes: 32 bytes.
    package static func digest(of bytes: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.digest()
    }

    package mutating func update(_ bytes: [UInt8]) {
        // Safe: libcrypto reads the bytes during the call only.
        _ = unsafe vm_sha256_update(&state, bytes, bytes.count)
    }

    /// The digest of all bytes so far: 32 bytes. The hash is used up.
    package mutating func digest() -> [UInt8] {
        // Safe: the digest has the capacity's size.
        unsafe [UInt8](unsafeUninitializedCapacity: Self.byteCount) { digest, count in
            _ = unsafe vm_sha256_final(&state, digest.baseAddress)
            count = Self.byteCount
        }
    }

    /// Hashes another hash's digest, which needs no array of its own. The other hash is used up.
    mutating func update(digestOf other: inout SHA256) {
        // Safe: the digest has the buffer's size.
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.byteCount) { digest in
            _ = unsafe vm_sha256_final(&other.state, digest.baseAddress)
            _ = unsafe vm_sha256_update(&state, digest.baseAddress, digest.count)
        }
    }
}

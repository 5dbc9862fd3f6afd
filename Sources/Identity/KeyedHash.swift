import Crypto

/// HMAC with SHA-256 (RFC 2104) under one key; the two blocks derived from the key are hashed once.
///
/// The library's own HMAC processes the key each time, and its generics are not specialized across the module boundary: twice the
/// time.
struct KeyedHash: Sendable {
    /// How many bytes SHA-256 hashes at a time; a key is padded to as many.
    private static let block = 64

    private let inner: SHA256
    private let outer: SHA256

    /// - Parameter key: at most 64 bytes.
    init(key: [UInt8]) {
        precondition(key.count <= Self.block, "a longer key would have to be hashed first")
        (inner, outer) = (Self.begun(key, 0x36), Self.begun(key, 0x5C))
    }

    /// The code of a message: 32 bytes.
    func code(of message: [UInt8]) -> [UInt8] {
        var (inner, outer) = (inner, outer)
        inner.update(data: message)
        // Safe: the digest's bytes are read within its lifetime, and not kept. As a sequence the digest would be read through an
        // iterator that takes as long as the hash.
        unsafe inner.finalize().withUnsafeBytes { unsafe outer.update(bufferPointer: $0) }
        return unsafe outer.finalize().withUnsafeBytes { unsafe Array($0) }
    }

    /// Whether two codes are equal, in a time that depends on their lengths only.
    static func areSame(_ code: some Collection<UInt8>, _ other: some Collection<UInt8>) -> Bool {
        code.count == other.count && zip(code, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func begun(_ key: [UInt8], _ pad: UInt8) -> SHA256 {
        var hash = SHA256()
        hash.update(data: (0..<block).map { ($0 < key.count ? key[$0] : 0) ^ pad })
        return hash
    }
}

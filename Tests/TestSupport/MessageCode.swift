internal import CCrypto

/// HMAC with SHA-256 (RFC 2104) of a message, by libcrypto's own function, which the server does not use.
package func messageCode(of message: [UInt8], key: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    var count: UInt32 = 0
    // Safe: the code has room for a digest, and libcrypto reads the other bytes during the call only.
    unsafe _ = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, &count)
    return Array(code[..<Int(count)])
}

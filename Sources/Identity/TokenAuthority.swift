public import Common
import Crypto
import FoundationEssentials

/// Issues and checks session tokens, as version 2 of Amazon's instance metadata service has them.
///
/// A token bears its own expiry and a code that only the key can make (HMAC-SHA256, RFC 2104) over that and the instance it is for.
/// So nothing is remembered of a token: it is good after a restart, and on every host that has the same key. It is no secret what
/// a token says, but nobody can change it.
public struct TokenAuthority: Sendable {
    /// How long a token may live, in seconds: Amazon's limits.
    public static let lifetimes = 1...21_600
    /// The length of a key, in bytes.
    public static let keyBytes = 32
    /// The length of the part of a token that differs from one to the next, in bytes.
    public static let nonceBytes = 8

    /// How far two hosts' clocks may be apart, in seconds, for a token of the one to be good on the other.
    private static let skew: Int64 = 60
    private static let version: UInt8 = 1
    private static let codeBytes = SHA256.byteCount
    /// Version, expiry, lifetime and nonce; together with the code a multiple of three, so that base64 has no padding, and one
    /// text only for each token.
    private static let claimBytes = 1 + 8 + 2 + nonceBytes
    /// The length of every token.
    private static let textBytes = (claimBytes + codeBytes) / 3 * 4

    /// The code of nothing: what the key alone makes of it is made once, which is half the work.
    private let keyed: HMAC<SHA256>

    /// An authority with a key of ``keyBytes`` secret bytes; `nil` for a key of another length.
    public init?(key: [UInt8]) {
        guard key.count == Self.keyBytes else { return nil }
        keyed = HMAC(key: SymmetricKey(data: key))
    }

    /// A new token: 68 characters of base64 (RFC 4648 §4), without padding.
    ///
    /// - Parameters:
    ///   - instance: whom it is for; nobody else can use it.
    ///   - lifetime: how long it is good, in seconds, within ``lifetimes``.
    ///   - now: the time, in seconds since 1970.
    ///   - nonce: ``nonceBytes`` random bytes.
    public func token(for instance: InstanceUUID, lifetime: Int, at now: Int64, nonce: [UInt8]) -> String {
        precondition(Self.lifetimes.contains(lifetime) && nonce.count == Self.nonceBytes, "whoever asks has looked at both")
        var claim: [UInt8] = [Self.version]
        claim += Self.octets(of: now + Int64(lifetime))
        claim += [UInt8(truncatingIfNeeded: lifetime >> 8), UInt8(truncatingIfNeeded: lifetime)]
        claim += nonce
        return Data(claim + code(of: claim[...], for: instance)).base64EncodedString()
    }

    /// Whether a text is a token that this authority issued to the instance, and that has not expired.
    ///
    /// One that would live longer than it was issued for is none: the clock that it went by was wrong, or ours is.
    ///
    /// - Parameter now: the time, in seconds since 1970.
    public func accepts(_ text: String, of instance: InstanceUUID, at now: Int64) -> Bool {
        guard text.utf8.count == Self.textBytes, let octets = Data(base64Encoded: text).map(Array.init) else { return false }
        // The library compares in constant time.
        guard code(of: octets[..<Self.claimBytes], for: instance) == octets[Self.claimBytes...] else { return false }
        let expiry = octets[1...8].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        let lifetime = Int64(octets[9]) << 8 | Int64(octets[10])
        return octets[0] == Self.version && now < expiry && expiry - now <= lifetime + Self.skew
    }

    /// The code over an instance and a claim, which both have a fixed length, so that there is one reading of the two.
    private func code(of claim: ArraySlice<UInt8>, for instance: InstanceUUID) -> HMAC<SHA256>.MAC {
        var code = keyed
        code.update(data: instance.octets + claim)
        return code.finalize()
    }

    private static func octets(of number: Int64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }
}

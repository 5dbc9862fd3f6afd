public import Common
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
    private static let codeBytes = 32
    /// Version, expiry, lifetime and nonce; together with the code a multiple of three, so that base64 has no padding, and one
    /// text only for each token.
    private static let claimBytes = 1 + 8 + 2 + nonceBytes
    /// The length of every token.
    private static let textBytes = (claimBytes + codeBytes) / 3 * 4

    private let hash: KeyedHash

    /// An authority with a key of ``keyBytes`` secret bytes; `nil` for a key of another length.
    public init?(key: [UInt8]) {
        guard key.count == Self.keyBytes else { return nil }
        hash = KeyedHash(key: key)
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
        let expiry = now + Int64(lifetime)
        var claim: [UInt8] = [Self.version]
        claim.reserveCapacity(Self.claimBytes + Self.codeBytes)
        for shift in stride(from: 56, through: 0, by: -8) { claim.append(UInt8(truncatingIfNeeded: expiry >> Int64(shift))) }
        claim.append(UInt8(truncatingIfNeeded: lifetime >> 8))
        claim.append(UInt8(truncatingIfNeeded: lifetime))
        claim.append(contentsOf: nonce)
        claim.append(contentsOf: code(of: claim[...], for: instance))
        return Data(claim).base64EncodedString()
    }

    /// When a token of this authority ends that it issued to the instance, in seconds since 1970; `nil` for a text that is none, or has
    /// expired.
    ///
    /// One that would live longer than it was issued for is none: the clock that it went by was wrong, or ours is.
    ///
    /// - Parameter now: the time, in seconds since 1970.
    public func expiry(of text: String, for instance: InstanceUUID, at now: Int64) -> Int64? {
        guard text.utf8.count == Self.textBytes, let octets = Data(base64Encoded: text).map(Array.init),
            octets.count == Self.claimBytes + Self.codeBytes  // fewer where the text ends with padding
        else { return nil }
        let code = code(of: octets[..<Self.claimBytes], for: instance)
        guard KeyedHash.areSame(code, octets[Self.claimBytes...]) else { return nil }
        let expiry = octets[1...8].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        let lifetime = Int64(octets[9]) << 8 | Int64(octets[10])
        return octets[0] == Self.version && now < expiry && expiry - now <= lifetime + Self.skew ? expiry : nil
    }

    /// The code over an instance and a claim, which both have a fixed length, so that there is one reading of the two.
    private func code(of claim: ArraySlice<UInt8>, for instance: InstanceUUID) -> [UInt8] {
        hash.code(of: instance.octets + claim)
    }
}

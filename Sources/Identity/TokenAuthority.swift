package import Common
import Crypto
import FoundationEssentials

/// Issues and checks session tokens, as version 2 of Amazon's instance metadata service defines them.
///
/// A token holds its own expiry and a code (HMAC-SHA256, RFC 2104) over that and its instance, which only the key can make. So
/// the server stores no token: it is valid after a restart, and on every host that has the same key. A token's contents are not
/// secret, but cannot be changed.
package struct TokenAuthority: Sendable {
    /// The valid lifetimes of a token, in seconds: Amazon's limits.
    package static let lifetimes = 1...21_600
    /// The length of a key, in bytes.
    package static let keyBytes = 32
    /// The length of the random part of a token, in bytes.
    package static let nonceBytes = 8

    /// How far the clocks of two hosts may differ, in seconds, for a token of one to be valid on the other.
    private static let skew: Int64 = 60
    private static let version: UInt8 = 1
    private static let codeBytes = 32
    /// Version, expiry, lifetime and nonce; together with the code a multiple of three, so that base64 has no padding, and each
    /// token has one text only.
    private static let claimBytes = 1 + 8 + 2 + nonceBytes
    /// The length of every token.
    private static let textBytes = (claimBytes + codeBytes) / 3 * 4

    private let hash: KeyedHash

    /// `nil` for a key that is not ``keyBytes`` long.
    package init?(key: [UInt8]) {
        guard key.count == Self.keyBytes else { return nil }
        hash = KeyedHash(key: key)
    }

    /// Issues a token: 68 characters of base64 (RFC 4648 §4), without padding.
    ///
    /// - Parameters:
    ///   - instance: the only instance that can use it.
    ///   - lifetime: how long it is valid, in seconds, within ``lifetimes``.
    ///   - now: the time, in seconds since 1970.
    ///   - nonce: ``nonceBytes`` random bytes.
    package func token(for instance: InstanceUUID, lifetime: Int, at now: Int64, nonce: [UInt8]) -> String {
        precondition(Self.lifetimes.contains(lifetime) && nonce.count == Self.nonceBytes, "callers check both")
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

    /// The expiry of a token that this authority issued to the instance, in seconds since 1970; `nil` for a text that is no
    /// token, or an expired one.
    ///
    /// A token that would live longer than its lifetime is invalid: the clock of its issuer was wrong, or this host's is.
    ///
    /// - Parameter now: the time, in seconds since 1970.
    package func expiry(of text: String, for instance: InstanceUUID, at now: Int64) -> Int64? {
        guard let claim = claim(of: text, for: instance) else { return nil }
        return now < claim.expiry && claim.expiry - now <= claim.lifetime + Self.skew ? claim.expiry : nil
    }

    /// Whether this authority issued a text to the instance as a token, at any time.
    package func hasIssued(_ text: String, to instance: InstanceUUID) -> Bool { claim(of: text, for: instance) != nil }

    /// What a token says, if its code is this authority's; the expiry in seconds since 1970, the lifetime in seconds.
    private func claim(of text: String, for instance: InstanceUUID) -> (expiry: Int64, lifetime: Int64)? {
        guard text.utf8.count == Self.textBytes, let octets = Data(base64Encoded: text).map(Array.init),
            octets.count == Self.claimBytes + Self.codeBytes  // fewer where the text ends with padding
        else { return nil }
        let (code, presented) = (code(of: octets[..<Self.claimBytes], for: instance), octets[Self.claimBytes...])
        guard KeyedHash.areSame(code.span, presented.span) else { return nil }
        let expiry = octets[1...8].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        let lifetime = Int64(octets[9]) << 8 | Int64(octets[10])
        return octets[0] == Self.version ? (expiry, lifetime) : nil
    }

    /// The code over an instance and a claim, which both have a fixed length, so that their concatenation is unambiguous.
    private func code(of claim: ArraySlice<UInt8>, for instance: InstanceUUID) -> [UInt8] {
        hash.code(of: instance.octets + claim)
    }
}

import Crypto

/// The proof by which Neutron's metadata agents name the instance that a request is about: HMAC-SHA256 (RFC 2104) over the
/// instance identifier, keyed by a secret shared with this server, in 64 lower-case hexadecimal digits.
///
/// https://docs.openstack.org/nova/latest/admin/metadata-service.html#metadata-proxy-shared-secret
package struct InstanceSignature: Sendable {
    private let hash: KeyedHash

    /// `nil` for an empty secret, with which anyone could sign.
    package init?(secret: [UInt8]) {
        guard !secret.isEmpty else { return nil }
        hash = KeyedHash(key: secret)
    }

    /// Whether a text is the signature of an identifier. The comparison takes the same time for every text of the right form, so
    /// it does not reveal where two texts differ.
    package func isValid(_ signature: String, of identifier: String) -> Bool {
        guard let presented = Self.octets(signature) else { return false }
        let code = hash.code(of: Array(identifier.utf8))
        return KeyedHash.areSame(code.span, presented.span)
    }

    private static func octets(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count == 2 * SHA256.byteCount else { return nil }
        var octets: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(of: digits[index]), let low = value(of: digits[index + 1]) else { return nil }
            octets.append(high << 4 | low)
        }
        return octets
    }

    /// Lower case only, as in Nova.
    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

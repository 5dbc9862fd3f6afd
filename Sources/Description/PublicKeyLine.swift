import Common

/// A public key in one line, as `authorized_keys` holds it (sshd(8)): options, which may have blanks in quotes, then the type, the key
/// as base64, and a comment. Certificates have this form too.
package struct PublicKeyLine {
    package static let expectation = "invalid public key: expected OpenSSH's format (ssh-ed25519 AAAA… comment)"

    private let fields: [Substring]
    /// The indices of the fields that may be the type.
    private let types: [Int]

    /// `nil` where the line has no known type with something after it.
    package init?(_ line: String) {
        let fields = line.split(omittingEmptySubsequences: true) { $0 == " " || $0 == "\t" }
        let types = fields.indices.dropLast().filter { Self.isType(fields[$0]) }
        guard !types.isEmpty else { return nil }
        (self.fields, self.types) = (fields, types)
    }

    /// The comment after the key; `nil` where no key is of its type, or is not base64 to its end.
    package var comment: String? {
        let type = types.first { Self.bytes(fields[$0 + 1], of: fields[$0]) != nil }
        return type.map { fields[($0 + 2)...].joined(separator: " ") }
    }

    /// Whether the line has a key of its type that is not cut off.
    package var isComplete: Bool {
        types.contains { index in
            Self.bytes(fields[index + 1], of: fields[index]).map { Self.isComplete($0, of: fields[index]) } ?? false
        }
    }

    /// The bytes of a key, which begin with its type again, after the length of that (RFC 4253 §6.6); `nil` for another text.
    private static func bytes(_ text: Substring, of type: Substring) -> [UInt8]? {
        guard let bytes = Base64Text.decoded(text.utf8), bytes.count > 4 + type.utf8.count else { return nil }
        return bytes.dropFirst(4).prefix(type.utf8.count).elementsEqual(type.utf8) ? bytes : nil
    }

    /// Whether bytes are whole fields, each after its length. Certificates have numbers between the fields.
    private static func isComplete(_ bytes: [UInt8], of type: Substring) -> Bool {
        if type.contains("-cert-v0") { return true }
        var rest = bytes[...]
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard length <= rest.count - 4 else { return false }
            rest = rest.dropFirst(4 + length)
        }
        return rest.isEmpty
    }

    /// Whether a word begins as the types of keys do.
    package static func isType(_ field: Substring) -> Bool {
        ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-", "webauthn-sk-"].contains { field.hasPrefix($0) }
    }
}

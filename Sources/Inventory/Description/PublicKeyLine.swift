import FoundationEssentials

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
        let type = types.first { Self.isKey(fields[$0 + 1], of: fields[$0], isWhole: true) }
        return type.map { fields[($0 + 2)...].joined(separator: " ") }
    }

    /// Whether a key begins as those of its type do.
    package var matchesType: Bool {
        types.contains { index in
            // Four characters for each three bytes, as far as the length and the type.
            let beginning = fields[index + 1].prefix((4 + fields[index].utf8.count + 2) / 3 * 4)
            return Self.isKey(beginning, of: fields[index], isWhole: false)
        }
    }

    /// A key's bytes begin with its type again, after the length of that (RFC 4253 §6.6).
    private static func isKey(_ text: Substring, of type: Substring, isWhole: Bool) -> Bool {
        guard let bytes = Data(base64Encoded: String(text)), !isWhole || bytes.count > 4 + type.utf8.count else { return false }
        return bytes.dropFirst(4).prefix(type.utf8.count).elementsEqual(type.utf8)
    }

    /// Whether a word begins as the types of keys do.
    package static func isType(_ field: Substring) -> Bool {
        ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-", "webauthn-sk-"].contains { field.hasPrefix($0) }
    }
}

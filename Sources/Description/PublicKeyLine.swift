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
        guard let first = types.first, Self.areOptions(line[..<fields[first].startIndex]) else { return nil }
        (self.fields, self.types) = (fields, types)
    }

    /// The options of sshd(8), in small letters; those of the form `name="value"` end with the sign.
    private static let options: Set<String> = [
        "agent-forwarding", "cert-authority", "command=", "environment=", "expiry-time=", "from=", "no-agent-forwarding",
        "no-port-forwarding", "no-pty", "no-touch-required", "no-user-rc", "no-x11-forwarding", "permitlisten=", "permitopen=",
        "port-forwarding", "principals=", "pty", "restrict", "touch-required", "tunnel=", "user-rc", "verify-required",
        "x11-forwarding", "zos-key-ring-label=",
    ]

    /// Whether what precedes the type is nothing, or options: sshd refuses a line with other words, such as the host name of `known_hosts`.
    private static func areOptions(_ text: Substring) -> Bool {
        var rest = text.drop { $0 == " " || $0 == "\t" }
        while !rest.isEmpty {
            let name = rest.prefix { !"=,\" \t".contains($0) }
            rest = rest[name.endIndex...]
            let hasValue = rest.first == "="
            guard options.contains(name.lowercased() + (hasValue ? "=" : "")) else { return false }
            if hasValue {
                rest = rest.dropFirst()
                guard rest.first == "\"" else { return false }
                rest = rest.dropFirst()
                while let character = rest.first, character != "\"" { rest = rest.dropFirst(character == "\\" ? 2 : 1) }
                guard rest.first == "\"" else { return false }
                rest = rest.dropFirst()
            }
            if rest.first == "," {
                rest = rest.dropFirst()
            } else {
                return rest.allSatisfy { $0 == " " || $0 == "\t" }
            }
        }
        return true
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

import FoundationEssentials
import Inventory

/// A file of OpenSSH's public keys: one key in each line, as in `id_ed25519.pub` and in `authorized_keys` (sshd(8)).
struct PublicKeyFile {
    /// The keys with their names, in the order of the file.
    let keys: [(name: String, key: String)]

    /// Reads it.
    ///
    /// - Throws: `CommandFailure` where it cannot be read, holds no key, or holds a private one.
    init(path: String) throws(CommandFailure) {
        try self.init(DomainSource.bytes(of: path), path: path)
    }

    /// Reads its bytes.
    init(_ bytes: [UInt8], path: String) throws(CommandFailure) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard !text.contains("PRIVATE KEY-----"), !text.hasPrefix("PuTTY-User-Key-File") else {
            throw CommandFailure(
                "\(path) is a private key, which must never leave its owner; give the public half, \(path).pub, or make that by: "
                    + "ssh-keygen -y -f \(path) > \(path).pub")
        }
        var keys: [(name: String, key: String)] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = Self.trimmed(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let comment = Self.comment(of: line) else {
                throw CommandFailure(
                    "\(path): line \(index + 1) is no public key in OpenSSH's format (ssh-ed25519 AAAA… comment)")
            }
            keys.append((Self.name(comment.isEmpty ? Self.stem(of: path) : comment), line))
        }
        guard !keys.isEmpty else { throw CommandFailure("\(path): there is no public key in it") }
        self.keys = keys
    }

    /// The values that make the keys of several files the instance's, in the place of those that have their names. Of two with one
    /// name the second gets a number.
    static func assignments(_ files: [PublicKeyFile]) throws(CommandFailure) -> [InstanceElement.Assignment] {
        var names: Set<String> = []
        var all: [InstanceElement.Assignment] = []
        for (name, key) in files.flatMap(\.keys) {
            var (unique, number) = (name, 2)
            while !names.insert(unique).inserted {
                unique = "\(name)-\(number)"
                number += 1
            }
            all.append(.init(path: try ValueArgument.path("public-keys/public-key[\(unique)]"), value: Array(key.utf8)))
        }
        return all
    }

    /// What follows the key; `nil` where there is no key. Options may stand before it, which may have blanks in quotes.
    private static func comment(of line: String) -> String? {
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        for (index, word) in words.enumerated() where isType(word) && index + 1 < words.count {
            // The key's bytes begin with its type again (RFC 4253 §6.6).
            guard let blob = Data(base64Encoded: String(words[index + 1])), blob.count > 4 + word.utf8.count,
                blob.dropFirst(4).prefix(word.utf8.count).elementsEqual(word.utf8)
            else { continue }
            return words[(index + 2)...].joined(separator: " ")
        }
        return nil
    }

    private static func trimmed(_ line: Substring) -> String {
        String(line.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }

    private static func isType(_ word: Substring) -> Bool {
        ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].contains { word.hasPrefix($0) }
    }

    private static func stem(of path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name.hasSuffix(".pub") ? String(name.dropLast(4)) : name
    }

    /// A name that both trees can show, and a path can name.
    private static func name(_ comment: String) -> String {
        String(
            comment.unicodeScalars.map { scalar in
                let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                return isPlain || "@._-".unicodeScalars.contains(scalar) ? Character(scalar) : "-"
            })
    }
}

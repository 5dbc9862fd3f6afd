import Configuration
import Description

/// A file of OpenSSH public keys: one key in each line, as in `id_ed25519.pub` and in `authorized_keys` (sshd(8)).
struct PublicKeyFile {
    /// The keys with their names, in the order of the file.
    let keys: [(name: String, key: String)]

    /// - Throws: `CommandFailure` where the file cannot be read, holds no key, or holds a private one.
    init(path: String) throws(CommandFailure) {
        try self.init(DomainSource.bytes(of: path), path: path == "-" ? "standard input" : path)
    }

    /// - Parameter path: the file, or another name of the bytes for errors.
    init(_ bytes: [UInt8], path: String) throws(CommandFailure) {
        // Windows' Notepad and PowerShell write these.
        let isUTF16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) || bytes.prefix(16).contains(0)
        guard !isUTF16 else {
            throw CommandFailure("\(path): UTF-16 text: expected UTF-8, as ssh-keygen writes it; save the file in that encoding")
        }
        let decoded = String(decoding: bytes, as: UTF8.self)
        let text = decoded.unicodeScalars.first == "\u{FEFF}" ? String(decoded.unicodeScalars.dropFirst()) : decoded
        guard !text.contains("PRIVATE KEY-----"), !text.hasPrefix("PuTTY-User-Key-File") else {
            throw CommandFailure(
                "\(path): private key; it must not leave its owner. Use the public key \(path).pub, or create it with: "
                    + "ssh-keygen -y -f \(path) > \(path).pub")
        }
        var keys: [(name: String, key: String)] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = Self.trimmed(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let comment = PublicKeyLine(line)?.comment else {
                throw CommandFailure("\(path): line \(index + 1): \(PublicKeyLine.expectation)")
            }
            keys.append((Self.name(comment.isEmpty ? Self.stem(of: path) : comment), line))
        }
        guard !keys.isEmpty else { throw CommandFailure("\(path): no public key found") }
        self.keys = keys
    }

    /// The values that add the keys of several files to the instance, replacing those with the same names. Of two different keys
    /// with one name the second gets a number; a key that is given twice is added once.
    static func assignments(_ files: [PublicKeyFile]) throws(CommandFailure) -> [InstanceElement.Assignment] {
        var (names, seen): (Set<String>, Set<String>) = ([], [])
        var all: [InstanceElement.Assignment] = []
        for (name, key) in files.flatMap(\.keys) where seen.insert(Self.bytes(of: key)).inserted {
            var (unique, number) = (name, 2)
            while !names.insert(unique).inserted {
                unique = "\(name)-\(number)"
                number += 1
            }
            all.append(.init(path: try ValueArgument.path("public-keys/public-key[\(unique)]"), value: Array(key.utf8)))
        }
        return all
    }

    /// The type and bytes of a line's key, without options and comment.
    static func bytes(of line: String) -> String {
        let fields = line.split(omittingEmptySubsequences: true) { $0 == " " || $0 == "\t" }
        guard let type = fields.firstIndex(where: PublicKeyLine.isType), type + 1 < fields.count else { return line }
        return "\(fields[type]) \(fields[type + 1])"
    }

    private static func trimmed(_ line: Substring) -> String {
        String(line.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }

    private static func stem(of path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name.hasSuffix(".pub") ? String(name.dropLast(4)) : name
    }

    /// A name that both metadata trees can show, and a path can contain.
    private static func name(_ comment: String) -> String {
        String(
            comment.unicodeScalars.map { scalar in
                let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                return isPlain || "@._-".unicodeScalars.contains(scalar) ? Character(scalar) : "-"
            })
    }
}

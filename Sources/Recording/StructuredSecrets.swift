import Common
import JSON
import YAML

/// Secrets of user data by its structure, where it is JSON or YAML: by the names of members, wherever and however the value is written. Texts in it
/// that are documents themselves, such as files to write, are examined in the same way.
struct StructuredSecrets {
    /// The secrets as programs read them, and what they are; a text of several lines counts line by line.
    private(set) var found: [(text: String, kind: SecretKind)] = []

    private indirect enum Value {
        case scalar(String)
        case sequence([Value])
        case mapping([(name: String, value: Value)])
    }

    /// The most documents within each other: user data in vendor data, a file in user data, and a text in that.
    private static let mostLevels = 4

    /// - Parameter level: how many documents it is in.
    init(_ bytes: [UInt8], level: Int = 0) {
        guard level < Self.mostLevels, let value = Self.value(of: bytes) else { return }
        visit(value, level)
    }

    private static func value(of bytes: [UInt8]) -> Value? {
        if let json = try? JSONParsing.value(of: bytes) { return value(of: json) }
        var duplicates: [YAMLDocument.DuplicateKey] = []
        guard let yaml = try? YAMLDocument.root(of: bytes, duplicates: &duplicates) else { return nil }
        return value(of: yaml)
    }

    private static func value(of json: JSONValue) -> Value {
        switch json {
        case .string(let text): .scalar(text)
        case .array(let elements): .sequence(elements.map(value))
        case .object(let members): .mapping(members.map { ($0.name, value(of: $0.value)) })
        case .integer(let number): .scalar("\(number)")
        case .null, .bool, .real: .scalar("")
        }
    }

    private static func value(of yaml: YAMLNode) -> Value {
        switch yaml.content {
        case .scalar(let text, _): .scalar(text)
        case .sequence(let elements): .sequence(elements.map(value))
        case .mapping(let entries): .mapping(entries.map { ($0.key.text ?? "", value(of: $0.value)) })
        }
    }

    // MARK: Members

    private mutating func visit(_ value: Value, _ level: Int) {
        switch value {
        case .scalar(let text): visit(text, level)
        case .sequence(let elements): for element in elements { visit(element, level) }
        case .mapping(let members):
            let texts = Dictionary(members.map { ($0.name, Self.text(of: $0.value)) }) { first, _ in first }
            let isEncoded = (texts["encoding"] ?? nil).map { $0.contains("64") || $0.contains("gz") } ?? false
            let isWireGuard = (texts["mode"] ?? nil) == "wireguard"
            for (name, member) in members {
                if name == "chpasswd", case .mapping(let own) = member {
                    for list in own where list.name == "list" { addLogins(in: list.value) }
                } else if let kind = Self.kind(of: name) {
                    addAll(in: member, kind)
                } else if isEncoded, name == "content" {
                    addShortLines(in: member)
                } else if isWireGuard, name == "key" || name == "keys" {
                    addAll(in: member, .privateKey)
                } else if name == "auth", let text = Self.text(of: member), Self.isLogin(inBase64: text) {
                    add(text, .password)
                }
                visit(member, level)
            }
        }
    }

    /// A line of a script may look like a name and its value.
    private static func kind(of name: String) -> SecretKind? {
        guard name.utf8.allSatisfy(SecretScan.isNameByte), let kind = SecretNames.kind(of: name), kind != .account else {
            return nil
        }
        return kind
    }

    private static func text(of value: Value) -> String? {
        if case .scalar(let text) = value { text } else { nil }
    }

    /// Base64 of `user:password`, as in docker's configuration.
    private static func isLogin(inBase64 text: String) -> Bool {
        Base64Text.decoded(text.utf8).map { $0.contains(UInt8(ascii: ":")) } ?? false
    }

    /// A text that may be a document or a script.
    private mutating func visit(_ text: String, _ level: Int) {
        guard text.utf8.contains(where: "\n{:".utf8.contains) else { return }
        let bytes = Array(text.utf8)
        // Base64 and private keys are found in the outermost text too, in which nothing of them is written otherwise.
        let scan = SecretScan(bytes, examinesBase64: false, seeds: false)
        for secret in scan.found where secret.kind != .account && secret.kind != .privateKey {
            addAll(in: .scalar(String(decoding: bytes[secret.range], as: UTF8.self)), secret.kind)
        }
        found += StructuredSecrets(bytes, level: level + 1).found
    }

    private mutating func addAll(in value: Value, _ kind: SecretKind) {
        switch value {
        case .scalar(let text): for line in text.split(whereSeparator: \.isNewline) { add(String(line), kind) }
        case .sequence(let elements): for element in elements { addAll(in: element, kind) }
        case .mapping(let members):
            // `password: {hash: …}`: what is in it has names of its own.
            for member in members where Self.text(of: member.value) != nil { addAll(in: member.value, kind) }
        }
    }

    /// Lines of base64 that are too short to be taken for base64 anywhere.
    private mutating func addShortLines(in value: Value) {
        guard let text = Self.text(of: value) else { return }
        for line in text.split(whereSeparator: \.isNewline) where line.utf8.count < SecretScan.shortestBase64 {
            add(String(line), .opaque)
        }
    }

    /// Lines of `user:password`.
    private mutating func addLogins(in value: Value) {
        switch value {
        case .scalar(let text):
            for line in text.split(whereSeparator: \.isNewline) {
                guard let colon = line.firstIndex(of: ":") else { continue }
                add(String(line[line.index(after: colon)...]), .password)
            }
        case .sequence(let elements): for element in elements { addLogins(in: element) }
        case .mapping(let members): for member in members { addAll(in: member.value, .password) }
        }
    }

    private mutating func add(_ text: String, _ kind: SecretKind) {
        let text = text.trimmingWhitespace()
        guard !text.isEmpty, !SecretNames.isHarmless(text), !text.hasPrefix("REDACTED"), !Self.isPublic(text) else { return }
        found.append((text, kind))
    }

    /// A public key or the head of a block, which a name such as `key` may have.
    private static func isPublic(_ text: String) -> Bool {
        text.hasPrefix("ssh-") || text.hasPrefix("ecdsa-") || text.hasPrefix("sk-") || text.hasPrefix("-----")
    }
}

extension SecretScan {
    /// The most secrets to look for, each in the whole text.
    private static let mostStructured = 200

    /// Finds the secrets that the structure of the text has, in every spelling that JSON and YAML have on one line.
    ///
    /// - Returns: whether each of them was found; one that is written over several lines may not be, and of very many none is looked for.
    mutating func findStructured() -> Bool {
        var known = Set(found.map { Array(bytes[$0.range]) })
        let missing = StructuredSecrets(bytes).found.filter { known.insert(Array($0.text.utf8)).inserted }
        guard missing.count <= Self.mostStructured else { return false }
        var isWhole = true
        for (text, kind) in missing {
            var isFound = false
            for spelling in Self.spellings(of: text) {
                var index = 0
                while let start = find(spelling, from: index) {
                    index = start + 1
                    let range = start..<start + spelling.count
                    guard isWord(range) else { continue }
                    isFound = true
                    if !isName(range) { add(range, kind) }
                    index = range.upperBound
                }
            }
            isWhole = isWhole && isFound
        }
        sort()
        return isWhole
    }

    private static func spellings(of text: String) -> Set<[UInt8]> {
        let escaped = text.utf8.reduce(into: [UInt8]()) { bytes, byte in
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        let json = Array(JSONEncoding.bytes(.string(text)).dropFirst().dropLast())
        // JSON in JSON.
        let twice = Array(JSONEncoding.bytes(.string(String(decoding: json, as: UTF8.self))).dropFirst().dropLast())
        return [Array(text.utf8), escaped, json, twice, Array(text.replacing("'", with: "''").utf8)]
    }
}

import FoundationEssentials

/// What a secret is; the text is shown in the list of what was replaced.
package enum SecretKind: String, Sendable, CaseIterable {
    case accessKey = "access key id"
    case secretKey = "secret access key"
    case token
    case password
    case privateKey = "private key"
    case account = "account number"
    case seed = "random seed"
    case signature
    case opaque = "data that cannot be examined"
}

/// The replacement of each secret of a recording.
struct SecretReplacements {
    /// A shorter secret would be found in other words.
    private static let shortestKnown = 8

    private var replacements: [String: String] = [:]
    private var counts: [SecretKind: Int] = [:]
    private var kinds: [String: SecretKind] = [:]
    /// The secrets that begin with the same eight bytes: a server may have a million of them.
    private struct Family {
        var secrets: Set<[UInt8]> = []
        /// In descending order.
        var lengths: [Int] = []

        mutating func insert(_ secret: [UInt8]) {
            secrets.insert(secret)
            let index = lengths.firstIndex { $0 <= secret.count } ?? lengths.count
            if index == lengths.count || lengths[index] != secret.count { lengths.insert(secret.count, at: index) }
        }
    }

    /// The secrets by their first eight bytes.
    private var known: [UInt64: Family] = [:]

    /// The replacement of a secret, the same for the same value.
    mutating func replacement(for secret: String, _ kind: SecretKind) -> String {
        if let replacement = replacements[secret] { return replacement }
        let number = counts[kind, default: 0] + 1
        counts[kind] = number
        let replacement = Self.text(kind, number, like: secret)
        (replacements[secret], kinds[secret]) = (replacement, kind)
        let bytes = Array(secret.utf8)
        if bytes.count >= Self.shortestKnown { known[Self.prefix(of: bytes, at: 0), default: Family()].insert(bytes) }
        return replacement
    }

    private static func text(_ kind: SecretKind, _ number: Int, like secret: String) -> String {
        func digits(_ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        return switch kind {
        case .accessKey: (secret.hasPrefix("AKIA") ? "AKIA" : "ASIA") + "REDACTED" + digits(8)
        case .secretKey: "REDACTEDsecretaccesskey" + digits(17)
        case .account: digits(12)
        // It must stay base64, of as many bytes.
        case .seed: Data(repeating: UInt8(truncatingIfNeeded: number), count: secret.utf8.count / 4 * 3).base64EncodedString()
        case .opaque: "REDACTED-data-\(number)"
        case .privateKey: "REDACTED-private-key-\(number)"
        case .token, .password, .signature: "REDACTED-\(kind.rawValue)-\(number)"
        }
    }

    /// Has an account number replaced wherever it is.
    mutating func learnAccount(_ number: String) {
        guard number.utf8.count == 12, number.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return }
        _ = replacement(for: number, .account)
    }

    /// Has these words replaced only where they were found.
    mutating func forget(_ words: Set<String>) {
        for word in words where word.utf8.count >= Self.shortestKnown {
            let bytes = Array(word.utf8)
            known[Self.prefix(of: bytes, at: 0)]?.secrets.remove(bytes)
        }
    }

    /// Replaces what a scan has found.
    mutating func replace(_ found: [SecretScan.Found], in body: [UInt8]) -> (body: [UInt8], found: [SecretKind]) {
        guard !found.isEmpty else { return (body, []) }
        var (new, kinds, start): ([UInt8], [SecretKind], Int) = ([], [], 0)
        for secret in found.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) where secret.range.lowerBound >= start {
            let text = String(decoding: body[secret.range], as: UTF8.self)
            // What was replaced once stays.
            guard !text.hasPrefix("REDACTED"), !text.hasPrefix("ASIAREDACTED"), !text.hasPrefix("AKIAREDACTED") else { continue }
            new += body[start..<secret.range.lowerBound]
            new += Array(replacement(for: text, secret.kind).utf8)
            start = secret.range.upperBound
            kinds.append(secret.kind)
        }
        return (new + body[start...], kinds)
    }

    /// Replaces the secrets that are known by now; `nil` if the body has none.
    func replaceKnown(in body: [UInt8]) -> (body: [UInt8], found: [SecretKind])? {
        guard !known.isEmpty, body.count >= Self.shortestKnown else { return nil }
        var (new, kinds, start, index): ([UInt8], [SecretKind], Int, Int) = ([], [], 0, 0)
        var window = Self.prefix(of: body, at: 0)
        while true {
            if let family = known[window], let secret = longest(of: family, in: body, at: index) {
                let text = String(decoding: secret, as: UTF8.self)
                new += body[start..<index]
                new += Array((replacements[text] ?? "REDACTED").utf8)
                kinds.append(self.kinds[text] ?? .token)
                index += secret.count
                start = index
                guard index + 8 <= body.count else { break }
                window = Self.prefix(of: body, at: index)
            } else {
                guard index + 8 < body.count else { break }
                window = window << 8 | UInt64(body[index + 8])
                index += 1
            }
        }
        return kinds.isEmpty ? nil : (new + body[start...], kinds)
    }

    private func longest(of family: Family, in body: [UInt8], at index: Int) -> [UInt8]? {
        for length in family.lengths where length <= body.count - index {
            let secret = Array(body[index..<index + length])
            if family.secrets.contains(secret), isWhole(secret, in: body, at: index) { return secret }
        }
        return nil
    }

    /// Whether a secret is not a part of another value, such as an account number of a longer number, nor the name of a member.
    private func isWhole(_ secret: [UInt8], in body: [UInt8], at index: Int) -> Bool {
        let range = index..<index + secret.count
        return SecretScan.isWord(range, in: body) && !SecretScan.isName(range, in: body)
    }

    private static func prefix(of bytes: [UInt8], at index: Int) -> UInt64 {
        bytes[index..<index + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Finds secrets in a text: by their names, their forms, and their places.
struct SecretScan {
    struct Found {
        let range: Range<Int>
        let kind: SecretKind
    }

    private(set) var found: [Found] = []
    let bytes: [UInt8]

    /// - Parameters:
    ///   - examinesBase64: whether base64 that is no public key is replaced: it may hide anything.
    ///   - seeds: whether `random_seed` is a secret.
    init(_ bytes: [UInt8], examinesBase64: Bool, seeds: Bool) {
        self.bytes = bytes
        findPrivateKeys()
        findLines(seeds: seeds)
        findWords()
        findUserInformation()
        if examinesBase64 { findBase64() }
        sort()
    }

    /// A secret inside another would cut it: the one that begins first wins, and of two the longer.
    mutating func sort() {
        found.sort { ($0.range.lowerBound, -$0.range.upperBound) < ($1.range.lowerBound, -$1.range.upperBound) }
    }

    mutating func add(_ range: Range<Int>, _ kind: SecretKind) {
        if !range.isEmpty { found.append(Found(range: range, kind: kind)) }
    }

    // MARK: Private keys

    private mutating func findPrivateKeys() {
        let (begin, mark, end) = (Array("-----BEGIN ".utf8), Array("PRIVATE KEY".utf8), Array("-----END ".utf8))
        var index = 0
        while let start = find(begin, from: index) {
            index = start + begin.count
            guard let name = find(mark, from: index, to: index + 40 + mark.count) else { continue }
            guard let head = find(Array("-----".utf8), from: name) else { continue }
            var (lower, upper) = (head + 5, find(end, from: head + 5) ?? bytes.count)
            index = upper
            // The line breaks around it stay, also those that JSON spells as \n.
            while lower < upper, isBreak(at: lower) { lower += bytes[lower] == UInt8(ascii: "\\") ? 2 : 1 }
            while upper > lower, isSpace(bytes[upper - 1]) || endsInBreak(upper, after: lower) {
                upper -= isSpace(bytes[upper - 1]) ? 1 : 2
            }
            add(lower..<max(lower, upper), .privateKey)
        }
    }

    private func isBreak(at index: Int) -> Bool {
        isSpace(bytes[index])
            || bytes[index] == UInt8(ascii: "\\") && index + 1 < bytes.count
                && [UInt8(ascii: "n"), UInt8(ascii: "r")].contains(bytes[index + 1])
    }

    private func endsInBreak(_ end: Int, after lower: Int) -> Bool {
        end - 2 >= lower && bytes[end - 2] == UInt8(ascii: "\\")
            && [UInt8(ascii: "n"), UInt8(ascii: "r")].contains(bytes[end - 1])
    }

    // MARK: Bytes

    /// - Parameter end: where the needle ends at the latest. A search to the end of all bytes from each of many places takes hours.
    func find(_ needle: [UInt8], from start: Int, to end: Int = .max) -> Int? {
        guard let first = needle.first else { return nil }
        let end = min(end, bytes.count)
        var index = start
        while index < end, let next = bytes[index..<end].firstIndex(of: first) {
            if bytes[next..<end].starts(with: needle) { return next }
            index = next + 1
        }
        return nil
    }

    func skipSpace(_ start: Int, _ end: Int) -> Int {
        var index = start
        while index < end, bytes[index] == UInt8(ascii: " ") || bytes[index] == UInt8(ascii: "\t") { index += 1 }
        return index
    }

    func skipSpaceAndBreaks(_ start: Int) -> Int {
        var index = start
        while index < bytes.count, isSpace(bytes[index]) { index += 1 }
        return index
    }

    func trimmedEnd(_ start: Int, _ end: Int) -> Int {
        var end = end
        while end > start, isSpace(bytes[end - 1]) { end -= 1 }
        return end
    }

    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    func isAlphanumeric(_ byte: UInt8) -> Bool { Self.isAlphanumeric(byte) }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// Whether it is no part of a longer word, as `password` is of `REDACTED-password-1`.
    func isWord(_ range: Range<Int>) -> Bool { Self.isWord(range, in: bytes) }

    static func isWord(_ range: Range<Int>, in bytes: [UInt8]) -> Bool {
        let isPart = { (byte: UInt8) in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: byte >= 0x80
            }
        }
        return !(range.lowerBound > 0 && isPart(bytes[range.lowerBound - 1]) && isPart(bytes[range.lowerBound]))
            && !(range.upperBound < bytes.count && isPart(bytes[range.upperBound]) && isPart(bytes[range.upperBound - 1]))
    }

    /// Whether it is the name of a member: `name:` or `"name":`.
    func isName(_ range: Range<Int>) -> Bool { Self.isName(range, in: bytes) }

    static func isName(_ range: Range<Int>, in bytes: [UInt8]) -> Bool {
        let rest = bytes[range.upperBound...].drop { "\"'\\".utf8.contains($0) }
        guard rest.first == UInt8(ascii: ":") else { return false }
        guard let next = rest.dropFirst().first else { return true }
        return next <= 0x20 || rest.startIndex > range.upperBound
    }

    func isNameByte(_ byte: UInt8) -> Bool { Self.isNameByte(byte) }

    static func isNameByte(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || "_-.".utf8.contains(byte) }

    func isWordByte(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || "_-.:/+=$".utf8.contains(byte) }

    func isBase64(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=")
    }
}

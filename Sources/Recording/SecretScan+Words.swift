/// Secrets of a form: keys of AWS, tokens of services, hashes, account numbers, and base64 that may hide anything.
extension SecretScan {
    mutating func findWords() {
        var index = 0
        while index < bytes.count {
            guard isWordByte(bytes[index]), index == 0 || !isWordByte(bytes[index - 1]) else {
                index += 1
                continue
            }
            let end = bytes[index...].firstIndex { !isWordByte($0) } ?? bytes.count
            findWord(index..<end)
            index = end
        }
    }

    private mutating func findWord(_ word: Range<Int>) {
        guard word.count >= 16 else { return }
        if isHash(at: word.lowerBound) { return add(word, .password) }
        if bytes[word].starts(with: "AKIA".utf8) || bytes[word].starts(with: "ASIA".utf8) {
            let end = bytes[word].prefix { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }.endIndex
            if end - word.lowerBound == 20 { return add(word.lowerBound..<end, .accessKey) }
        }
        if SecretNames.tokenPrefixes.contains(where: { bytes[word].starts(with: $0.utf8) }) { return add(word, .token) }
        // A JSON Web Token: three parts, of which the first two are objects in base64.
        if word.count > 40, bytes[word].starts(with: "eyJ".utf8), bytes[word].count(where: { $0 == UInt8(ascii: ".") }) == 2 {
            add(word, .token)
        }
        findAccount(in: word)
    }

    private static let arn = Array("arn:aws".utf8)

    /// The fifth part of `arn:aws:service:region:account:resource`.
    private mutating func findAccount(in word: Range<Int>) {
        guard let start = find(Self.arn, from: word.lowerBound, to: word.upperBound) else { return }
        var (index, colons) = (start, 0)
        while index < word.upperBound, colons < 4 {
            if bytes[index] == UInt8(ascii: ":") { colons += 1 }
            index += 1
        }
        let end = bytes[index..<max(index, word.upperBound)].prefix { (0x30...0x39).contains($0) }.endIndex
        if colons == 4, end - index == 12 { add(index..<end, .account) }
    }

    /// The password of `//user:password@host`.
    mutating func findUserInformation() {
        var index = 0
        while let mark = find(Array("://".utf8), from: index) {
            let start = mark + 3
            index = start
            let end =
                bytes[start...].prefix(256).firstIndex { isSpace($0) || "/\"'<>".utf8.contains($0) }
                ?? min(start + 256, bytes.count)
            guard let at = bytes[start..<end].lastIndex(of: UInt8(ascii: "@")),
                let colon = bytes[start..<at].firstIndex(of: UInt8(ascii: ":"))
            else { continue }
            add(colon + 1..<at, .password)
        }
    }

    static let shortestBase64 = 60

    mutating func findBase64() {
        var index = 0
        while index < bytes.count {
            guard isBase64(bytes[index]), index == 0 || !isBase64(bytes[index - 1]) else {
                index += 1
                continue
            }
            var end = bytes[index...].firstIndex { !isBase64($0) } ?? bytes.count
            guard end - index >= Self.shortestBase64, !isPublic(index) else {
                index = end
                continue
            }
            // The following lines belong to it, as does the last one, which is shorter.
            while end < bytes.count, isSpace(bytes[end]) {
                let next = skipSpaceAndBreaks(end)
                let nextEnd = bytes[next...].firstIndex { !isBase64($0) } ?? bytes.count
                let isWholeLine = nextEnd == bytes.count || isSpace(bytes[nextEnd]) || bytes[nextEnd] == UInt8(ascii: "\\")
                guard nextEnd - next >= 4, isWholeLine else { break }
                end = nextEnd
            }
            add(index..<end, .opaque)
            index = end
        }
    }

    /// Whether what begins here is a public key or certificate: `ssh-ed25519 AAAA…`, `-----BEGIN CERTIFICATE-----`.
    private func isPublic(_ index: Int) -> Bool {
        if bytes[index...].starts(with: "AAAA".utf8), index > 0, bytes[index - 1] == UInt8(ascii: " ") {
            let word = bytes[..<(index - 1)].suffix(40)
            return ["ssh-rsa", "ssh-ed25519", "ssh-dss", "nistp256", "nistp384", "nistp521", "@openssh.com"].contains {
                word.reversed().starts(with: $0.utf8.reversed())
            }
        }
        let lead = String(decoding: bytes[..<index].suffix(60), as: UTF8.self)
        return lead.contains("CERTIFICATE-----") || lead.contains("PUBLIC KEY-----") || lead.contains("PUBLIC KEY BLOCK-----")
    }
}

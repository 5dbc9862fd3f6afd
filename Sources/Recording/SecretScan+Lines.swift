/// Secrets with a name: `password: …`, and lists of `user:password`.
extension SecretScan {
    mutating func findLines(seeds: Bool) {
        var start = 0
        /// The indentation of a key whose value is the lines below it, and what those are.
        var block: (indent: Int, kind: SecretKind?)?
        var isAfterChpasswd = false
        /// The last line of what a command reads from the script (`<<EOF`).
        var heredoc: String?
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            defer { start = end + 1 }
            let indent = bytes[start..<end].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.count
            let content = start + indent..<trimmedEnd(start + indent, end)
            if content.isEmpty { continue }
            if let open = block {
                if indent > open.indent
                    || indent == open.indent && open.kind == nil && bytes[content.lowerBound] == UInt8(ascii: "-")
                {
                    if let kind = open.kind { add(content, kind) } else { findLogin(in: content) }
                    continue
                }
                block = nil
            }
            let text = String(decoding: bytes[content], as: UTF8.self)
            if let end = heredoc {
                heredoc = text == end ? nil : end
                if text != end { findLogin(in: content) }
                continue
            }
            if text.hasPrefix("chpasswd:") { isAfterChpasswd = true }
            if isAfterChpasswd, text.hasPrefix("list:") {
                (block, isAfterChpasswd) = ((indent, nil), false)
                // What follows on the line itself may be all of it.
                findPipedLogins(in: content.lowerBound + 5..<content.upperBound)
                continue
            }
            if has("chpasswd", in: content) {
                if has("|", in: content) { findPipedLogins(in: content) }
                heredoc = Self.heredoc(of: text)
            }
            findOptions(in: content)
            block = findPairs(in: content, seeds: seeds).map { (indent, $0) }
        }
    }

    /// `user:password`, as chpasswd(8) reads it.
    private mutating func findLogin(in line: Range<Int>) {
        var line = line
        if bytes[line.lowerBound] == UInt8(ascii: "-") {
            line = skipSpace(line.lowerBound + 1, line.upperBound)..<line.upperBound
        }
        guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")) else { return }
        let value = colon + 1..<line.upperBound
        let end =
            bytes[value].last == UInt8(ascii: "\"") || bytes[value].last == UInt8(ascii: "'")
            ? line.upperBound - 1 : line.upperBound
        if !isHarmless(colon + 1..<max(end, colon + 1)) { add(colon + 1..<end, .password) }
    }

    private mutating func findPipedLogins(in line: Range<Int>) {
        var index = line.lowerBound
        while let colon = bytes[index..<line.upperBound].firstIndex(of: UInt8(ascii: ":")) {
            let end =
                bytes[(colon + 1)..<line.upperBound].firstIndex { isSpace($0) || "\"'|\\".utf8.contains($0) } ?? line.upperBound
            add(colon + 1..<end, .password)
            index = max(end, colon + 1)
        }
    }

    /// The word that ends what `<<` begins; `nil` without it.
    private static func heredoc(of line: String) -> String? {
        guard let mark = line.firstRange(of: "<<") else { return nil }
        let word = line[mark.upperBound...].drop { "- '\"".contains($0) }.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        return word.isEmpty ? nil : String(word)
    }

    /// Passwords that commands take without a name of their own: `mysql -psecret`, `curl -u user:secret`, `sshpass -p secret`,
    /// `aws configure set aws_secret_access_key secret`, and `password secret` of netrc(5).
    private mutating func findOptions(in line: Range<Int>) {
        let (isCurl, isNetrc) = (has("curl", in: line), has("machine ", in: line) || has("login ", in: line))
        let takesPassword = has("sshpass", in: line) || has(" login", in: line)
        let isMySQL = has("mysql", in: line) || has("mariadb", in: line)
        let isSetting = has("configure set", in: line)
        guard isCurl || isNetrc || takesPassword || isMySQL || isSetting || bytes[line].starts(with: "password ".utf8) else {
            return
        }
        let words = self.words(in: line)
        for (number, word) in words.enumerated() {
            let name = String(decoding: bytes[word], as: UTF8.self)
            if isMySQL, name.hasPrefix("-p"), name.utf8.count > 2 { add(word.lowerBound + 2..<word.upperBound, .password) }
            guard number + 1 < words.count else { break }
            let next = words[number + 1]
            if isCurl, ["-u", "-U", "--user", "--proxy-user"].contains(name),
                let colon = bytes[next].firstIndex(of: UInt8(ascii: ":"))
            {
                add(colon + 1..<next.upperBound, .password)
            } else if takesPassword && name == "-p" || name == "password" && (isNetrc || number == 0 && words.count == 2) {
                add(next, .password)
            } else if isSetting, let kind = SecretNames.kind(of: name) {
                add(next, kind)
            }
        }
    }

    private func has(_ word: StaticString, in line: Range<Int>) -> Bool {
        find(Array(word.description.utf8), from: line.lowerBound, to: line.upperBound) != nil
    }

    /// The words of a line of a shell, without quotation marks around them.
    private func words(in line: Range<Int>) -> [Range<Int>] {
        var (words, index): ([Range<Int>], Int) = ([], line.lowerBound)
        while index < line.upperBound {
            index = skipSpace(index, line.upperBound)
            guard index < line.upperBound else { break }
            let quote = bytes[index] == UInt8(ascii: "'") || bytes[index] == UInt8(ascii: "\"") ? bytes[index] : nil
            let start = quote == nil ? index : index + 1
            let rest = bytes[start..<line.upperBound]
            let end = (quote.map { rest.firstIndex(of: $0) } ?? rest.firstIndex(where: isSpace)) ?? line.upperBound
            if start < end { words.append(start..<end) }
            index = end + 1
        }
        return words
    }

    /// `name: value`, `name=value`, `"name": "value"` and `--name value`.
    /// - Returns: the kind of a secret whose value is the lines below.
    private mutating func findPairs(in line: Range<Int>, seeds: Bool) -> SecretKind? {
        var index = line.lowerBound
        let lead = bytes[line].firstIndex { !isSpace($0) && $0 != UInt8(ascii: "-") } ?? line.upperBound
        while index < line.upperBound {
            guard isNameByte(bytes[index]) else {
                index += 1
                continue
            }
            let nameEnd = bytes[index..<line.upperBound].firstIndex { !isNameByte($0) } ?? line.upperBound
            let name = String(decoding: bytes[index..<nameEnd], as: UTF8.self)
            let isFirst = index <= lead
            defer { index = max(index, nameEnd) }
            guard let kind = SecretNames.kind(of: name) ?? (seeds && name == "random_seed" ? .seed : nil),
                let value = valueStart(after: nameEnd, name, line)
            else { continue }
            if value.start < line.upperBound, "|>".utf8.contains(bytes[value.start]), value.isColon, isFirst { return kind }
            let range = self.value(
                at: value.start, line, isFirst: isFirst, toEnd: isFirst && (value.isColon || isSpace(bytes[value.start - 1])))
            index = max(nameEnd, range.upperBound)
            if kind == .account, !isAccount(range) { continue }
            if !isHarmless(range) { add(range, kind) }
        }
        return nil
    }

    /// Where the value of a name begins; `nil` if none follows.
    private func valueStart(after nameEnd: Int, _ name: String, _ line: Range<Int>) -> (start: Int, isColon: Bool)? {
        var index = nameEnd
        // The end of a quoted name; in JSON within JSON its quote is escaped.
        while index < line.upperBound, "\"'\\".utf8.contains(bytes[index]) { index += 1 }
        let afterSpace = skipSpace(index, line.upperBound)
        guard afterSpace < line.upperBound else { return nil }
        if bytes[afterSpace] == UInt8(ascii: ":") || bytes[afterSpace] == UInt8(ascii: "=") {
            let isColon = bytes[afterSpace] == UInt8(ascii: ":")
            let start = skipSpace(afterSpace + 1, line.upperBound)
            return start < line.upperBound ? (start, isColon) : nil
        }
        return name.hasPrefix("--") && afterSpace > nameEnd ? (afterSpace, false) : nil
    }

    private func value(at start: Int, _ line: Range<Int>, isFirst: Bool, toEnd: Bool) -> Range<Int> {
        var start = start
        // An escaped quote of JSON within JSON.
        if bytes[start] == UInt8(ascii: "\\"), start + 1 < line.upperBound, bytes[start + 1] == UInt8(ascii: "\"") {
            start += 2
            return start..<(find(Array("\\\"".utf8), from: start, to: line.upperBound) ?? line.upperBound)
        }
        if bytes[start] == UInt8(ascii: "\"") {
            var end = start + 1
            while end < line.upperBound, bytes[end] != UInt8(ascii: "\"") { end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1 }
            return start + 1..<min(end, line.upperBound)
        }
        if bytes[start] == UInt8(ascii: "'") {
            let end = bytes[(start + 1)..<line.upperBound].firstIndex(of: UInt8(ascii: "'")) ?? line.upperBound
            return start + 1..<end
        }
        if "{[*&!$".utf8.contains(bytes[start]), !isHash(at: start) { return start..<start }
        if toEnd {
            var end = start
            while end < line.upperBound, !(bytes[end] == UInt8(ascii: "#") && end > start && isSpace(bytes[end - 1])) { end += 1 }
            return start..<trimmedEnd(start, end)
        }
        // A word of a shell, behind a name at the beginning of a line.
        let isAssigned = isFirst && bytes[start - 1] == UInt8(ascii: "=")
        let end =
            isAssigned
            ? bytes[start..<line.upperBound].firstIndex { isSpace($0) || ";&|\"'`)".utf8.contains($0) } ?? line.upperBound
            : wordEnd(start, line)
        // `Authorization: Bearer …`
        let scheme = String(decoding: bytes[start..<end], as: UTF8.self).lowercased()
        let isScheme = ["bearer", "basic", "token", "digest"].contains(scheme)
        return start..<(isScheme ? wordEnd(skipSpace(end, line.upperBound), line) : end)
    }

    func wordEnd(_ start: Int, _ line: Range<Int>) -> Int {
        bytes[start..<line.upperBound].firstIndex { isSpace($0) || ",;&|\"'})]\\".utf8.contains($0) } ?? line.upperBound
    }

    private func isAccount(_ range: Range<Int>) -> Bool {
        range.count == 12 && bytes[range].allSatisfy { (0x30...0x39).contains($0) }
    }

    /// A password hash of crypt(5), such as `$6$salt$hash`.
    func isHash(at index: Int) -> Bool {
        guard bytes[index] == UInt8(ascii: "$") else { return false }
        let method = bytes[(index + 1)...].prefix(3)
        return ["1$", "2a$", "2b$", "2y$", "5$", "6$", "7$", "y$", "gy$"].contains { method.starts(with: $0.utf8) }
    }

    private func isHarmless(_ range: Range<Int>) -> Bool {
        range.count <= 8 && SecretNames.harmlessValues.contains(String(decoding: bytes[range], as: UTF8.self).lowercased())
    }
}

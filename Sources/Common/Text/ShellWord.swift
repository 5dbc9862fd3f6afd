extension String {
    /// The text as one word of a shell command: unchanged if no character is special to a shell, otherwise quoted.
    ///
    /// It works on bytes, as the shell does: Swift combines a quotation mark and a following accent into one character, which
    /// differs from the quotation mark.
    package var shellWord: String {
        if isPlainWord { return self }
        let parts = utf8.split(separator: UInt8(ascii: "'"), omittingEmptySubsequences: false)
        return "'" + parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: #"'\''"#) + "'"
    }

    /// Whether neither a shell nor a command interprets the text: letters, digits and a few punctuation marks, without a leading
    /// hyphen.
    package var isPlainWord: Bool {
        guard let first = utf8.first, first != UInt8(ascii: "-") else { return false }
        return utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_.:@+/%=,".utf8.contains(byte)
            }
        }
    }
}

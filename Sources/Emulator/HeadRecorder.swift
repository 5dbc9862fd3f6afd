/// Keeps the bytes of a request's head, for the access log: the parser keeps only the fields that a reply depends on.
struct HeadRecorder {
    /// The most bytes that are kept: more than the parser accepts, line ends before a request aside.
    private static let most = 32 << 10

    private var bytes: [UInt8] = []
    private var isInHead = true

    /// Bytes that the parser has taken.
    mutating func took(_ taken: ArraySlice<UInt8>) {
        if isInHead { bytes += taken.prefix(Self.most - bytes.count) }
    }

    /// The head is complete.
    ///
    /// - Returns: its fields, as they were sent.
    mutating func finish() -> [HeaderField] {
        defer { (bytes, isInHead) = ([], false) }
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.utf8.split(separator: UInt8(ascii: "\n")).map { Substring($0) }
        let head = lines.drop { $0 == "\r" }.dropFirst()
        return head.compactMap { line in
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            let value = line.utf8[line.utf8.index(after: colon)...].drop { $0 == 0x20 || $0 == 0x09 }
            let kept = Substring(value).utf8.reversed().drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            return HeaderField(String(line[..<colon]), String(decoding: kept.reversed(), as: UTF8.self))
        }
    }

    /// The whole request has arrived, and the next begins.
    mutating func startOver() { (bytes, isInHead) = ([], true) }
}

/// What the fields of a head say about where the request ends, and whether its connection stays (RFC 9112 §6, §9.3).
struct MessageFraming {
    enum Body {
        case none
        case length(Int)
        case chunked
    }

    /// The fields that say something about it.
    enum Field {
        case connection, length, coding

        /// `nil` for any other name. Most names differ in length.
        init?(_ name: Span<UInt8>) {
            switch name.count {
            case 10 where name.isField("connection"), 16 where name.isField("proxy-connection"): self = .connection
            case 14 where name.isField("content-length"): self = .length
            case 17 where name.isField("transfer-encoding"): self = .coding
            default: return nil
            }
        }
    }

    private var length: Int?
    private(set) var isChunked = false
    private var (closes, keepsAlive) = (false, false)

    var hasLength: Bool { length != nil }

    /// The announced length of the body, in bytes; 0 where there is none.
    var contentLength: Int { length ?? 0 }

    var body: Body {
        if isChunked { return .chunked }
        return length.map(Body.length) ?? .none
    }

    /// Whether the connection stays: the client wants it, and nobody can read the body in another way. HTTP/1.0 has no chunks, so that a
    /// proxy may find the next request elsewhere (RFC 9112 §6.1).
    func staysOpen(isHTTP10: Bool) -> Bool { isHTTP10 ? keepsAlive && !isChunked : !closes }

    /// Reads a field.
    ///
    /// - Returns: whether the request may have it: no two lengths, and no other coding than `chunked`.
    mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        switch Field(name) {
        case .connection: readConnection(value)
        case .length:
            guard length == nil, !isChunked, let number = value.decimal else { return false }
            length = number
        case .coding:
            guard length == nil, !isChunked, value.isField("chunked") else { return false }
            isChunked = true
        case nil: break
        }
        return true
    }

    private mutating func readConnection(_ value: Span<UInt8>) {
        var start = 0
        while start <= value.count {
            let end = value.index(of: UInt8(ascii: ","), from: start) ?? value.count
            let option = value.extracting(value.withoutBlanks(in: start..<end))
            if option.isField("close") { closes = true }
            if option.isField("keep-alive") { keepsAlive = true }
            start = end + 1
        }
    }
}

/// The line before each chunk of a body: its size in hexadecimal digits, and extensions, which mean nothing here (RFC 9112 §7.1).
enum ChunkLine {
    /// `nil` for a line that is none, or a size beyond any body.
    static func size(_ line: Span<UInt8>) -> Int? {
        var (size, index) = (0, 0)
        while index < line.count, let digit = line[index].hexadecimalDigit {
            guard size < 1 << 48 else { return nil }
            size = size << 4 | digit
            index += 1
        }
        guard index > 0 else { return nil }
        while index < line.count {
            guard line[index] == UInt8(ascii: ";"), let end = line.endOfExtension(from: index + 1) else { return nil }
            index = end
        }
        return size
    }
}

extension Span<UInt8> {
    /// The index after an extension of a chunk: a name and perhaps a value, which may be in quotes.
    fileprivate func endOfExtension(from start: Int) -> Int? {
        guard var index = endOfToken(from: start) else { return nil }
        guard index < count, self[index] == UInt8(ascii: "=") else { return index }
        index += 1
        guard index < count, self[index] == UInt8(ascii: "\"") else { return endOfToken(from: index) }
        index += 1
        while index < count, self[index] != UInt8(ascii: "\"") {
            if self[index] == UInt8(ascii: "\\") { index += 1 }
            guard index < count, self[index].isOfFieldValue else { return nil }
            index += 1
        }
        return index < count ? index + 1 : nil
    }

    private func endOfToken(from start: Int) -> Int? {
        var index = start
        while index < count, self[index].isOfToken { index += 1 }
        return index > start ? index : nil
    }

    /// The number that these digits are; `nil` where there are other bytes or none, or the number is too large. Zeros may precede it.
    fileprivate var decimal: Int? {
        guard !isEmpty else { return nil }
        var number = 0
        for index in indices {
            let digit = self[index] &- UInt8(ascii: "0")
            let (tenfold, overflows) = number.multipliedReportingOverflow(by: 10)
            guard digit < 10, !overflows, tenfold <= Int.max - Int(digit) else { return nil }
            number = tenfold + Int(digit)
        }
        return number
    }
}

extension UInt8 {
    fileprivate var hexadecimalDigit: Int? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(self - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(self - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(self - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}

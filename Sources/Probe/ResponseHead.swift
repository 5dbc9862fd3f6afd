import Recording

/// The head of a response (RFC 9112).
struct ResponseHead {
    /// How the end of the body is known (RFC 9112 §6.3).
    enum Length: Equatable {
        case bytes(Int)
        case chunked
        case untilClose
    }

    let minorVersion: Int
    let status: Int
    let reason: String
    private(set) var fields: [WireResponse.Field] = []

    /// The index after the empty line that ends a head; `nil` if it is not there yet.
    static func end(in bytes: [UInt8], from start: Int, searched: Int) -> Int? {
        var index = searched
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") {
                if index > start, bytes[index - 1] == UInt8(ascii: "\n") { return index + 1 }
                if index > start + 1, bytes[index - 1] == UInt8(ascii: "\r"), bytes[index - 2] == UInt8(ascii: "\n") {
                    return index + 1
                }
            }
            index += 1
        }
        return nil
    }

    init(_ bytes: ArraySlice<UInt8>) throws(WireFailure) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0] == "HTTP/1.0" || words[0] == "HTTP/1.1", words[1].utf8.count == 3,
            let status = Int(words[1]), (100...599).contains(status)
        else { throw .malformed("expected a status line such as HTTP/1.1 200 OK") }
        (minorVersion, self.status) = (words[0] == "HTTP/1.0" ? 0 : 1, status)
        reason = words.count > 2 ? String(words[2]) : ""
        for line in lines.dropFirst() where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex, !line[..<colon].contains(where: \.isWhitespace)
            else { throw .malformed("a header field without a name") }
            guard fields.count < RecordingLimits.fields else { throw .tooLong("more than \(fields.count) header fields") }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            let end = value.lastIndex { $0 != " " && $0 != "\t" }
            fields.append(WireResponse.Field(String(line[..<colon]), end.map { String(value[...$0]) } ?? ""))
        }
    }

    var length: Length {
        get throws(WireFailure) {
            let coding = fields.filter { $0.name.lowercased() == "transfer-encoding" }.map { $0.value.lowercased() }
            if let last = coding.last { return last.hasSuffix("chunked") ? .chunked : .untilClose }
            let lengths = Set(fields.filter { $0.name.lowercased() == "content-length" }.map(\.value))
            guard let text = lengths.first else { return .untilClose }
            guard lengths.count == 1, let length = Int(text), length >= 0, text.utf8.first != UInt8(ascii: "+") else {
                throw .malformed("invalid Content-Length")
            }
            return .bytes(length)
        }
    }
}

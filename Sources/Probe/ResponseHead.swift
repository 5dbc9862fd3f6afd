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
            line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        }
        let words = (lines.first ?? []).split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard words.count >= 2, words[0] == "HTTP/1.0" || words[0] == "HTTP/1.1", words[1].utf8.count == 3,
            let status = Int(words[1]), (100...599).contains(status)
        else { throw .malformed("expected a status line such as HTTP/1.1 200 OK") }
        (minorVersion, self.status) = (words[0] == "HTTP/1.0" ? 0 : 1, status)
        reason = words.count > 2 ? words[2] : ""
        for line in lines.dropFirst() where !line.isEmpty {
            // By bytes: characters of a head cost more than all the rest of a request.
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon != line.startIndex,
                !line[..<colon].contains(where: { $0 == 0x20 || (0x09...0x0D).contains($0) })
            else { throw .malformed("a header field without a name") }
            guard fields.count < RecordingLimits.fields else { throw .tooLong("more than \(fields.count) header fields") }
            let value = line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
            let end = value.lastIndex { $0 != 0x20 && $0 != 0x09 }
            let text = end.map { String(decoding: value[...$0], as: UTF8.self) } ?? ""
            fields.append(WireResponse.Field(String(decoding: line[..<colon], as: UTF8.self), text))
        }
    }

    var length: Length {
        get throws(WireFailure) {
            let coding = values(of: "transfer-encoding").map { $0.lowercased() }
            if let last = coding.last { return last.hasSuffix("chunked") ? .chunked : .untilClose }
            let lengths = Set(values(of: "content-length"))
            guard let text = lengths.first else { return .untilClose }
            guard lengths.count == 1, let length = Int(text), length >= 0, text.utf8.first != UInt8(ascii: "+") else {
                throw .malformed("invalid Content-Length")
            }
            return .bytes(length)
        }
    }

    /// - Parameter name: in small letters.
    private func values(of name: String) -> [String] {
        fields.filter { $0.name.utf8.count == name.utf8.count && $0.name.lowercased() == name }.map(\.value)
    }
}

/// A path in a tree, as names from the root downwards: what remains of a request's target once everything that does not matter
/// is gone, so that each place has one path however it was asked for.
///
/// Nova's rules: escapes are decoded first, an encoded slash parts names too; empty names and `.` vanish, `..` goes up and
/// stops at the root; a trailing slash and the query never matter.
public struct TreePath: Sendable, Equatable {
    /// The names from the root downwards.
    public let names: [String]

    /// A path of these names.
    public init(_ names: [String]) {
        self.names = names
    }

    /// Reads the target of a request: a path, or a whole URL as a proxy would send it (RFC 9112 §3.2).
    ///
    /// `nil` for what cannot name a place: invalid UTF-8, or U+0000.
    public init?(target: String) {
        let octets = target.utf8Span.span
        var (start, end) = (0, octets.count)
        if octets.isEmpty || octets[0] != UInt8(ascii: "/"), let authority = Self.startOfAuthority(in: octets) {
            start = authority
            while start < end, octets[start] != UInt8(ascii: "/"), octets[start] != UInt8(ascii: "?") { start += 1 }
        }
        end = (start..<end).first { octets[$0] == UInt8(ascii: "?") || octets[$0] == UInt8(ascii: "#") } ?? end
        let path = octets.extracting(start..<end)
        let isEscaped = path.indices.contains { path[$0] == UInt8(ascii: "%") }
        let read = isEscaped ? Self.names(in: Self.decodingEscapes(of: path).span) : Self.names(in: path)
        guard let read else { return nil }
        names = read
    }

    /// Where the host stands in a URL: behind the first `://`; `nil` where there is none.
    private static func startOfAuthority(in target: Span<UInt8>) -> Int? {
        let marks = (UInt8(ascii: ":"), UInt8(ascii: "/"))
        return (0..<max(0, target.count - 2)).first { index in
            target[index] == marks.0 && target[index + 1] == marks.1 && target[index + 2] == marks.1
        }.map { $0 + 3 }
    }

    /// Parts a path without escapes, octet by octet: to Swift a slash and an accent behind it are one character, which is none
    /// that parts names. `nil` for what is no text.
    private static func names(in path: Span<UInt8>) -> [String]? {
        var names: [String] = []
        names.reserveCapacity(8)
        var (start, dots) = (0, 0)
        for end in 0...path.count {
            if end < path.count {
                let octet = path[end]
                if octet == 0 { return nil }
                if octet == UInt8(ascii: ".") { dots += 1 }
                if octet != UInt8(ascii: "/") { continue }
            }
            let name = path.extracting(start..<end)
            let isOfDots = dots == name.count
            (start, dots) = (end + 1, 0)
            if isOfDots, name.count < 2 { continue }
            if isOfDots, name.count == 2 {
                _ = names.popLast()
            } else if let text = try? UTF8Span(validating: name) {
                names.append(String(copying: text))
            } else {
                return nil
            }
        }
        return names
    }

    /// Replaces `%XX` by its octet; a `%` that no two digits follow stays as it is.
    private static func decodingEscapes(of path: Span<UInt8>) -> [UInt8] {
        var octets: [UInt8] = []
        var index = 0
        while index < path.count {
            if path[index] == UInt8(ascii: "%"), index + 2 < path.count,
                let escaped = octet(fromDigits: path[index + 1], path[index + 2])
            {
                octets.append(escaped)
                index += 3
            } else {
                octets.append(path[index])
                index += 1
            }
        }
        return octets
    }

    private static func octet(fromDigits digits: UInt8...) -> UInt8? {
        let text = String(decoding: digits, as: UTF8.self)
        return text.allSatisfy(\.isHexDigit) ? UInt8(text, radix: 16) : nil
    }
}

extension TreePath: CustomStringConvertible {
    /// The names between slashes, from the root.
    public var description: String { "/" + names.joined(separator: "/") }
}

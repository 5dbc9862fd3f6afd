/// A path in a tree, as names from the root: a request target in canonical form, so that each entry has one path however it was
/// requested.
///
/// Nova's rules apply: escapes are decoded first; empty names and `.` are dropped, `..` removes the last name and stops at the
/// root; a trailing slash and the query are ignored. Unlike in Nova, an encoded slash neither separates names nor belongs to one:
/// a proxy that protects `/latest/user-data` does not see that path in `/latest%2fuser-data`.
package struct TreePath: Sendable, Equatable {
    /// The longest request target that is parsed, in bytes, including its query: the longest path of any tree has some two
    /// hundred bytes, and parsing longer ones would only cost time.
    package static let longestTarget = 1024

    /// The most bytes that the names below a directory of the tables may have in a request target, percent-encoded and with the slashes
    /// between them: the directories themselves take the rest, as `/ec2/2024-04-11/meta-data/iam/security-credentials/` does. An entry
    /// with a longer name would be listed, and not found.
    package static let longestName = longestTarget - 64

    package let names: [String]

    package init(_ names: [String]) {
        self.names = names
    }

    /// Parses a request target: a path, or an absolute URL as a proxy sends it (RFC 9112 §3.2).
    ///
    /// `nil` for a target that cannot name an entry: invalid UTF-8, U+0000, an encoded slash, or more than ``longestTarget``.
    package init?(target: String) {
        guard target.utf8.count <= Self.longestTarget else { return nil }
        let octets = target.utf8Span.span
        var (start, end) = (0, octets.count)
        if octets.isEmpty || octets[0] != UInt8(ascii: "/"), let authority = Self.startOfAuthority(in: octets) {
            start = authority
            while start < end, octets[start] != UInt8(ascii: "/"), octets[start] != UInt8(ascii: "?") { start += 1 }
        }
        end = (start..<end).first { octets[$0] == UInt8(ascii: "?") || octets[$0] == UInt8(ascii: "#") } ?? end
        let path = octets.extracting(start..<end)
        let isEscaped = path.indices.contains { path[$0] == UInt8(ascii: "%") }
        guard isEscaped else {
            guard let read = Self.names(in: path) else { return nil }
            names = read
            return
        }
        guard let decoded = PercentEncoding.decoded(path, refusing: UInt8(ascii: "/")), let read = Self.names(in: decoded.span)
        else { return nil }
        names = read
    }

    /// The index of the host in a URL: after the first `://`; `nil` if there is none.
    private static func startOfAuthority(in target: Span<UInt8>) -> Int? {
        let marks = (UInt8(ascii: ":"), UInt8(ascii: "/"))
        return (0..<max(0, target.count - 2)).first { index in
            target[index] == marks.0 && target[index + 1] == marks.1 && target[index + 2] == marks.1
        }.map { $0 + 3 }
    }

    /// Splits a path without escapes, octet by octet: Swift combines a slash and a following accent into one character, which
    /// would not separate names. `nil` for invalid UTF-8.
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
}

extension TreePath: CustomStringConvertible {
    /// The names separated by slashes, from the root.
    package var description: String { "/" + names.joined(separator: "/") }
}

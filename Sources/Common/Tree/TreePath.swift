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
        var path = target[...].utf8
        if path.first != UInt8(ascii: "/"), let scheme = path.firstRange(of: "://".utf8) {
            path = path[scheme.upperBound...].drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        }
        if let end = path.firstIndex(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) {
            path = path[..<end]
        }
        if path.contains(UInt8(ascii: "%")) {
            guard let decoded = Self.decodingEscapes(of: path) else { return nil }
            self.init(path: decoded[...].utf8)
        } else {
            self.init(path: path)
        }
    }

    /// Reads a path without escapes, octet by octet: to Swift a slash and an accent behind it are one character, which is none
    /// that parts names.
    private init?(path: Substring.UTF8View) {
        guard !path.contains(0) else { return nil }
        var names: [String] = []
        names.reserveCapacity(8)
        for name in path.split(separator: UInt8(ascii: "/")) {
            switch name.count {
            case 1 where name.first == UInt8(ascii: "."): continue
            case 2 where name.allSatisfy({ $0 == UInt8(ascii: ".") }): _ = names.popLast()
            default: names.append(String(Substring(name)))
            }
        }
        self.names = names
    }

    /// Replaces `%XX` by its octet; a `%` that no two digits follow stays as it is. `nil` if what results is no text.
    private static func decodingEscapes(of path: Substring.UTF8View) -> String? {
        var octets: [UInt8] = []
        var rest = path
        while let octet = rest.popFirst() {
            if octet == UInt8(ascii: "%"), let escaped = Self.octet(fromDigits: rest.prefix(2)) {
                octets.append(escaped)
                rest = rest.dropFirst(2)
            } else {
                octets.append(octet)
            }
        }
        return String(validating: octets, as: UTF8.self)
    }

    private static func octet(fromDigits digits: Substring.UTF8View) -> UInt8? {
        let text = String(Substring(digits))
        guard text.utf8.count == 2, text.allSatisfy(\.isHexDigit) else { return nil }
        return UInt8(text, radix: 16)
    }
}

extension TreePath: CustomStringConvertible {
    /// The names between slashes, from the root.
    public var description: String { "/" + names.joined(separator: "/") }
}

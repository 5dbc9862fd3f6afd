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
        var path = target[...]
        if !path.hasPrefix("/"), let scheme = path.firstRange(of: "://") {
            path = path[scheme.upperBound...].drop { $0 != "/" && $0 != "?" }
        }
        if let end = path.utf8.firstIndex(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) {
            path = path[..<end]
        }
        guard let decoded = Self.decodingEscapes(of: path) else { return nil }
        var names: [String] = []
        for name in decoded.split(separator: "/") {
            switch name {
            case ".": continue
            case "..": _ = names.popLast()
            default: names.append(String(name))
            }
        }
        self.names = names
    }

    /// Replaces `%XX` by its octet; a `%` that no two digits follow stays as it is. `nil` if what results is no text.
    private static func decodingEscapes(of path: Substring) -> Substring? {
        guard path.utf8.contains(UInt8(ascii: "%")) else { return path.utf8.contains(0) ? nil : path }
        var octets: [UInt8] = []
        var rest = path.utf8[...]
        while let octet = rest.popFirst() {
            if octet == UInt8(ascii: "%"), let escaped = Self.octet(fromDigits: rest.prefix(2)) {
                octets.append(escaped)
                rest = rest.dropFirst(2)
            } else {
                octets.append(octet)
            }
        }
        guard let text = String(validating: octets, as: UTF8.self), !octets.contains(0) else { return nil }
        return text[...]
    }

    private static func octet(fromDigits digits: Substring.UTF8View.SubSequence) -> UInt8? {
        let text = String(Substring(digits))
        guard text.utf8.count == 2, text.allSatisfy(\.isHexDigit) else { return nil }
        return UInt8(text, radix: 16)
    }
}

extension TreePath: CustomStringConvertible {
    /// The names between slashes, from the root.
    public var description: String { "/" + names.joined(separator: "/") }
}

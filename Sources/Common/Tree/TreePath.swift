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
        let octets = Array(target.utf8)
        var path = octets[...]
        if path.first != UInt8(ascii: "/"), let scheme = path.firstRange(of: "://".utf8) {
            path = path[scheme.upperBound...].drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        }
        if let end = path.firstIndex(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) {
            path = path[..<end]
        }
        if path.contains(UInt8(ascii: "%")) {
            guard let decoded = Self.decodingEscapes(of: path) else { return nil }
            path = decoded[...]
        }
        guard !path.contains(0) else { return nil }
        names = Self.names(in: path)
    }

    /// Parts a path without escapes, octet by octet: to Swift a slash and an accent behind it are one character, which is none
    /// that parts names.
    private static func names(in path: ArraySlice<UInt8>) -> [String] {
        var names: [String] = []
        names.reserveCapacity(8)
        var rest = path
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            let name = rest[..<end]
            rest = rest[end...].dropFirst()
            if name.isEmpty || name.count == 1 && name.first == UInt8(ascii: ".") { continue }
            if name.count == 2, name.allSatisfy({ $0 == UInt8(ascii: ".") }) {
                _ = names.popLast()
            } else {
                names.append(String(decoding: name, as: UTF8.self))
            }
        }
        return names
    }

    /// Replaces `%XX` by its octet; a `%` that no two digits follow stays as it is. `nil` if what results is no text.
    private static func decodingEscapes(of path: ArraySlice<UInt8>) -> [UInt8]? {
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
        return String(validating: octets, as: UTF8.self) == nil ? nil : octets
    }

    private static func octet(fromDigits digits: ArraySlice<UInt8>) -> UInt8? {
        let text = String(decoding: digits, as: UTF8.self)
        guard digits.count == 2, text.allSatisfy(\.isHexDigit) else { return nil }
        return UInt8(text, radix: 16)
    }
}

extension TreePath: CustomStringConvertible {
    /// The names between slashes, from the root.
    public var description: String { "/" + names.joined(separator: "/") }
}

package import Common

/// A pattern of request paths, in shell style: `*` matches any characters of one name, `?` one character, and the name `**` any number of
/// names, also none.
///
/// A pattern that begins with a slash is compared with the whole path. Any other pattern matches at every depth, so that
/// `meta-data/spot/*` matches below each version and below `/ec2`. A trailing slash, the query, and other spellings of a path make no
/// difference, as they make none to the answer (``TreePath``).
package struct PathPattern: Sendable, Equatable, CustomStringConvertible {
    /// The longest pattern, in bytes; comparing takes time in proportion to it.
    package static let mostBytes = 512

    private enum Part: Sendable, Equatable {
        case name([UInt8])
        case anyNames
    }

    private let parts: [Part]
    package let description: String

    /// `nil` for a text that is empty, too long, or contains a query.
    package init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= Self.mostBytes, !text.utf8.contains(UInt8(ascii: "#")) else { return nil }
        let names = text.split(separator: "/")
        let parts = names.map { $0 == "**" ? Part.anyNames : .name(Array($0.utf8)) }
        self.parts = text.utf8.first == UInt8(ascii: "/") ? parts : [.anyNames] + parts
        description = text
    }

    /// Whether the pattern matches a path; a target that is no path is matched by `**` alone.
    package func matches(_ path: TreePath?) -> Bool {
        guard let path else { return parts.allSatisfy { $0 == .anyNames } && !parts.isEmpty }
        // reached[n]: whether the parts so far match the first n names. The work is the product of both counts, whatever the pattern.
        var reached = [Bool](repeating: false, count: path.names.count + 1)
        reached[0] = true
        for part in parts {
            switch part {
            case .anyNames:
                guard let first = reached.firstIndex(of: true) else { return false }
                for index in first..<reached.count { reached[index] = true }
            case .name(let pattern):
                for index in stride(from: path.names.count, to: 0, by: -1) {
                    reached[index] = reached[index - 1] && Self.matches(pattern, Array(path.names[index - 1].utf8))
                }
                reached[0] = false
            }
        }
        return reached[path.names.count]
    }

    /// A name of a path as a table has it.
    package enum Word: Sendable {
        case name(String)
        case one(of: [String])
        /// A name that instances choose. It is matched only behind a name that the pattern has: otherwise a misspelt name, which matches at
        /// every depth, would be taken for it.
        case any
    }

    /// Whether the pattern matches some path of a table.
    package func mayMatch(_ path: [Word]) -> Bool {
        var reached = [Bool](repeating: false, count: path.count + 1)
        reached[0] = true
        var isBehindName = true
        for part in parts {
            switch part {
            case .anyNames:
                guard let first = reached.firstIndex(of: true) else { return false }
                for index in first..<reached.count { reached[index] = true }
                isBehindName = false
            case .name(let pattern):
                for index in stride(from: path.count, to: 0, by: -1) {
                    reached[index] = reached[index - 1] && Self.mayMatch(pattern, path[index - 1], isBehindName)
                }
                reached[0] = false
                isBehindName = true
            }
        }
        return reached[path.count]
    }

    private static func mayMatch(_ pattern: [UInt8], _ word: Word, _ isBehindName: Bool) -> Bool {
        switch word {
        case .name(let name): matches(pattern, Array(name.utf8))
        case .one(let names): names.contains { matches(pattern, Array($0.utf8)) }
        case .any: isBehindName
        }
    }

    /// Whether one name matches. On a mismatch only the last star is extended: an earlier one could match no more than it did.
    private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var (position, index) = (0, 0)
        var star: (position: Int, index: Int)?
        while index < name.count {
            if position < pattern.count, pattern[position] == UInt8(ascii: "*") {
                star = (position, index)
                position += 1
            } else if position < pattern.count, pattern[position] == UInt8(ascii: "?") || pattern[position] == name[index] {
                (position, index) = (position + 1, index + 1)
            } else if let last = star {
                star = (last.position, last.index + 1)
                (position, index) = (last.position + 1, last.index + 1)
            } else {
                return false
            }
        }
        return pattern[position...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

internal import CYAML
import Common

/// What PyYAML refuses, with which cloud-init reads YAML, although libyaml accepts it: a tab outside of quotation marks, block texts and
/// comments, and a tag that it does not know.
package enum PyYAMLCheck {
    package struct Fault: Sendable, Equatable {
        /// Counted from 1.
        package let line: Int
        package let problem: String
        /// Whether it is a tab.
        package var isTab = false
    }

    /// The faults of a text, up to the first error at which libyaml itself stops.
    ///
    /// - Parameter most: the most faults to return; at most one of each kind in a line.
    package static func faults(in text: String, most: Int = 20) -> [Fault] {
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "\t")) || bytes.contains(UInt8(ascii: "!")) else { return [] }
        var walk = Walk(text, most: most)
        let tokens = Tokens(bytes)
        while walk.faults.count < most, let token = tokens.next() { walk.visit(token) }
        return walk.faults
    }

    /// A token of libyaml's scanner. Positions count characters, without a byte order mark.
    fileprivate struct Token {
        enum Kind {
            /// A text without quotation marks.
            case plain
            case tag(String)
            case other
        }

        let kind: Kind
        let range: Range<Int>
    }

    /// Follows the tokens through the text, and looks at what is between them.
    private struct Walk {
        private let scalars: [Unicode.Scalar]
        private let most: Int
        private var position = 0
        private var line = 1
        private(set) var faults: [Fault] = []

        init(_ text: String, most: Int) {
            let all = Array(text.unicodeScalars)
            (scalars, self.most) = (all.first == "\u{FEFF}" ? Array(all.dropFirst()) : all, most)
        }

        mutating func visit(_ token: Token) {
            advance(to: token.range.lowerBound, isGap: true)
            if case .tag(let name) = token.kind, !PyYAMLCheck.tags.contains(name) {
                add("cloud-init knows no YAML tag '\(name.prefix(40))'")
            }
            if case .plain = token.kind {
                advance(to: token.range.upperBound, isPlain: true)
            } else {
                advance(to: token.range.upperBound)
            }
        }

        private mutating func advance(to end: Int, isGap: Bool = false, isPlain: Bool = false) {
            var isComment = false
            while position < min(end, scalars.count) {
                switch scalars[position] {
                case "\n": (line, isComment) = (line + 1, false)
                case "\r" where position + 1 == scalars.count || scalars[position + 1] != "\n":
                    (line, isComment) = (line + 1, false)
                case "#" where isGap: isComment = true
                case "\t" where isPlain || isGap && !isComment:
                    add("a tab separates or indents here: cloud-init's YAML allows spaces only", isTab: true)
                default: break
                }
                position += 1
            }
        }

        private mutating func add(_ problem: String, isTab: Bool = false) {
            let fault = Fault(line: line, problem: problem, isTab: isTab)
            if faults.count < most, !faults.contains(fault) { faults.append(fault) }
        }
    }

    /// The tags of PyYAML's `SafeLoader`, and the one that stands for none.
    private static let tags: Set<String> = Set(
        [
            "null", "bool", "int", "float", "binary", "timestamp", "omap", "pairs", "set", "str", "seq", "map", "merge", "value",
        ].map { "tag:yaml.org,2002:\($0)" } + ["!"])

    /// libyaml's scanner.
    fileprivate final class Tokens {
        private let parser: YAMLParser?
        private var isOver = false

        init(_ text: [UInt8]) { parser = YAMLParser(text) }

        /// The next token; `nil` at the end and after an error.
        func next() -> Token? {
            guard let parser, !isOver else { return nil }
            var token = unsafe yaml_token_t()
            guard unsafe parser.use({ parser, _ in unsafe yaml_parser_scan(parser, &token) }) == 1 else {
                isOver = true
                return nil
            }
            defer { unsafe yaml_token_delete(&token) }
            let (start, end) = unsafe (Int(token.start_mark.index), Int(token.end_mark.index))
            isOver = unsafe token.type == YAML_STREAM_END_TOKEN
            return Token(kind: unsafe Self.kind(token), range: start..<max(start, end))
        }

        private static func kind(_ token: yaml_token_t) -> Token.Kind {
            switch unsafe token.type {
            case YAML_SCALAR_TOKEN where unsafe token.data.scalar.style == YAML_PLAIN_SCALAR_STYLE: .plain
            case YAML_TAG_TOKEN:
                unsafe .tag(name(handle: text(token.data.tag.handle) ?? "", suffix: text(token.data.tag.suffix) ?? ""))
            default: .other
            }
        }

        private static func name(handle: String, suffix: String) -> String {
            handle == "!!" ? "tag:yaml.org,2002:" + suffix : handle + suffix
        }
    }
}

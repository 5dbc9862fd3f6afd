/// A value of a YAML document with its line. The reader decides the type of a scalar.
package struct YAMLNode: Sendable {
    package enum Content: Sendable {
        /// A text; plain if it is written without quotation marks.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// In document order, without duplicate keys unless its reader allows them.
        case mapping([Entry])
    }

    package struct Entry: Sendable {
        package let key: YAMLNode
        package let value: YAMLNode
    }

    package let content: Content
    /// Counted from 1.
    package let line: Int
    /// The complete tag that is written before the value, such as `tag:yaml.org,2002:str` for `!!str`.
    package let tag: String?

    package init(content: Content, line: Int, tag: String? = nil) {
        (self.content, self.line, self.tag) = (content, line, tag)
    }

    /// The text of a scalar; `nil` for other values.
    package var text: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    /// The spellings of null in YAML 1.2's core schema (§10.3.2).
    private static let nulls = ["", "~", "null", "Null", "NULL"]

    package var isNull: Bool {
        if case .scalar(let text, isPlain: true) = content { Self.nulls.contains(text) } else { false }
    }
}

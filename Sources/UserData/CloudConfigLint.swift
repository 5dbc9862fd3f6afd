import Common
import YAML

/// Examines cloud-config: YAML as cloud-init's PyYAML reads it, with keys that its modules know.
enum CloudConfigLint {
    typealias Remark = UserDataLint.Remark

    static func remarks(on text: String) -> [Remark] {
        let (root, found) = root(of: text)
        var remarks = found
        guard let root else { return remarks }
        switch root.content {
        case .mapping(let entries): remarks += keys(entries)
        case .scalar where root.isNull: remarks.append(Remark("has no keys: cloud-init reports an empty cloud-config"))
        default:
            remarks.append(Remark(line: root.line, "expected a mapping of keys to values, such as 'packages: [htop]'"))
        }
        return remarks + templateRemarks(TextLines(text))
    }

    /// Parses YAML.
    ///
    /// - Returns: the document, a null one for an empty text; `nil` where it cannot be read.
    static func root(of text: String) -> (root: YAMLNode?, remarks: [Remark]) {
        var duplicates: [YAMLDocument.DuplicateKey] = []
        do throws(ParseError) {
            let root = try YAMLDocument.root(of: Array(text.utf8), duplicates: &duplicates)
            guard let root else { return (YAMLNode(content: .scalar("", isPlain: true), line: 1), []) }
            var remarks = PyYAMLCheck.faults(in: text).map { Remark(line: $0.line, invalidYAML: $0.problem) }
            if let line = unusableKey(in: root) {
                let problem = "a mapping or list is used as a key; put a value that begins with '{' in quotes"
                remarks.append(Remark(line: line, invalidYAML: problem + (text.contains("{{") ? templateAdvice : "")))
            }
            remarks += duplicates.map {
                Remark(line: $0.line, "duplicate key '\(shown($0.key))', first in line \($0.first): only the last one counts")
            }
            return (root, remarks)
        } catch {
            return (nil, [Remark(line: error.line, invalidYAML: error.problem + advice(on: error, in: text))])
        }
    }

    private static let templateAdvice =
        "; if this is a Jinja template, its first line must be '## template: jinja'"

    private static func advice(on error: ParseError, in text: String) -> String {
        let lines = TextLines(text).all
        if let line = error.line, lines.indices.contains(line - 1), lines[line - 1].contains("\t") {
            return "; the line has a tab: YAML is indented by spaces"
        }
        // Editors and web pages write it for a space; the parser often stops in the next line.
        if let line = lines.firstIndex(where: { $0.unicodeScalars.contains("\u{A0}") }), line < (error.line ?? 1) {
            return "; line \(line + 1) has a no-break space (U+00A0): YAML is indented by plain spaces"
        }
        return text.contains("{%") || text.contains("{{") ? templateAdvice : ""
    }

    /// The line of a key that is no scalar, which Python cannot keep in a dictionary.
    private static func unusableKey(in node: YAMLNode) -> Int? {
        switch node.content {
        case .scalar: return nil
        case .sequence(let items): return items.lazy.compactMap(unusableKey).first
        case .mapping(let entries):
            return entries.lazy.compactMap { $0.key.text == nil ? $0.key.line : unusableKey(in: $0.value) }.first
        }
    }

    private static func keys(_ entries: [YAMLNode.Entry]) -> [Remark] {
        var remarks: [Remark] = []
        for entry in entries {
            // To find the key that is meant takes long, and the remarks after the first ones are only counted.
            guard let key = entry.key.text, key != "<<",
                let problem = CloudConfigKeys.problem(with: key, advises: remarks.count <= UserDataLint.mostRemarks)
            else { continue }
            remarks.append(Remark(line: entry.key.line, problem))
        }
        return remarks
    }

    /// Variables of cloud-init's templates in a text that is none.
    static func templateRemarks(_ lines: TextLines) -> [Remark] {
        guard lines.text.contains("{{") else { return [] }
        let beginnings = ["{{ ds.", "{{ds.", "{{- ds.", "{{ v1.", "{{v1.", "{{- v1."]
        let index = lines.all.firstIndex { line in
            beginnings.contains { line.contains($0) } && !line.trimmingWhitespace().hasPrefix("#")
        }
        guard let index else { return [] }
        let problem = "a variable of cloud-init's templates, which is rendered only if the first line is '## template: jinja'"
        return [Remark(line: index + 1, problem)]
    }
}

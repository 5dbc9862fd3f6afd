import FoundationEssentials

/// A recorded traversal of a tree: every path that listings lead to, in their order, with its content.
///
/// It follows listings as cloud-init does: `name/` is a directory, `0=name` leads to `0/`, and any other line is an entry of that
/// name. A line that leads to no node becomes visible.
package struct Walk: Sendable {
    /// One path of the traversal.
    package struct Step: Sendable {
        package let path: TreePath
        /// Whether the node is a directory, whose content is its listing.
        package let isDirectory: Bool
        /// The content at the path; `nil` if a listing names a path without a node.
        package let content: Content?

        /// One line for the path, followed by its content, indented; binary content as base64.
        package var text: String {
            guard let content else { return "\(path)  leads nowhere\n" }
            let bytes = content.bytes
            let kind = content.type == .json ? "json" : "text"
            return "\(path)  \(kind), \(bytes.count) bytes\n" + Walk.shown(bytes)
        }
    }

    /// The paths, each directory before its entries.
    package private(set) var steps: [Step] = []

    /// Traverses a view's tree from a path.
    ///
    /// - Throws: `Unsigned` if a signature is missing.
    package init(through view: some MetadataView, from start: TreePath, for question: Question) throws(Unsigned) {
        try visit(start, view, question)
    }

    private mutating func visit(_ path: TreePath, _ view: some MetadataView, _ question: Question) throws(Unsigned) {
        let node = view.node(at: path, for: question)
        guard case .directory(let directory) = node else {
            steps.append(Step(path: path, isDirectory: false, content: try node?.content))
            return
        }
        steps.append(Step(path: path, isDirectory: true, content: try node?.content))
        for line in directory.listing.unicodeScalars.split(separator: "\n") {
            try visit(TreePath(path.names + [Self.name(shownAs: line)]), view, question)
        }
    }

    private static func name(shownAs line: Substring.UnicodeScalarView) -> String {
        if line.last == "/" { return String(line.dropLast()) }
        let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
        return parts.count == 2 && Int(parts[0]) != nil ? parts[0] : String(line)
    }

    /// The traversal as text that is readable and works with `diff`.
    package var text: String { steps.map(\.text).joined() }

    private static func shown(_ bytes: [UInt8]) -> String {
        guard !bytes.isEmpty else { return "" }
        let text = String(validating: bytes, as: UTF8.self)
        let isPlain =
            text?.unicodeScalars.allSatisfy { $0 == "\n" || $0 == "\t" || $0.properties.generalCategory != .control } ?? false
        guard let text, isPlain else { return "    base64: \(Data(bytes).base64EncodedString())\n" }
        return text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { "    \(String($0))\n" }.joined()
    }
}

import FoundationEssentials

/// A guest's walk through a tree, written down: every place that listings lead to, in their order, with what is read there.
///
/// It moves as cloud-init moves, by the lines of the listings alone: `name/` is a directory, `0=name` leads to `0/`, and anything
/// else is a place of that name. So a line that leads nowhere shows.
public struct Walk: Sendable {
    /// One place of a walk.
    public struct Step: Sendable {
        /// Where it is.
        public let path: TreePath
        /// What is read there; `nil` where a listing leads to nothing.
        public let content: Content?

        /// A line for the place, then what is read there, indented; what is no plain text as base64.
        public var text: String {
            guard let content else { return "\(path)  leads nowhere\n" }
            let bytes = content.bytes
            let kind = content.type == .json ? "json" : "text"
            return "\(path)  \(kind), \(bytes.count) bytes\n" + Walk.shown(bytes)
        }
    }

    /// The places, each directory before what it holds.
    public private(set) var steps: [Step] = []

    /// A walk through a view's tree from a place on.
    public init(through view: some MetadataView, from start: TreePath, for question: Question) {
        visit(start, view, question)
    }

    private mutating func visit(_ path: TreePath, _ view: some MetadataView, _ question: Question) {
        let node = view.node(at: path, for: question)
        steps.append(Step(path: path, content: node?.content))
        guard case .directory(let directory) = node else { return }
        for line in directory.listing.unicodeScalars.split(separator: "\n") {
            visit(TreePath(path.names + [Self.name(shownAs: line)]), view, question)
        }
    }

    private static func name(shownAs line: Substring.UnicodeScalarView) -> String {
        if line.last == "/" { return String(line.dropLast()) }
        let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
        return parts.count == 2 && Int(parts[0]) != nil ? parts[0] : String(line)
    }

    /// The walk as a text that people and `diff` can read.
    public var text: String { steps.map(\.text).joined() }

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

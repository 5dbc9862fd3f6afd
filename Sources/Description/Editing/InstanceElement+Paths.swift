package import Common
import XML

extension InstanceElement {
    /// The paths of all values, in the order of the element, as `unset` takes them. What no path names, such as a misspelt element, is left
    /// out; ``isRemoved(byUnsetting:)`` finds it.
    package var paths: [ElementPath] {
        guard let text, let root = try? XMLDocument(parsing: Array(text.utf8)).root else { return [] }
        var known: Set<String> = []
        return Self.paths(below: root, at: "").compactMap { path in
            guard let path = try? ElementPath(path), known.insert(path.description).inserted else { return nil }
            return path
        }
    }

    /// Whether nothing is left without the values at these paths.
    package func isRemoved(byUnsetting paths: [ElementPath]) throws(ParseError) -> Bool {
        var rest = self
        for path in paths { _ = try rest.unset(path) }
        return rest.text == nil
    }

    /// The vocabulary bounds the depth: elements without children of their own in it are not followed.
    private static func paths(below parent: XMLElement, at prefix: String) -> [String] {
        parent.children.flatMap { child -> [String] in
            let key = Vocabulary.key(of: child.name, in: parent.name)
            let path = prefix + child.name + (key.flatMap { child.attribute($0) }.map { "[\($0)]" } ?? "")
            let values = Vocabulary.attributes[child.name] ?? []
            let attributes = child.attributes.filter { $0 != key && values.contains($0) }.map { "\(path)@\($0)" }
            if Vocabulary.children[child.name] != nil { return paths(below: child, at: path + "/") + attributes }
            return child.trimmedText.isEmpty && !attributes.isEmpty ? attributes : [path]
        }
    }
}

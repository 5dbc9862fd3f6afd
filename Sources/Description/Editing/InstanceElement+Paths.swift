package import Common
import XML

extension InstanceElement {
    /// The paths of all values, in the order of the element, as `unset` takes them. What no path names, such as a misspelt element, is left
    /// out, and what is behind more than ``mostBytesOfPaths``; ``isRemoved(byUnsetting:)`` finds it.
    package var paths: [ElementPath] {
        guard let text, let root = try? XMLDocument(parsing: Array(text.utf8)).root else { return [] }
        var (seen, known): (Set<String>, Set<String>) = ([], [])
        var (paths, left): ([ElementPath], Int) = ([], Self.mostBytesOfPaths)
        Self.visit(below: root, at: "", &left) { text in
            guard seen.insert(text).inserted, let path = try? ElementPath(text), known.insert(path.description).inserted else {
                return
            }
            paths.append(path)
        }
        return paths
    }

    /// An author can have the name of one element repeated in the path of each below it.
    static let mostBytesOfPaths = 16 << 20

    /// Whether nothing is left without the values at these paths.
    package func isRemoved(byUnsetting paths: [ElementPath]) throws(ParseError) -> Bool {
        var rest = self
        for path in paths { _ = try rest.unset(path) }
        return rest.text == nil
    }

    /// Calls `body` with each path, the same one for several elements too, for as long as bytes are left. The vocabulary bounds the depth:
    /// elements without children of their own in it are not followed.
    private static func visit(below parent: XMLElement, at prefix: String, _ left: inout Int, _ body: (String) -> Void) {
        for child in parent.children {
            guard left > 0 else { return }
            let key = Vocabulary.key(of: child.name, in: parent.name)
            let path = prefix + child.name + (key.flatMap { child.attribute($0) }.map { "[\($0)]" } ?? "")
            left -= path.utf8.count
            let values = Vocabulary.attributes[child.name] ?? []
            let attributes = child.attributes.filter { $0 != key && values.contains($0) }.map { "\(path)@\($0)" }
            let hasChildren = Vocabulary.children[child.name] != nil
            if hasChildren { visit(below: child, at: path + "/", &left, body) }
            if !hasChildren, attributes.isEmpty || !child.trimmedText.isEmpty { body(path) } else { attributes.forEach(body) }
        }
    }
}

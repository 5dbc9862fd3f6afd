import Common
import XML

/// The lines of the values of an instance element, by `LayeredValue.Entry.id`.
enum ElementLines {
    static func lines(of instance: XMLElement) -> [String: Int] {
        var lines: [String: Int] = [:]
        visit(instance, Vocabulary.root, "", &lines)
        return lines
    }

    private static func visit(_ parent: XMLElement, _ name: String, _ path: String, _ lines: inout [String: Int]) {
        for child in parent.children {
            let key = Vocabulary.key(of: child.name, in: name).flatMap { child.attribute($0) }
            let own = path + child.name + (key.map { "[\($0)]" } ?? "")
            func add(_ path: String, _ discriminator: String = "") {
                let id = LayeredValue.Entry(path: path, text: nil, discriminator: discriminator).id
                if lines[id] == nil { lines[id] = child.line }
            }
            add(own)
            for attribute in Vocabulary.attributes[child.name] ?? [] where child.attribute(attribute) != nil {
                add("\(own)@\(attribute)")
            }
            // Items of a list without a key, and values of an interface, have their text.
            if key == nil, !child.hasChildElements, !Vocabulary.holdsBytes.contains(child.name) { add(own, child.trimmedText) }
            // Values in elements with a longer key are not read, and each would have that key in its path.
            if child.hasChildElements, own.utf8.count <= TreePath.longestName { visit(child, child.name, own + "/", &lines) }
        }
    }
}

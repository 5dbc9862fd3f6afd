import Common
import XML

/// Reports what an element holds that nothing is read from: unknown attributes, text between elements, elements in a text.
extension OperatorMetadataReader {
    /// Reports what is wrong with the form of an element.
    ///
    /// - Parameters:
    ///   - parent: the name of the element around it.
    ///   - path: the path of that element, with a slash at its end.
    /// - Returns: whether the element can be read.
    func reviewForm(
        of element: XMLElement, in parent: String, path: String = "", _ metadata: inout OperatorMetadata
    ) -> Bool {
        reviewAttributes(of: element, in: parent, path: path, &metadata)
        switch Vocabulary.form(of: element.name, in: parent) {
        case .elements: reviewText(of: element, path: path, &metadata) { Self.shownElements(in: element.name) }
        case .attributes:
            let known = { Self.list(Vocabulary.knownAttributes(of: element.name, in: parent)) }
            reviewText(of: element, path: path, &metadata) { "the attributes \(known())" }
            for child in element.children where child.namespace == namespace {
                reject(child, path: path + element.name + "/", "unknown element: expected the attributes \(known())", &metadata)
            }
        case .bytes: break
        case .json: return hasNoElements(element, path: path, "JSON", &metadata)
        case .text: return hasNoElements(element, path: path, "text", &metadata)
        case .line: return hasNoElements(element, path: path, "one line of text", &metadata)
        }
        return true
    }

    private func reviewAttributes(
        of element: XMLElement, in parent: String, path: String, _ metadata: inout OperatorMetadata
    ) {
        let names = element.attributes
        guard !names.isEmpty || namespace != nil else { return }
        let known = Vocabulary.knownAttributes(of: element.name, in: parent)
        for name in names where !known.contains(name) {
            func advice() -> String {
                if let near = nearestWord(to: name, among: known) { return "; did you mean '\(near)'?" }
                return known.isEmpty ? ": expected none" : ": expected \(Self.list(known))"
            }
            reject(element, path: path, "unknown attribute '\(shown(name))'\(advice())", &metadata)
        }
        guard let namespace else { return }
        for name in element.attributes(in: namespace) {
            reject(
                element, path: path, "the attribute '\(shown(name))' has a prefix, so that it is not read: write it without",
                &metadata)
        }
    }

    private func reviewText(
        of element: XMLElement, path: String, _ metadata: inout OperatorMetadata, _ expectation: () -> String
    ) {
        guard !element.trimmedText.isEmpty else { return }
        // It may be a key, and what is reported is logged.
        reject(element, path: path, "the text is not read: expected \(expectation())", &metadata)
    }

    private func hasNoElements(
        _ element: XMLElement, path: String, _ expectation: String, _ metadata: inout OperatorMetadata
    ) -> Bool {
        guard element.hasChildElements else { return true }
        reject(element, path: path, "contains elements: expected \(expectation)", &metadata)
        return false
    }

    private static func shownElements(in name: String) -> String {
        let children = name == Vocabulary.root ? Vocabulary.elements : Vocabulary.children[name] ?? []
        let names = children.sorted().prefix(4).map { "<\($0)>" }
        return "elements such as " + names.joined(separator: ", ")
    }

    private static func list(_ names: Set<String>) -> String { names.sorted().joined(separator: ", ") }
}

package import Common
import FoundationEssentials
import XML

extension InstanceElement {
    /// The `<instance>` element of an operator's file, in virt-metadata's namespace or in none.
    ///
    /// - Throws: ``DefinitionFailure`` where it is another element.
    package static func text(of file: String) throws(DefinitionFailure) -> String {
        do {
            var edited = try EditedXML(Array(file.utf8))
            let root = edited.root
            guard root.name == Vocabulary.root, root.namespace == nil || root.namespace == namespace else {
                throw DefinitionFailure("expected <\(Vocabulary.root)> as the outermost element, found <\(shown(root.name))>")
            }
            guard edited.text(of: root).hasPrefix("<\(Vocabulary.root)") else {
                throw DefinitionFailure("write <\(Vocabulary.root)> without a prefix: libvirt adds its own")
            }
            if root.namespace != nil { try edited.setAttribute("xmlns", of: root, to: nil) }
            return edited.text(of: edited.root)
        } catch let error as ParseError {
            throw DefinitionFailure("invalid XML: \(error)")
        } catch let failure as DefinitionFailure {
            throw failure
        } catch {
            throw DefinitionFailure("\(error)")
        }
    }

    /// The operator's element in a domain's XML, with any prefix; empty where there is none.
    ///
    /// - Throws: ``DefinitionFailure`` where its elements have several forms of the namespace.
    init(in domain: EditedXML) throws {
        guard let element = domain.root.first("metadata")?.first(Vocabulary.root, namespace: Self.namespace) else {
            self.init(nil)
            return
        }
        let text = XMLPrefix.removed(from: domain.text(of: element))
        let root = try XMLDocument(parsing: text).root
        guard root.namespace == nil, !Self.hasNamespace(below: root) else {
            throw DefinitionFailure(
                "line \(element.line): the elements of <\(Vocabulary.root)> have several prefixes for one namespace: use one")
        }
        self.init(text)
    }

    private static func hasNamespace(below element: XMLElement) -> Bool {
        element.children.contains { $0.namespace == namespace || $0.namespace == nil && hasNamespace(below: $0) }
    }

    /// The XML of the elements directly below, by name.
    var contents: [String: [String]] {
        guard let text, let document = try? EditedXML(Array(text.utf8)) else { return [:] }
        return Dictionary(grouping: document.root.children, by: \.name).mapValues { $0.map(document.text) }
    }

    /// Whether there are no values.
    package var isEmpty: Bool { contents.isEmpty }

    /// Bytes as base64 (RFC 4648 §4), in lines of 76.
    static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
    }

    /// The parsed value at a path, so that different spellings compare equal; `nil` where there is none.
    package func value(at path: ElementPath) throws(ParseError) -> String? {
        guard let written = try written(at: path), path.attribute == nil else { return try written(at: path) }
        let elements = try XMLDocument(parsing: Array("<all>\(written)</all>".utf8)).root.children
        return elements.map { ($0.attribute("encoding").map { $0 + ":" } ?? "") + $0.trimmedText }.joined(separator: "\n")
    }

    /// Restores the value at a path, as returned by `written(at:)`.
    mutating func restore(_ written: String, at path: ElementPath) throws {
        if path.attribute != nil { return try set(Assignment(path: path, value: Array(written.utf8))) }
        // Creates an empty element at the path, then replaces it by the former one.
        try set(Assignment(path: path, value: []))
        guard let text else { return }
        var edited = try EditedXML(Array(text.utf8))
        guard let empty = Self.elements(at: path.steps[...], of: edited.root).first else { return }
        try edited.replace(empty, by: written)
        self = InstanceElement(edited.text)
    }
}

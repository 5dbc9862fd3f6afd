import FoundationEssentials
import XML

extension InstanceElement {
    /// The element of a file that a person has written: `<instance>`, in our namespace or in none.
    ///
    /// - Throws: ``DefinitionFailure`` where it is something else.
    public static func text(of file: String) throws(DefinitionFailure) -> String {
        do {
            var edited = try EditedXML(Array(file.utf8))
            let root = edited.root
            guard root.name == Vocabulary.root, root.namespace == nil || root.namespace == namespace else {
                throw DefinitionFailure("the outermost element must be <\(Vocabulary.root)>, and is <\(shown(root.name))>")
            }
            guard edited.text(of: root).hasPrefix("<\(Vocabulary.root)") else {
                throw DefinitionFailure("write <\(Vocabulary.root)> without a prefix: libvirt gives it its own")
            }
            if root.namespace != nil { try edited.setAttribute("xmlns", of: root, to: nil) }
            return edited.text(of: edited.root)
        } catch let error as XMLError {
            throw DefinitionFailure("this is no XML: \(error)")
        } catch let failure as DefinitionFailure {
            throw failure
        } catch {
            throw DefinitionFailure("\(error)")
        }
    }

    /// Bytes as base64 (RFC 4648 §4), in lines of 76.
    static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
    }

    /// What a path leads to as a parser reads it, so that two ways of writing the same are the same; `nil` where there is nothing.
    func value(at path: ElementPath) throws(XMLError) -> String? {
        guard let written = try written(at: path), path.attribute == nil else { return try written(at: path) }
        let elements = try XMLDocument(parsing: Array("<all>\(written)</all>".utf8)).root.children
        return elements.map { ($0.attribute("encoding").map { $0 + ":" } ?? "") + $0.trimmedText }.joined(separator: "\n")
    }

    /// Puts back what stood at a path, as `written(at:)` gave it.
    mutating func restore(_ written: String, at path: ElementPath) throws {
        if path.attribute != nil { return try set(Assignment(path: path, value: Array(written.utf8))) }
        // First a place for it, then what somebody wrote there.
        try set(Assignment(path: path, value: []))
        guard let text else { return }
        var edited = try EditedXML(Array(text.utf8))
        guard let place = Self.elements(at: path.steps[...], of: edited.root).first else { return }
        try edited.replace(place, by: written)
        self = InstanceElement(edited.text)
    }
}

package import Common
import XML

extension DomainDefinition {
    /// The domain's XML for comparison by the operator: virt-metadata's elements always have the same layout, regardless of libvirt's,
    /// so that two versions differ only where the content differs.
    ///
    /// - Parameters:
    ///   - showsSecrets: whether to show user data, files, credentials and passwords, and not only their size.
    ///   - old: the definition before an edit.
    package func laidOut(showingSecrets showsSecrets: Bool, since old: DomainDefinition? = nil) throws(ParseError) -> String {
        var shown = document
        let metadata = { (root: XMLElement) in root.first("metadata") }
        if let element = metadata(shown.root)?.first(Vocabulary.root, namespace: Vocabulary.namespace) {
            let visible = showsSecrets ? instance : try instance.withoutSecrets(since: old?.instance)
            if let text = try visible.namespaced {
                try shown.replace(element, by: XMLLayout.laidOut(text, indentation: Self.indentation))
            }
        }
        if let element = EnableRecord.element(in: shown.root), var record = EnableRecord(in: shown.root) {
            if !showsSecrets { record.hideSecrets() }
            try shown.replace(element, by: XMLLayout.laidOut(record.xml, indentation: Self.indentation))
        }
        if !showsSecrets { try Self.hidePasswords(in: &shown) }
        return shown.text
    }

    /// Conceals the password of the guest, and those of graphics, which a file may have.
    private static func hidePasswords(in document: inout EditedXML) throws(ParseError) {
        if let element = PasswordElement.element(in: document.root) {
            let prefix = PasswordElement.prefix
            try document.replace(
                element, by: "<\(prefix):password xmlns:\(prefix)='\(PasswordElement.namespace)'>(hidden)</\(prefix):password>")
        }
        let graphics = document.root.all("devices", "graphics").filter { $0.attribute("passwd") != nil }
        try document.setAttribute("passwd", of: graphics, to: "(hidden)")
    }
}

extension EnableRecord {
    /// Conceals the former values of secrets, and their digests.
    fileprivate mutating func hideSecrets() {
        values = values.map { value in
            guard InstanceElement.isSecret(value.path) else { return value }
            // A digest of a short secret can be reversed by trying all.
            let was = value.was.map { "(\(InstanceElement.bytes($0.utf8.count)))" }
            return Value(path: value.path, digest: "(hidden)", was: was)
        }
    }
}

import Common
import XML

extension InstanceAssembly {
    /// Notes on what a guest would stumble over at its first boot: user data, vendor data and the host name.
    ///
    /// - Parameters:
    ///   - domain: the root of the domain's XML.
    ///   - definition: the root of the XML that has the operator's element.
    ///   - parts: the parts of the user data, the domain's own and those that are told to many.
    static func firstBootNotes(
        on instance: Instance, _ domain: XMLElement, _ definition: XMLElement, parts: [UserDataPart], hostname: String?
    ) -> [Finding] {
        var notes: [Finding] = []
        if hostname != instance.names.hostname, let problem = Hostname.remark(on: instance.names.hostname) {
            notes.append(Finding(.note, line: domain.first("name")?.line ?? domain.line, element: "name", problem))
        }
        for part in parts {
            // One part is served as it is, whatever type its author wrote.
            let type = parts.count > 1 ? part.type : nil
            // Among several parts, one that begins with no header is reported already.
            if parts.count > 1, type == nil, MultipartMessage.mediaType(of: part.content) == nil { continue }
            notes += UserDataLint.remarks(on: part.content, type: type).map { part.finding(.note, $0.description) }
            if parts.count == 1, let remark = UserDataLint.remark(onSize: part.content.count) {
                notes.append(part.finding(.note, remark.description))
            }
        }
        if let value = instance.documents.vendorData {
            let metadata = definition.first("metadata")
            let own = metadata?.first(Vocabulary.root, namespace: Vocabulary.namespace)?
                .first("vendordata", namespace: Vocabulary.namespace)
            let line = (own ?? metadata?.first("vendordata") ?? metadata ?? definition).line
            notes += UserDataLint.remarks(onVendorData: value).map {
                Finding(.note, line: line, element: "vendordata", $0.description)
            }
        }
        return notes
    }
}

import Common
import XML

extension InstanceAssembly {
    /// Notes on what a guest would stumble over at its first boot: user data, vendor data and the host name.
    ///
    /// - Parameters:
    ///   - domain: the root of the domain's XML.
    ///   - metadata: the operator's values, the domain's own and those that are told to many.
    static func firstBootNotes(on instance: Instance, _ domain: XMLElement, _ metadata: OperatorMetadata) -> [Finding] {
        let (parts, hostname) = (metadata.userDataParts, metadata.hostname)
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
            let place = metadata.vendorDataPlace
            notes += UserDataLint.remarks(onVendorData: value).map {
                Finding(.note, line: place.line, element: "vendordata", $0.description, file: place.file)
            }
        }
        return notes
    }
}

import Common
import UserData
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
            notes += findings(of: UserDataLint.remarks(on: part.content, type: type), on: part, type)
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

    /// Notes, and the warning for the remark that tells why cloud-init ignores the whole part.
    private static func findings(of remarks: [UserDataLint.Remark], on part: UserDataPart, _ type: String?) -> [Finding] {
        let fatal: Int?
        switch type ?? MultipartMessage.mediaType(of: part.content) {
        case nil: fatal = isForOthers(part.content) || remarks.isEmpty ? nil : 0
        // Of a message, one part only.
        case "multipart/mixed"?: fatal = nil
        default: fatal = remarks.firstIndex(where: \.isInvalidYAML)
        }
        return remarks.enumerated().map { index, remark in
            guard index == fatal else { return part.finding(.note, remark.description) }
            return part.ignored(because: "cloud-init ignores this user data: \(remark)")
        }
    }

    /// Whether a text without one of cloud-init's headers is meant for another agent: Ignition's JSON, and scripts of Windows.
    private static func isForOthers(_ content: [UInt8]) -> Bool {
        let start = content.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }.prefix(8)
        return start.first == UInt8(ascii: "{") || start.first == UInt8(ascii: "<") || start.starts(with: "#ps1".utf8)
            || String(decoding: start, as: UTF8.self).lowercased().hasPrefix("rem cmd")
    }
}

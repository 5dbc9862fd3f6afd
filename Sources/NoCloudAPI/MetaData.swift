import Common
import JSON

/// `meta-data`: YAML, of which JSON is a part.
///
/// The instance's identifier is the EC2 tree's, which stays the same as long as the domain does: cloud-init runs what is once for an
/// instance when it reads another.
func metaData(of instance: Instance) -> JSONValue {
    let keys = instance.publicKeys.flatMap(\.formats).filter { $0.name == "openssh-key" }.map { JSONValue.string($0.value) }
    let placement = { (name: String) in instance.placement.first { $0.name == name }?.value }
    let members: [JSONMember?] = [
        JSONMember("instance-id", .string(instance.id)),
        JSONMember("local-hostname", .string(instance.hostname)),
        keys.isEmpty ? nil : JSONMember("public-keys", .array(keys)),
        placement("availability-zone").map { JSONMember("availability-zone", .string($0)) },
        placement("region").map { JSONMember("region", .string($0)) },
    ]
    return .object(members.compactMap(\.self))
}

/// `vendor-data`: what the operator wrote for the OpenStack documents, as cloud-init's OpenStack source takes it out of their JSON: a text,
/// or the member `cloud-init` of an object; several parts become an archive of them. Anything else is not for cloud-init.
func vendorData(of instance: Instance) -> String {
    text(of: instance.vendorData)
}

private func text(of value: JSONValue?) -> String {
    switch value {
    case .string(let text): return text
    case .array(let parts):
        let texts = parts.compactMap { part in if case .string(let text) = part { JSONValue.string(text) } else { nil } }
        return texts.isEmpty ? "" : "#cloud-config-archive\n" + JSONEncoding.text(.array(texts)) + "\n"
    case .object:
        // One level down, as there: what is below that is somebody else's.
        if case .object? = value?["cloud-init"] { return "" }
        return text(of: value?["cloud-init"])
    case .null, .bool, .integer, .real, nil: return ""
    }
}

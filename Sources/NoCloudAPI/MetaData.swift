import Common
import JSON

/// `meta-data`: JSON, which is YAML with the same meaning (``JSONEncoding/yamlText(_:)``).
///
/// The instance identifier is the same as in the EC2 tree and stays the same for the lifetime of the domain: cloud-init runs its
/// once-per-instance modules when the identifier changes.
func metaData(of instance: Instance) -> JSONValue {
    let keys = instance.access.publicKeys.flatMap(\.formats).filter { $0.name == "openssh-key" }.map {
        JSONValue.string($0.value)
    }
    let tags = instance.documents.tags.map { JSONMember($0.name, .string($0.value)) }
    let members: [JSONMember?] = [
        JSONMember("instance-id", .string(instance.id)),
        JSONMember("local-hostname", .string(instance.hostname)),
        keys.isEmpty ? nil : JSONMember("public-keys", .array(keys)),
        JSONMember("instance-type", .string(instance.launch.type)),
        instance.launch.availabilityZone.map { JSONMember("availability-zone", .string($0)) },
        // Talos' name for it.
        instance.launch.availabilityZone.map { JSONMember("zone", .string($0)) },
        instance.launch.placement("region").map { JSONMember("region", .string($0)) },
        instance.launch.provider.map { JSONMember("provider-id", .string($0)) },
        tags.isEmpty ? nil : JSONMember("tags", .object(tags)),
        instance.documents.additionalValue.map { JSONMember("additional", $0) },
    ]
    return .object(members.compactMap(\.self))
}

/// `vendor-data`: the operator's vendor data as cloud-init's OpenStack datasource extracts it from JSON: a text, or the member
/// `cloud-init` of an object; several parts become an archive. Any other value is not for cloud-init.
func vendorData(of instance: Instance) -> String {
    text(of: instance.documents.vendorData)
}

private func text(of value: JSONValue?) -> String {
    switch value {
    case .string(let text): return text
    case .array(let parts):
        let texts = parts.compactMap { part in if case .string(let text) = part { JSONValue.string(text) } else { nil } }
        return texts.isEmpty ? "" : "#cloud-config-archive\n" + JSONEncoding.yamlText(.array(texts)) + "\n"
    case .object:
        // One level only, as in cloud-init: deeper members belong to other tools.
        if case .object? = value?["cloud-init"] { return "" }
        return text(of: value?["cloud-init"])
    case .null, .bool, .integer, .real, nil: return ""
    }
}

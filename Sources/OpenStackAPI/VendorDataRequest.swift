public import Common
import FoundationEssentials
import JSON

/// What a dynamic vendor data target is told of an instance, in Nova's form (`nova/api/metadata/vendordata_dynamic.py`).
public enum VendorDataRequest {
    /// The body of the request, in JSON.
    ///
    /// Nova's instance has the roles of whoever started it; libvirt knows none, and where Nova has none it says `""`.
    public static func body(about instance: Instance) -> [UInt8] {
        JSONEncoding.bytes(
            .object([
                JSONMember("project-id", instance.project.map(JSONValue.string) ?? .null),
                JSONMember("instance-id", .string(instance.uuid.description)),
                JSONMember("image-id", instance.images.image.map(JSONValue.string) ?? .null),
                JSONMember("user-data", instance.userData.map { .string(Data($0).base64EncodedString()) } ?? .null),
                JSONMember("hostname", .string(shortName(of: instance))),
                JSONMember("metadata", .object(instance.tags.map { JSONMember($0.name, .string($0.value)) })),
                JSONMember("boot-roles", .string("")),
            ]))
    }

    /// The host name without its domain, as Nova has it.
    private static func shortName(of instance: Instance) -> String {
        instance.hostname.split(separator: ".", maxSplits: 1).first.map(String.init) ?? instance.hostname
    }
}

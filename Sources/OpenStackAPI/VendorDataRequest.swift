package import Common
import FoundationEssentials
import JSON

/// The request to a dynamic vendor data target, in Nova's form (`nova/api/metadata/vendordata_dynamic.py`).
package enum VendorDataRequest {
    /// The body of the request, in JSON.
    ///
    /// Nova sends the roles of the user who started the instance; libvirt has none, and Nova sends `""` for no roles.
    package static func body(about instance: Instance) -> [UInt8] {
        JSONEncoding.bytes(
            .object([
                JSONMember("project-id", instance.launch.project.map(JSONValue.string) ?? .null),
                JSONMember("instance-id", .string(instance.uuid.description)),
                JSONMember("image-id", instance.launch.images.image.map(JSONValue.string) ?? .null),
                JSONMember("user-data", instance.documents.userData.map { .string(Data($0).base64EncodedString()) } ?? .null),
                JSONMember("hostname", .string(shortName(of: instance))),
                JSONMember("metadata", .object(instance.documents.tags.map { JSONMember($0.name, .string($0.value)) })),
                JSONMember("boot-roles", .string("")),
            ]))
    }

    /// The host name without its domain, as in Nova.
    private static func shortName(of instance: Instance) -> String {
        instance.hostname.split(separator: ".", maxSplits: 1).first.map(String.init) ?? instance.hostname
    }
}

import Common
import JSON

/// The instance identity document (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html), laid out as
/// Amazon's: whoever checks its signature needs its very bytes, and these are always the same for one guest.
///
/// What is not known is `null`, as Amazon has it, but for the region and the zone, which clients such as Afterburn read as texts: they
/// are empty. When the instance was started libvirt does not tell.
func identityDocument(_ question: Question) -> [UInt8] {
    let instance = question.instance
    let text = { (value: String?) in value.map(JSONValue.string) ?? .null }
    let products = instance.images.productCodes
    let members: [(name: String, value: JSONValue)] = [
        ("accountId", .string(EC2Identifiers.owner(of: instance))),
        ("architecture", text(instance.platform.architecture.map(architecture))),
        ("availabilityZone", .string(instance.availabilityZone ?? "")),
        ("billingProducts", .null),
        ("devpayProductCodes", .null),
        ("marketplaceProductCodes", products.isEmpty ? .null : .array(products.map(JSONValue.string))),
        ("imageId", text(instance.images.image)),
        ("instanceId", .string(instance.id)),
        ("instanceType", .string(instance.type)),
        ("kernelId", text(instance.images.kernel)),
        ("pendingTime", .null),
        ("privateIp", text(question.localAddress(.v4)?.description)),
        ("ramdiskId", text(instance.images.ramdisk)),
        ("region", .string(instance.region ?? "")),
        ("version", .string("2017-09-30")),
    ]
    let lines = members.map { "  \"\($0.name)\" : \(JSONEncoding.text($0.value))" }
    return Array("{\n\(lines.joined(separator: ",\n"))\n}".utf8)
}

/// Amazon's words for processors, where libvirt has others.
private func architecture(_ name: String) -> String {
    switch name {
    case "aarch64": "arm64"
    case "i686": "i386"
    default: name
    }
}

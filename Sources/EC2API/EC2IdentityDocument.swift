import Common
import JSON

/// The instance identity document (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html), in
/// Amazon's layout: verifying its signature requires its exact bytes, which are always the same for one instance.
///
/// The document is signed, so it contains only values from the operator and from libvirt, and none that the guest controls, such
/// as its source address.
///
/// Unknown values are `null`, as in Amazon's document, except region and zone, which clients such as Afterburn read as strings:
/// they are empty. libvirt does not report when the instance was started.
func identityDocument(of instance: Instance) -> [UInt8] {
    let text = { (value: String?) in value.map(JSONValue.string) ?? .null }
    let products = instance.launch.images.productCodes
    let members: [(name: String, value: JSONValue)] = [
        ("accountId", .string(EC2Identifiers.owner(of: instance))),
        ("architecture", text(instance.machine.platform.architecture.map(architecture))),
        ("availabilityZone", .string(instance.launch.availabilityZone ?? "")),
        ("billingProducts", .null),
        ("devpayProductCodes", .null),
        ("marketplaceProductCodes", products.isEmpty ? .null : .array(products.map(JSONValue.string))),
        ("imageId", text(instance.launch.images.image)),
        ("instanceId", .string(instance.id)),
        ("instanceType", .string(instance.launch.type)),
        ("kernelId", text(instance.launch.images.kernel)),
        ("pendingTime", .null),
        ("privateIp", text(instance.knownAddress(.v4)?.description)),
        ("ramdiskId", text(instance.launch.images.ramdisk)),
        ("region", .string(instance.launch.region ?? "")),
        ("version", .string("2017-09-30")),
    ]
    let lines = members.map { "  \"\($0.name)\" : \(JSONEncoding.text($0.value))" }
    return Array("{\n\(lines.joined(separator: ",\n"))\n}".utf8)
}

/// Amazon's names of processor architectures where they differ from libvirt's.
private func architecture(_ name: String) -> String {
    switch name {
    case "aarch64": "arm64"
    case "i686": "i386"
    default: name
    }
}

import Common
import EC2API

extension Instance {
    /// An instance of which only this is known, besides its names.
    static func example(
        publicKeys: [PublicKey] = [], disks: [Disk] = [], images: ImageIdentifiers = ImageIdentifiers(), groups: [String] = [],
        placement: [Tag] = [], userData: [UInt8]? = nil, additional: Directory? = nil, interfaces: [NetworkInterface] = []
    ) -> Instance {
        guard let uuid = InstanceUUID("83679162-1378-4288-a2d4-70e13ec132aa") else { preconditionFailure("a UUID has 32 digits") }
        return Instance(
            domain: uuid, domainName: "web", uuid: uuid, id: "i-83679162137842882", name: "Web", hostname: "web.example",
            type: "small", placement: placement, images: images, launchIndex: 3, action: "stop", publicKeys: publicKeys,
            securityGroups: groups, userData: userData, additional: additional, interfaces: interfaces, disks: disks)
    }
}

extension PublicKey {
    /// A key with a value of its own in each of these formats.
    static func example(_ name: String, _ formats: String...) -> PublicKey {
        PublicKey(name: name, formats: formats.map { Tag($0, "\(name) as \($0)") })
    }
}

/// What is read at a path about an instance, as text; `nil` where there is nothing.
func read(_ path: String, _ instance: Instance, from address: String? = nil) -> String? {
    let question = Question(
        about: instance, address: address.flatMap { IPAddress($0) }, interface: address == nil ? nil : 0, entropy: .system)
    return TreePath(target: path).flatMap { EC2View().node(at: $0, for: question) }
        .map { String(decoding: $0.content.bytes, as: UTF8.self) }
}

import Common
import EC2API

extension Instance {
    static func example(
        publicKeys: [PublicKey] = [], disks: [Disk] = [], images: ImageIdentifiers = ImageIdentifiers(), groups: [String] = [],
        placement: [Tag] = [], project: String? = nil, owner: String? = nil, platform: Platform = Platform(),
        verbatim: [String: String] = [:], credentials: [Tag] = [], tags: [Tag] = [], userData: [UInt8]? = nil,
        additional: Directory? = nil, interfaces: [NetworkInterface] = []
    ) -> Instance {
        guard let uuid = InstanceUUID("83679162-1378-4288-a2d4-70e13ec132aa") else { preconditionFailure("a UUID has 32 digits") }
        let names = InstanceNames(
            domain: uuid, domainName: "web", uuid: uuid, id: "i-83679162137842882", name: "Web", hostname: "web.example")
        var launch = LaunchFacts(type: "small")
        (launch.placement, launch.images, launch.index, launch.action) = (placement, images, 3, "stop")
        (launch.project, launch.owner) = (project, owner)
        var access = GuestAccess()
        (access.credentials, access.publicKeys, access.securityGroups) = (credentials, publicKeys, groups)
        var documents = OperatorDocuments()
        (documents.verbatim, documents.tags) = (verbatim, tags)
        (documents.userData, documents.additional) = (userData, additional)
        var machine = GuestMachine()
        (machine.platform, machine.disks) = (platform, disks)
        return Instance(
            names: names, launch: launch, access: access, documents: documents, machine: machine, interfaces: interfaces)
    }

    /// An instance with every value that this tree can show.
    static var full: Instance { full(known: nil) }

    /// The same, with an operator's address on its interface.
    static func full(known address: String?) -> Instance {
        var images = ImageIdentifiers()
        (images.image, images.manifestPath, images.reservation) = ("ami-1", "path", "r-1")
        (images.kernel, images.ramdisk) = ("aki-1", "ari-1")
        (images.ancestors, images.productCodes) = (["ami-2", "ami-3"], ["p1", "p2"])
        var platform = Platform()
        (platform.architecture, platform.virtualization, platform.hypervisor) = ("x86_64", "hvm", "kvm")
        var interface = NetworkInterface(mac: MACAddress(bits: 0x5254_00AB_CDEF))
        interface.addresses = [IPAddress("2001:db8::7"), address.flatMap { IPAddress($0) }].compactMap {
            $0.map { InterfaceAddress($0) }
        }
        return .example(
            publicKeys: [.example("a", "openssh-key")], disks: [Disk(target: "vda", role: nil, isRoot: true)], images: images,
            groups: ["default", "web"],
            placement: [
                Tag("availability-zone", "rack-1a"), Tag("availability-zone-id", "z1"), Tag("group-name", "g"),
                Tag("host-id", "h"),
                Tag("partition-number", "4"),
            ], project: "p", owner: "123456789012", platform: platform,
            verbatim: [
                "instance-life-cycle": "spot", "services/domain": "example.com", "services/partition": "here",
                "events/maintenance/history": "[1]", "events/maintenance/scheduled": "[2]",
                "events/recommendations/rebalance": "{}", "autoscaling/target-lifecycle-state": "InService",
                "spot/instance-action": "{\"action\": \"stop\"}", "spot/termination-time": "2026-01-01T00:00:00Z",
                "iam/info": "{\"Code\": 1}",
            ], credentials: [Tag("role", "{\"Key\": 1}")], tags: [Tag("Name", "web"), Tag("empty", ""), Tag("0=x", "y")],
            userData: [0, 0xFF], additional: Directory([Directory.Member("x", .text("y"))]), interfaces: [interface])
    }
}

extension PublicKey {
    /// A key with a value of its own in each format.
    static func example(_ name: String, _ formats: String...) -> PublicKey {
        PublicKey(name: name, formats: formats.map { Tag($0, "\(name) as \($0)") })
    }
}

/// The content at a path as text; `nil` if there is none.
func read(_ path: String, _ instance: Instance, from address: String? = nil, seal: DocumentSeal? = nil) -> String? {
    let question = Question(
        about: instance, address: address.flatMap { IPAddress($0) }, interface: address == nil ? nil : 0, entropy: .system,
        seal: seal)
    return TreePath(target: path).flatMap { EC2View().node(at: $0, for: question) }
        .flatMap { try? $0.content }.map { String(decoding: $0.bytes, as: UTF8.self) }
}

import Synchronization

/// All that is known of one running guest: what its operator wrote, and what the hypervisor knows.
///
/// An instance never changes; a change in its domain makes a new one. What is `nil` or empty is unknown, and no place shows it.
public final class Instance: Sendable {
    private static let serials = Atomic<UInt64>(0)

    /// A number that no other instance has had since the program began: it tells this one from those that its domain had before.
    public let serial = serials.wrappingAdd(1, ordering: .relaxed).newValue
    /// libvirt's UUID of the domain: the key of the inventory.
    public let domain: InstanceUUID
    /// libvirt's name of the domain, for the operator's eyes.
    public let domainName: String
    /// The UUID that the guest finds in its SMBIOS tables: the domain's `<hwuuid>` if it has one, else the domain's own.
    public let uuid: InstanceUUID
    /// The EC2 identifier, `i-` and more.
    public let id: String
    /// What people call it.
    public let name: String
    /// A host name that RFC 1123 allows.
    public let hostname: String
    /// The flavour or size.
    public let type: String
    /// The `placement/` words by name, such as `availability-zone` and `region`, in the order in which they were written.
    public let placement: [Tag]
    /// The image and boot identifiers by EC2 name: `ami-id`, `ami-manifest-path`, `kernel-id`, `ramdisk-id`, `reservation-id`.
    public let images: ImageIdentifiers
    /// Its place in the batch of instances launched together, from 0.
    public let launchIndex: Int
    /// What is about to happen to it; `none` as a rule.
    public let action: String
    /// The project (tenant) it belongs to.
    public let project: String?
    /// The account (owner) it belongs to, as EC2 has it.
    public let owner: String?
    /// What the hypervisor makes of it.
    public let platform: Platform
    /// What the operator wrote word for word, by the path of its element, such as `services/domain`.
    public let words: [String: String]
    /// The temporary credentials of its roles, by role: a JSON object each.
    public let credentials: [Tag]
    /// The keys that may log in, in the operator's order.
    public let publicKeys: [PublicKey]
    /// The names of its security groups.
    public let securityGroups: [String]
    /// The operator's labels.
    public let tags: [Tag]
    /// What the guest runs at first boot, to the byte; never empty.
    public let userData: [UInt8]?
    /// What the provider runs before that.
    public let vendorData: JSONValue?
    /// The operator's own tree; an object's members are places.
    public let additional: Directory?
    /// What the guest is to write at its first boot, in the operator's order; each is served by its number.
    public let files: [InjectedFile]
    /// The numbers of its processors that have one of the host's for themselves, from 0, ascending.
    public let dedicatedProcessors: [Int]
    /// Directories of the host that it can mount, in the order of the domain's XML.
    public let shares: [Share]
    /// The links that the operator wants it to make of its interfaces.
    public let virtualLinks: [VirtualLink]
    /// Its network interfaces, in the order of the domain's XML.
    public let interfaces: [NetworkInterface]
    /// Its disks, in the order of the domain's XML.
    public let disks: [Disk]
    /// The indices of the interfaces in the order of their numbers.
    public let interfaceOrder: [Int]
    /// What its operator says of the sessions in which this is read.
    public let sessions: SessionPolicy
    /// What its guest left for the operator, as a rule the administrator's password, encrypted; never empty.
    public let password: String?

    /// Puts together what was read; see the properties for each.
    public init(
        domain: InstanceUUID, domainName: String, uuid: InstanceUUID, id: String, name: String, hostname: String, type: String,
        placement: [Tag] = [], images: ImageIdentifiers = ImageIdentifiers(), launchIndex: Int = 0, action: String = "none",
        project: String? = nil, owner: String? = nil, platform: Platform = Platform(), words: [String: String] = [:],
        credentials: [Tag] = [], publicKeys: [PublicKey] = [], securityGroups: [String] = [], tags: [Tag] = [],
        userData: [UInt8]? = nil, vendorData: JSONValue? = nil, additional: Directory? = nil,
        files: [InjectedFile] = [], dedicatedProcessors: [Int] = [], shares: [Share] = [], virtualLinks: [VirtualLink] = [],
        interfaces: [NetworkInterface] = [], disks: [Disk] = [], sessions: SessionPolicy = SessionPolicy(),
        password: String? = nil
    ) {
        (self.domain, self.domainName, self.uuid, self.id) = (domain, domainName, uuid, id)
        (self.name, self.hostname, self.type, self.placement) = (name, hostname, type, placement)
        (self.images, self.launchIndex, self.action, self.project) = (images, launchIndex, action, project)
        (self.owner, self.platform, self.words, self.credentials) = (owner, platform, words, credentials)
        (self.publicKeys, self.securityGroups, self.tags) = (publicKeys, securityGroups, tags)
        (self.userData, self.vendorData, self.additional) = (userData, vendorData, additional)
        (self.files, self.dedicatedProcessors, self.shares) = (files, dedicatedProcessors, shares)
        self.virtualLinks = virtualLinks
        (self.interfaces, self.disks, self.sessions) = (interfaces, disks, sessions)
        self.password = password
        interfaceOrder = interfaces.indices.sorted { interfaces[$0].deviceNumber < interfaces[$1].deviceNumber }
    }

    /// The availability zone, if anyone said.
    public var availabilityZone: String? { placement("availability-zone") }

    /// The region: the operator's word, else the zone without its last letter, where a digit stands before that.
    public var region: String? {
        if let region = placement("region") { return region }
        guard let zone = availabilityZone?.unicodeScalars, zone.last.map({ ("a"..."z").contains($0) }) == true,
            zone.dropLast().last.map({ ("0"..."9").contains($0) }) == true
        else { return nil }
        return String(zone.dropLast())
    }

    /// What the operator says of where it is, by a word of `placement/`.
    public func placement(_ name: String) -> String? {
        placement.first { $0.name == name }?.value
    }
}

/// What the hypervisor makes of an instance, in libvirt's words.
public struct Platform: Sendable, Equatable {
    /// The processors that it sees, such as `x86_64` or `aarch64`.
    public var architecture: String?
    /// How much of a machine it is made to believe in: `hvm` as a rule.
    public var virtualization: String?
    /// What runs it, such as `kvm`.
    public var hypervisor: String?

    /// Nothing known, until a property is set.
    public init() {}
}

/// What the instance was started from.
public struct ImageIdentifiers: Sendable, Equatable {
    /// The machine image.
    public var image: String?
    /// Where the image's manifest lies.
    public var manifestPath: String?
    /// The kernel booted without a boot loader.
    public var kernel: String?
    /// That kernel's initial RAM disk.
    public var ramdisk: String?
    /// The request that started it.
    public var reservation: String?
    /// The images from which the machine image was made.
    public var ancestors: [String] = []
    /// What is sold with the image.
    public var productCodes: [String] = []

    /// Nothing known, until a property is set.
    public init() {}
}

/// A name and its value, as the operator wrote them.
public struct Tag: Sendable, Equatable {
    /// The name; unique in its list.
    public let name: String
    /// The value.
    public let value: String

    /// Puts a name to a value.
    public init(_ name: String, _ value: String) {
        (self.name, self.value) = (name, value)
    }

    /// Whether a client that finds the name in a listing may take it for a numbered key: what Python's `int()` reads stands before
    /// the first `=`.
    public var readsAsKey: Bool {
        let scalars = name.unicodeScalars
        guard let end = scalars.firstIndex(of: "=") else { return false }
        let isDigit = { (scalar: Unicode.Scalar) in scalar.properties.numericType == .decimal }
        return scalars[..<end].contains(where: isDigit)
            && scalars[..<end].allSatisfy { isDigit($0) || $0 == "+" || $0 == "-" || $0 == "_" || $0.properties.isWhitespace }
    }
}

/// A key that may log in, in one or more formats.
public struct PublicKey: Sendable, Equatable {
    /// The operator's name for it; holds no `=`, `/` or line break.
    public let name: String
    /// The key's text by format, such as `openssh-key`; at least one.
    public let formats: [Tag]

    /// Puts a name to a key.
    public init(name: String, formats: [Tag]) {
        (self.name, self.formats) = (name, formats)
    }
}

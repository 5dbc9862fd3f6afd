import XML

/// The elements and attributes of the operator's XML, so that a misspelt one is reported, not ignored.
enum Vocabulary {
    /// The namespace of virt-metadata's element under `<metadata>`; libvirt drops elements without a namespace.
    static let namespace = ConvertedMetadata.namespace
    /// The name of the element.
    static let root = "instance"

    /// The elements directly below the instance element.
    static let elements: Set<String> = [
        "instance-id", "name", "hostname", "instance-type", "image-id", "kernel-id", "ramdisk-id", "image-manifest-path",
        "reservation-id", "launch-index", "instance-action", "project-id", "placement", "public-keys", "security-groups", "tags",
        "userdata", "vendordata", "network-config", "files", "interfaces", "disks", "additional", "imds", "owner-id",
        "product-codes", "ancestor-images", "instance-life-cycle", "profile", "ec2-profile", "provider-id", "services", "events",
        "autoscaling",
        "spot", "iam",
    ]

    /// The required format of an element that is served verbatim.
    enum VerbatimFormat {
        /// One line.
        case line
        /// A time of RFC 3339.
        case time
        case json(JSONKind)
    }

    /// The kind of JSON value that clients expect.
    enum JSONKind {
        case object, array
    }

    /// The elements that are served verbatim, by their paths below the instance element.
    static let verbatim: [String: VerbatimFormat] = [
        "instance-life-cycle": .line, "services/domain": .line, "services/partition": .line,
        "events/maintenance/history": .json(.array), "events/maintenance/scheduled": .json(.array),
        "events/recommendations/rebalance": .json(.object), "autoscaling/target-lifecycle-state": .line,
        "spot/instance-action": .json(.object), "spot/termination-time": .time, "iam/info": .json(.object),
    ]

    /// The child elements of each element that has any.
    static let children: [String: Set<String>] = [
        "placement": ["availability-zone", "availability-zone-id", "region", "host-id", "group-name", "partition-number"],
        "public-keys": ["public-key"],
        "public-key": ["key"],
        "security-groups": ["group"],
        "tags": ["tag"],
        "files": ["file"],
        "interfaces": ["interface", "bond", "vlan"],
        "interface": [
            "address", "gateway", "dns", "search", "route", "mtu", "ipv4", "ipv6", "optional", "dhcp4-overrides",
            "dhcp6-overrides", "public-ipv4", "tag", "device-number", "network-card", "interface-id", "vpc-id", "subnet-id",
            "subnet-cidr-block",
            "vpc-cidr-block",
        ],
        "bond": [
            "member", "address", "gateway", "dns", "search", "route", "mtu", "ipv4", "ipv6", "optional", "dhcp4-overrides",
            "dhcp6-overrides",
        ],
        "vlan": [
            "address", "gateway", "dns", "search", "route", "mtu", "ipv4", "ipv6", "optional", "dhcp4-overrides",
            "dhcp6-overrides",
        ],
        "disks": ["disk"],
        "disk": ["tag", "role"],
        "product-codes": ["product-code"],
        "ancestor-images": ["image-id"],
        "services": ["domain", "partition"],
        "events": ["maintenance", "recommendations"],
        "maintenance": ["history", "scheduled"],
        "recommendations": ["rebalance"],
        "autoscaling": ["target-lifecycle-state"],
        "spot": ["instance-action", "termination-time"],
        "iam": ["info", "security-credentials"],
    ]

    /// The child elements that may be repeated.
    static let repeated: [String: Set<String>] = [
        root: ["profile", "userdata"],
        // The older format has the elements directly below it.
        "metadata": ["profile", "userdata"],
        "public-keys": ["public-key"], "public-key": ["key"], "security-groups": ["group"], "tags": ["tag"], "files": ["file"],
        "interfaces": ["interface", "bond", "vlan"],
        "interface": ["address", "gateway", "dns", "search", "route", "tag", "subnet-cidr-block", "vpc-cidr-block"],
        "bond": ["member", "address", "gateway", "dns", "search", "route"],
        "vlan": ["address", "gateway", "dns", "search", "route"],
        "disks": ["disk"], "disk": ["tag"], "product-codes": ["product-code"], "ancestor-images": ["image-id"],
        "iam": ["security-credentials"],
    ]

    /// The elements that contain arbitrary bytes, as text or as base64.
    static let holdsBytes: Set<String> = ["userdata", "vendordata", "network-config", "file", "additional"]

    /// The attributes that are values, by the name of their element.
    static let attributes: [String: Set<String>] = [
        "public-keys": ["merge"], "tags": ["merge"], "security-groups": ["merge"], "files": ["merge"],
        "product-codes": ["merge"], "ancestor-images": ["merge"], "userdata": ["merge", "type"],
        "imds": ["tokens", "hop-limit"], "bond": ["mode", "miimon", "xmit-hash-policy", "lacp-rate", "mac"],
        "vlan": ["id", "on", "mac"],
        "disk": ["role"], "gateway": ["metric"], "route": ["via", "metric"],
        "dhcp4-overrides": DHCPOverride.attributes, "dhcp6-overrides": DHCPOverride.attributes,
    ]

    /// The attribute that distinguishes elements of the same name and parent; `nil` where there is none.
    static func key(of element: String, in parent: String) -> String? {
        switch (parent, element) {
        case ("tags", "tag"), ("public-keys", "public-key"), ("interfaces", "bond"), ("interfaces", "vlan"): "name"
        case ("files", "file"): "path"
        case ("interfaces", "interface"), ("bond", "member"): "mac"
        case ("disks", "disk"): "target"
        case ("interface", "route"), ("bond", "route"), ("vlan", "route"): "to"
        case ("iam", "security-credentials"): "role"
        default: nil
        }
    }
}

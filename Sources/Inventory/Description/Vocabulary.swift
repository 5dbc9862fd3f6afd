import XML

/// The words of the operator's vocabulary: which elements may stand where, so that a misspelt one is named and not passed over.
enum Vocabulary {
    /// The namespace of the one element under `<metadata>` that is ours; libvirt keeps no element without a namespace.
    static let namespace = ConvertedMetadata.namespace
    /// The name of that element.
    static let root = "instance"

    /// The elements directly below the instance element.
    static let elements: Set<String> = [
        "instance-id", "name", "hostname", "instance-type", "image-id", "kernel-id", "ramdisk-id", "image-manifest-path",
        "reservation-id", "launch-index", "instance-action", "project-id", "placement", "public-keys", "security-groups", "tags",
        "userdata", "vendordata", "files", "interfaces", "disks", "additional", "imds", "owner-id", "product-codes",
        "ancestor-images", "instance-life-cycle", "profile", "services", "events", "autoscaling", "spot", "iam",
    ]

    /// How the text of an element is to be read of which nothing is derived.
    enum Word {
        /// One line.
        case line
        /// A JSON value.
        case json
    }

    /// The elements of which nothing is derived, by their paths below the instance element.
    static let words: [String: Word] = [
        "instance-life-cycle": .line, "profile": .line, "services/domain": .line, "services/partition": .line,
        "events/maintenance/history": .json, "events/maintenance/scheduled": .json,
        "events/recommendations/rebalance": .json, "autoscaling/target-lifecycle-state": .line,
        "spot/instance-action": .json, "spot/termination-time": .line, "iam/info": .json,
    ]

    /// The elements below one that has elements of its own.
    static let children: [String: Set<String>] = [
        "placement": ["availability-zone", "availability-zone-id", "region", "host-id", "group-name", "partition-number"],
        "public-keys": ["public-key"],
        "public-key": ["key"],
        "security-groups": ["group"],
        "tags": ["tag"],
        "files": ["file"],
        "interfaces": ["interface", "bond", "vlan"],
        "interface": [
            "address", "gateway", "dns", "route", "mtu", "ipv4", "ipv6", "public-ipv4", "tag", "device-number", "network-card",
            "interface-id", "vpc-id", "subnet-id", "subnet-cidr-block", "vpc-cidr-block",
        ],
        "bond": ["member", "address", "gateway", "dns", "route", "mtu", "ipv4", "ipv6"],
        "vlan": ["address", "gateway", "dns", "route", "mtu", "ipv4", "ipv6"],
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

    /// The elements below one that may stand there several times.
    static let repeated: [String: Set<String>] = [
        "public-keys": ["public-key"], "public-key": ["key"], "security-groups": ["group"], "tags": ["tag"], "files": ["file"],
        "interfaces": ["interface", "bond", "vlan"],
        "interface": ["address", "gateway", "dns", "route", "tag", "subnet-cidr-block", "vpc-cidr-block"],
        "bond": ["member", "address", "gateway", "dns", "route"], "vlan": ["address", "gateway", "dns", "route"],
        "disks": ["disk"], "disk": ["tag"], "product-codes": ["product-code"], "ancestor-images": ["image-id"],
        "iam": ["security-credentials"],
    ]

    /// The elements that hold bytes of any kind, as text or as base64.
    static let holdsBytes: Set<String> = ["userdata", "vendordata", "file", "additional"]

    /// The attributes of an element that are values, by its name.
    static let attributes: [String: Set<String>] = [
        "imds": ["tokens", "hop-limit"], "bond": ["mode", "miimon", "xmit-hash-policy", "lacp-rate", "mac"],
        "vlan": ["id", "on", "mac"],
        "disk": ["role"],
    ]

    /// The attribute that tells an element from others of its name below the same one; `nil` where nothing does.
    static func key(of element: String, in parent: String) -> String? {
        switch (parent, element) {
        case ("tags", "tag"), ("public-keys", "public-key"), ("interfaces", "bond"), ("interfaces", "vlan"): "name"
        case ("files", "file"): "path"
        case ("interfaces", "interface"), ("bond", "member"): "mac"
        case ("disks", "disk"): "target"
        case ("iam", "security-credentials"): "role"
        default: nil
        }
    }
}

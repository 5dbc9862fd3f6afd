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
        "userdata", "vendordata", "files", "interfaces", "disks", "additional", "imds",
    ]

    /// The elements below one that has elements of its own.
    static let children: [String: Set<String>] = [
        "placement": ["availability-zone", "availability-zone-id", "region", "host-id", "group-name", "partition-number"],
        "public-keys": ["public-key"],
        "public-key": ["key"],
        "security-groups": ["group"],
        "tags": ["tag"],
        "files": ["file"],
        "interfaces": ["interface"],
        "interface": [
            "address", "gateway", "dns", "route", "mtu", "public-ipv4", "tag", "device-number", "vpc-id", "subnet-id",
        ],
        "disks": ["disk"],
        "disk": ["tag", "role"],
    ]

    /// Words that are understood and kept, though no place of this version shows them.
    static let unshown: Set<String> = [
        "files", "availability-zone-id", "region", "host-id", "group-name", "partition-number",
        "interface/gateway", "interface/dns", "interface/route", "interface/tag", "interface/device-number", "interface/vpc-id",
        "interface/subnet-id", "disk/tag",
    ]
}

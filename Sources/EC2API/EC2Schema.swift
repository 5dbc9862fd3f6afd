import Common

/// The table of the EC2 tree: every place, the version that brought it, and how to read it.
///
/// Which version brought a place follows Nova's metadata API, the one public server that keeps the old versions apart.
let ec2Schema = Schema<EC2Version>(
    order: .sorted,
    [
        Entry("meta-data/ami-id", since: .v1_0) { $0.instance.images.image },
        Entry("meta-data/ami-launch-index", since: .v1_0) { String($0.instance.launchIndex) },
        Entry("meta-data/ami-manifest-path", since: .v1_0) { $0.instance.images.manifestPath },
        Entry("meta-data/hostname", since: .v1_0) { $0.instance.hostname },
        Entry("meta-data/instance-id", since: .v1_0) { $0.instance.id },
        Entry("meta-data/local-ipv4", since: .v1_0) { $0.localIPv4?.description },
        Entry("meta-data/public-keys", since: .v1_0) { publicKeys(of: $0.instance) },
        Entry("meta-data/reservation-id", since: .v1_0) { $0.instance.images.reservation },
        Entry("meta-data/security-groups", since: .v1_0) { lines($0.instance.securityGroups) },
        Entry("user-data", since: .v1_0) { $0.instance.userData.map(Node.bytes) },
        Entry("additional", since: .v1_0) { $0.instance.additional.map(Node.directory) },

        Entry("meta-data/local-hostname", since: .v2007_01_19) { $0.instance.hostname },
        Entry("meta-data/public-hostname", since: .v2007_01_19) { $0.instance.hostname },
        Entry("meta-data/public-ipv4", since: .v2007_01_19) { $0.publicIPv4?.description },

        Entry("meta-data/instance-type", since: .v2007_08_29) { $0.instance.type },

        Entry("meta-data/block-device-mapping", since: .v2007_12_15) { blockDeviceMapping(of: $0.instance) },
        Entry("meta-data/kernel-id", since: .v2007_12_15) { $0.instance.images.kernel },
        Entry("meta-data/ramdisk-id", since: .v2007_12_15) { $0.instance.images.ramdisk },

        Entry("meta-data/placement/availability-zone", since: .v2008_02_01) { $0.instance.availabilityZone },

        Entry("meta-data/instance-action", since: .v2008_09_01) { $0.instance.action },
    ])

/// A list is one item a line; an empty one is no place.
private func lines(_ items: [String]) -> String? {
    items.isEmpty ? nil : items.joined(separator: "\n")
}

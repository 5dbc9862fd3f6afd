import Common

/// The table of the EC2 tree: every path, the version that introduced it, and how it is read.
///
/// The versions are those of Amazon's table of categories ("Version when category was released" in
/// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html). Where that table gives a date that is not a
/// version, the entry is served from the next version on, with a comment; comments also mark entries that the table does not
/// contain.
let ec2Schema = Schema<EC2Version>(
    order: .sorted,
    [
        Entry("meta-data/ami-id", since: .v1_0) { $0.instance.launch.images.image },
        Entry("meta-data/ami-launch-index", since: .v1_0) { String($0.instance.launch.index) },
        Entry("meta-data/ami-manifest-path", since: .v1_0) { $0.instance.launch.images.manifestPath },
        Entry("meta-data/hostname", since: .v1_0) { $0.instance.hostname },
        Entry("meta-data/instance-id", since: .v1_0) { $0.instance.id },
        Entry("meta-data/local-ipv4", since: .v1_0) { $0.localAddress(.v4)?.description },
        Entry("meta-data/public-keys", since: .v1_0) { publicKeys(of: $0.instance) },
        Entry("meta-data/reservation-id", since: .v1_0) { $0.instance.launch.images.reservation },
        Entry("meta-data/security-groups", since: .v1_0) { lines($0.instance.access.securityGroups) },
        // Not in the table, which covers meta-data: the paths beside it are served from the first version on.
        Entry("user-data", since: .v1_0) { $0.instance.documents.userData.map(Node.bytes) },
        // An extension of virt-metadata.
        Entry("additional", since: .v1_0) { $0.instance.documents.additional.map(Node.directory) },

        Entry("meta-data/local-hostname", since: .v2007_01_19) { $0.instance.hostname },
        Entry("meta-data/public-hostname", since: .v2007_01_19) { $0.instance.hostname },
        Entry("meta-data/public-ipv4", since: .v2007_01_19) { $0.publicIPv4?.description },
        Entry("meta-data/product-codes", since: .v2007_03_01) { lines($0.instance.launch.images.productCodes) },
        Entry("meta-data/instance-type", since: .v2007_08_29) { $0.instance.launch.type },
        Entry("meta-data/ancestor-ami-ids", since: .v2007_10_10) { lines($0.instance.launch.images.ancestors) },
        Entry("meta-data/ramdisk-id", since: .v2007_10_10) { $0.instance.launch.images.ramdisk },
        Entry("meta-data/block-device-mapping", since: .v2007_12_15) { blockDeviceMapping(of: $0.instance) },
        Entry("meta-data/kernel-id", since: .v2008_02_01) { $0.instance.launch.images.kernel },
        Entry("meta-data/placement/availability-zone", since: .v2008_02_01) { $0.instance.launch.availabilityZone },
        Entry("meta-data/instance-action", since: .v2008_09_01) { $0.instance.launch.action },

        Entry("dynamic/instance-identity/document", since: .v2009_04_04) { question in
            .document(.plainText) { identityDocument(of: question.instance) }
        },
        Entry("dynamic/instance-identity/pkcs7", since: .v2009_04_04) { question in signed(question) { $0.signedDocument } },
        // Not in the table; the same kind of signature as pkcs7.
        Entry("dynamic/instance-identity/rsa2048", since: .v2009_04_04) { question in signed(question) { $0.signedDocument } },
        Entry("dynamic/instance-identity/signature", since: .v2009_04_04) { question in
            signed(question) { $0.signature }
        },

        Entry("meta-data/mac", since: .v2011_01_01) { question in
            question.instance.interfaceOrder.first.map { question.instance.interfaces[$0].mac.description }
        },
        Entry(ec2InterfacesPath, since: .v2011_01_01) { interfaces($0, $1) },
        // Not in the table; Amazon's instances list it.
        Entry("meta-data/profile", since: .v2012_01_12) { question in
            question.instance.documents.verbatim["profile"]
                ?? question.instance.machine.platform.virtualization.map { "default-\($0)" }
        },
        Entry("meta-data/iam/info", since: .v2012_01_12) { $0.instance.documents.verbatim["iam/info"] },
        Entry("meta-data/iam/security-credentials", since: .v2012_01_12) {
            Directory(leaves: $0.instance.access.credentials).map(Node.directory)
        },
        Entry("meta-data/services/domain", since: .v2014_02_25) { $0.instance.documents.verbatim["services/domain"] },
        Entry("meta-data/spot/termination-time", since: .v2014_11_05) { $0.instance.documents.verbatim["spot/termination-time"] },
        Entry("meta-data/services/partition", since: .v2015_10_20) { $0.instance.documents.verbatim["services/partition"] },
        // 2016-11-15 in the table.
        Entry("meta-data/spot/instance-action", since: .v2018_03_28) { $0.instance.documents.verbatim["spot/instance-action"] },
        Entry("meta-data/events/maintenance/history", since: .v2018_08_17) {
            $0.instance.documents.verbatim["events/maintenance/history"]
        },
        Entry("meta-data/events/maintenance/scheduled", since: .v2018_08_17) {
            $0.instance.documents.verbatim["events/maintenance/scheduled"]
        },
        Entry("meta-data/instance-life-cycle", since: .v2019_10_01) {
            $0.instance.documents.verbatim["instance-life-cycle"] ?? "on-demand"
        },
        Entry("meta-data/placement/availability-zone-id", since: .v2019_10_01) {
            $0.instance.launch.placement("availability-zone-id")
        },
        // These four: 2020-08-24 in the table.
        Entry("meta-data/placement/group-name", since: .v2020_10_27) { $0.instance.launch.placement("group-name") },
        Entry("meta-data/placement/host-id", since: .v2020_10_27) { $0.instance.launch.placement("host-id") },
        Entry("meta-data/placement/partition-number", since: .v2020_10_27) { $0.instance.launch.placement("partition-number") },
        Entry("meta-data/placement/region", since: .v2020_10_27) { $0.instance.launch.region },
        Entry("meta-data/events/recommendations/rebalance", since: .v2020_10_27) {
            $0.instance.documents.verbatim["events/recommendations/rebalance"]
        },
        Entry("meta-data/ipv6", since: .v2021_01_03) { $0.localAddress(.v6)?.description },
        Entry("meta-data/tags/instance", since: .v2021_03_23) { tags(of: $0.instance) },
        Entry("meta-data/autoscaling/target-lifecycle-state", since: .v2021_07_15) {
            $0.instance.documents.verbatim["autoscaling/target-lifecycle-state"]
        },
        Entry("meta-data/system", since: .v2022_09_24) { $0.instance.machine.platform.hypervisor },
    ])

/// A list has one item per line; an empty list has no path.
func lines(_ items: [String]) -> Node? {
    items.isEmpty ? nil : .text(items.joined(separator: "\n"))
}

/// A form of the identity document's signature.
private func signed(_ question: Question, _ form: (DocumentSeal) -> DocumentSeal.Form) -> Node? {
    question.seal.map(form).map { sign in
        .document(.plainText) { () throws(Unsigned) in
            Array(try sign(identityDocument(of: question.instance), question.instance).utf8)
        }
    }
}

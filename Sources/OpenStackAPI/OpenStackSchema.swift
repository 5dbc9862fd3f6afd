import Common

/// The table of the OpenStack documents: every file, the version that introduced it, and how it is read; listed in this order.
///
/// Versions and media types follow Nova's metadata API, in which `network_data.json` is plain text.
let openStackSchema = Schema<OpenStackVersion>(
    order: .table,
    [
        Entry("meta_data.json", since: .v2012_08_10) { metaData.node(in: $1, for: $0) },
        Entry("user_data", since: .v2012_08_10) { $0.instance.documents.userData.map(Node.bytes) },
        Entry("password", since: .v2013_04_04, operation: .storePassword) { .text($0.instance.password ?? "") },
        Entry("vendor_data.json", since: .v2013_10_17) { question in
            .document("vendor_data.json", for: question) { $0.documents.vendorData ?? .object([]) }
        },
        Entry("network_data.json", since: .v2015_10_15) { question in
            .document("network_data.json", type: .plainText, for: question, networkData)
        },
        Entry("vendor_data2.json", since: .v2016_10_06, operation: .askVendorDataTargets, node: vendorData2),
    ])

import Common
import XML

/// What the operator wrote of an instance in its domain's XML, each value checked: one that cannot be used is left out and named
/// in the findings.
struct OperatorMetadata {
    /// What the operator says of one interface.
    struct Interface {
        let line: Int
        var configuration = LinkConfiguration()
        var publicIPv4: IPAddress?
        var tags: [String] = []
        var deviceNumber: Int?
        var networkCard: Int?
        var identifiers = InterfaceIdentifiers()
        var subnetRanges: [AddressRange] = []
        var networkRanges: [AddressRange] = []
    }

    /// What the operator says of one disk.
    struct DiskWords {
        let line: Int
        var role: Disk.Role?
        var tags: [String] = []
    }

    /// A link that the guest is to make, and where it is written.
    struct LinkWords {
        let line: Int
        let element: String
        let name: String
        /// Its own hardware address, if it is to have one.
        let mac: MACAddress?
        let kind: VirtualLink.Kind
        let configuration: LinkConfiguration
    }

    var id: String?
    var name: String?
    var hostname: String?
    var type: String?
    var images = ImageIdentifiers()
    var launchIndex: Int?
    var action: String?
    var project: String?
    var owner: String?
    var words: [String: String] = [:]
    var credentials: [Tag] = []
    var placement: [Tag] = []
    var publicKeys: [PublicKey] = []
    var securityGroups: [String] = []
    var tags: [Tag] = []
    var userData: [UInt8]?
    var vendorData: JSONValue?
    var additional: Directory?
    var interfaces: [MACAddress: Interface] = [:]
    var disks: [String: DiskWords] = [:]
    var virtualLinks: [LinkWords] = []
    var files: [InjectedFile] = []
    var sessions = SessionPolicy()
    var findings: [Finding] = []

    /// Reads the operator's element of a domain's XML; a domain without one says nothing.
    ///
    /// - Parameter readsBare: whether elements without a namespace directly under `<metadata>` are read as well, as the older
    ///   libvirt_metadata_api wrote them. Only files can hold them: libvirt drops them.
    init(in domain: XMLElement, readsBare: Bool) {
        guard let metadata = domain.first("metadata") else { return }
        let ours = metadata.children.filter { $0.namespace == Vocabulary.namespace }
        for element in ours where element.name != Vocabulary.root {
            let meant = "the element of this namespace is <\(Vocabulary.root)>"
            findings.append(Finding(.unusable, line: element.line, element: element.name, meant))
        }
        for element in ours.filter({ $0.name == Vocabulary.root }).dropFirst() {
            findings.append(Finding(.unusable, line: element.line, element: element.name, "is given twice; the first one counts"))
        }
        if let instance = ours.first(where: { $0.name == Vocabulary.root }) {
            var reader = OperatorMetadataReader(namespace: Vocabulary.namespace)
            reader.read(instance, into: &self)
        } else if readsBare, let first = metadata.children.first(where: { $0.namespace == nil }) {
            let advice = "libvirt drops elements without a namespace; `virt-metadata convert` puts them into one"
            findings.append(Finding(.note, line: first.line, element: first.name, advice))
            var reader = OperatorMetadataReader(namespace: nil)
            reader.read(metadata, into: &self)
        }
        findings.sort { $0.line < $1.line }
    }
}

import Common
import XML

/// The operator's values for an instance in its domain's XML, each validated: unusable values are omitted and reported in the
/// findings.
struct OperatorMetadata: Sendable {
    /// The operator's values for one interface.
    struct InterfaceElement: Sendable {
        var line: Int
        var configuration = LinkConfiguration()
        var publicIPv4: IPAddress?
        var tags: [String] = []
        var deviceNumber: Int?
        var networkCard: Int?
        var identifiers = InterfaceIdentifiers()
        var subnetRanges: [AddressRange] = []
        var networkRanges: [AddressRange] = []
    }

    /// The operator's values for one disk.
    struct DiskElement: Sendable {
        let line: Int
        var role: Disk.Role?
        var tags: [String] = []
    }

    /// The element of a link that the guest creates.
    struct LinkElement: Sendable {
        let line: Int
        let element: String
        let name: String
        /// Its own MAC address, if any.
        let mac: MACAddress?
        let kind: VirtualLink.Kind
        let configuration: LinkConfiguration

        /// The interfaces of a bond.
        var members: [MACAddress] { if case .bond(_, let members, _) = kind { members } else { [] } }
    }

    /// Where a value is written: in the domain's XML, or in a configuration file.
    struct ValuePlace: Sendable {
        let line: Int
        var file: String?
    }

    /// A profile that the element names.
    struct ProfileName: Sendable, Equatable {
        let name: String
        let line: Int
    }

    var id: String?
    /// In the order of the elements: a later one is stronger.
    var profiles: [ProfileName] = []
    var provider: String?
    var name: String?
    var hostname: String?
    var type: String?
    var images = ImageIdentifiers()
    var launchIndex: Int?
    var action: String?
    var project: String?
    var owner: String?
    var placement: [Tag] = []
    var access = GuestAccess()
    /// The user data is in `userDataParts` until the assembly combines them.
    var documents = OperatorDocuments()
    var userDataParts: [UserDataPart] = []
    /// Where the vendor data is written.
    var vendorDataPlace = ValuePlace(line: 1)
    /// How lists relate to those of weaker layers, by the element's name, where the operator says so.
    var merges: [String: ListMerge] = [:]
    /// What many instances are told about their interfaces, the strongest first.
    var sharedInterfaces: [SharedInterface] = []
    /// Where the values come from, by `LayeredValue.Entry.id`; `nil` unless that is asked for.
    var origins: [String: ValueOrigin]?
    /// Where the domain of host names comes from, if that is asked for.
    var domainOrigin: ValueOrigin?
    var interfaces: [MACAddress: InterfaceElement] = [:]
    var disks: [String: DiskElement] = [:]
    var virtualLinks: [LinkElement] = []
    var networkConfiguration: NetworkConfigElement?
    var sessions = SessionPolicy()
    var findings: [Finding] = []
    /// How many unusable values, and how many notes, the reader has reported.
    var (rejected, noted) = (0, 0)
    /// How many addresses, routes, name servers and the like its links have together.
    var linkElements = 0

    /// No values.
    init() {}

    /// Reads the operator's element of a domain's XML, if there is one.
    ///
    /// - Parameter readsBare: whether elements without a namespace directly under `<metadata>` are read as well, as the older
    ///   libvirt_metadata_api wrote them. Only files can contain them: libvirt drops them.
    init(in domain: XMLElement, readsBare: Bool) {
        guard let metadata = domain.first("metadata") else { return }
        let elements = metadata.children.filter { $0.namespace == Vocabulary.namespace }
        for element in elements where element.name != Vocabulary.root {
            let meant = "unknown element in this namespace: expected <\(Vocabulary.root)>"
            findings.append(Finding(.unusable, line: element.line, element: element.name, meant))
        }
        for element in elements.filter({ $0.name == Vocabulary.root }).dropFirst() {
            findings.append(
                Finding(.unusable, line: element.line, element: element.name, "duplicate element; the first one is used"))
        }
        if let instance = elements.first(where: { $0.name == Vocabulary.root }) {
            var reader = OperatorMetadataReader(namespace: Vocabulary.namespace)
            reader.read(instance, into: &self)
        } else if readsBare, let bare = metadata.first(Vocabulary.root) {
            let problem =
                "has no namespace, so libvirt drops it: write <vm:instance xmlns:vm='\(Vocabulary.namespace)'>, and the prefix on every "
                + "tag in it"
            findings.append(Finding(.unusable, line: bare.line, element: bare.name, problem))
        } else if readsBare, let first = metadata.children.first(where: { $0.namespace == nil }) {
            let advice = "libvirt drops elements without a namespace; `virt-metadata convert` adds it"
            findings.append(Finding(.note, line: first.line, element: first.name, advice))
            var reader = OperatorMetadataReader(namespace: nil)
            reader.read(metadata, into: &self)
        }
        findings.sort { $0.line < $1.line }
    }

    /// The element that the values of a domain are read from.
    static func element(in domain: XMLElement, readsBare: Bool) -> XMLElement? {
        let metadata = domain.first("metadata")
        return metadata?.first(Vocabulary.root, namespace: Vocabulary.namespace) ?? (readsBare ? metadata : nil)
    }

    /// Reads elements that are told to many, as a file of the operator has them.
    ///
    /// - Parameter root: an `<instance>` without a namespace.
    init(shared root: XMLElement) {
        var reader = OperatorMetadataReader(namespace: nil)
        reader.isShared = true
        reader.read(root, into: &self)
    }
}

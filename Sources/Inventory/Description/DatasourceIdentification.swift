import Common
import XML

/// Which data sources a guest's cloud-init would look for: what its `ds-identify` makes of the SMBIOS tables that the domain's XML gives
/// the guest. Only those sources are known here that this server serves.
public struct DatasourceIdentification: Sendable, Equatable {
    /// A version of cloud-init, for the rules have changed.
    public enum Version: String, Sendable, CaseIterable {
        /// Debian 12's.
        case older = "22.4.2"
        /// From 24.2 on, as Debian 13's 25.1.4.
        case newer = "24.2"
    }

    /// A data source, by cloud-init's name, in the order in which it looks for them.
    public enum Datasource: String, Sendable, CaseIterable {
        case noCloud = "NoCloud"
        case ec2 = "Ec2"
        case openStack = "OpenStack"
    }

    /// Whether the guest is shown the tables that `<sysinfo>` describes.
    public let showsTables: Bool
    /// The entries of `<sysinfo><system>`, by name, whether they are shown or not.
    public let entries: [String: String]
    private let assetTag: String
    private let uuid: InstanceUUID

    /// Reads a domain's XML: the running one's for what the guest sees now, the definition for what it will see.
    ///
    /// - Throws: ``DescriptionError`` where it is no domain.
    public init(_ xml: [UInt8]) throws(DescriptionError) {
        let root = try InstanceAssembly.document(xml).root
        let domain = try DomainXML(root)
        let mode = root.first("os", "smbios")?.attribute("mode")
        let sysinfo = root.all("sysinfo").first { $0.attribute("type") == "smbios" }
        showsTables = mode == "sysinfo"
        let all = sysinfo?.first("system")?.all("entry").map { ($0.attribute("name") ?? "", $0.trimmedText) } ?? []
        entries = Dictionary(all) { first, _ in first }
        assetTag = sysinfo?.first("chassis")?.all("entry").first { $0.attribute("name") == "asset" }?.trimmedText ?? ""
        uuid = domain.hardwareUUID ?? domain.uuid
    }

    /// The sources that are looked for, the first to be tried first; none where cloud-init does nothing at all.
    public func datasources(for version: Version) -> [Datasource] {
        Datasource.allCases.filter { isFound($0, version) }
    }

    /// Whether the UUID makes the guest believe to be on EC2 though nobody meant it to, as one in two thousand chance ones does.
    public var isAccidentallyEC2: Bool {
        datasources(for: .newer).contains(.ec2) && !datasources(for: .older).contains(.ec2)
    }

    /// The seed's URL of a guest that is told to use NoCloud, and whether a version asks there.
    public func seed(for version: Version) -> (url: String, isAsked: Bool)? {
        guard showsTables, let serial = entries["serial"], let word = Self.noCloudWord(in: serial) else { return nil }
        let url = serial.split(separator: ";").first { $0.hasPrefix("s=") }.map { String($0.dropFirst(2)) } ?? ""
        // The older one asks over the network only where its name says so.
        return (url, version == .newer || word == "ds=nocloud-net")
    }

    private func isFound(_ source: Datasource, _ version: Version) -> Bool {
        switch source {
        case .noCloud: showsTables && " \(entries["serial"] ?? "")".contains(" ds=nocloud")
        case .openStack:
            showsTables
                && (Self.openStackProducts.contains(entries["product"] ?? "") || Self.openStackAssetTags.contains(assetTag)
                    || version == .newer && assetTag == "Samsung Cloud Platform")
        case .ec2: isEC2(version)
        }
    }

    private func isEC2(_ version: Version) -> Bool {
        let shown = uuid.description
        switch version {
        case .older: return showsTables && shown.hasPrefix("ec2") && entries["serial"]?.lowercased() == shown
        case .newer:
            // The first group with its bytes the other way round, as SMBIOS before 2.6 has it: `??????ec` is `ec??????`.
            return shown.hasPrefix("ec2") || Self.isReversedEC2(shown)
        }
    }

    /// `*2?ec` at the end of the first group.
    private static func isReversedEC2(_ uuid: String) -> Bool {
        let group = Array(uuid.prefix { $0 != "-" })
        return group.count == 8 && group[6] == "e" && group[7] == "c" && group[4] == "2"
    }

    private static func noCloudWord(in serial: String) -> String? {
        let word = serial.prefix { $0 != ";" && $0 != " " }
        return word == "ds=nocloud" || word == "ds=nocloud-net" ? String(word) : nil
    }

    private static let openStackProducts: Set<String> = ["OpenStack Nova", "OpenStack Compute"]
    private static let openStackAssetTags: Set<String> = [
        "HUAWEICLOUD", "OpenTelekomCloud", "SAP CCloud VM", "OpenStack Nova", "OpenStack Compute",
    ]
}

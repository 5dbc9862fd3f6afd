import Common
import XML

/// The datasources that cloud-init's `ds-identify` detects in a guest, by the SMBIOS tables that the domain's XML gives the guest. Only
/// the datasources that virt-metadata serves are known here.
package struct DatasourceDetection: Sendable, Equatable {
    /// A version of cloud-init, because the rules have changed.
    package enum Version: String, Sendable, CaseIterable {
        /// In Debian 12.
        case older = "22.4.2"
        /// From 24.2 on, as 25.1.4 in Debian 13.
        case newer = "24.2"
    }

    /// A datasource, by cloud-init's name, in the order of its search.
    package enum Datasource: String, Sendable, CaseIterable {
        case noCloud = "NoCloud"
        case ec2 = "Ec2"
        case openStack = "OpenStack"
    }

    /// Whether the guest sees the tables that `<sysinfo>` describes.
    package let showsTables: Bool
    /// The entries of `<sysinfo><system>`, by name, whether the guest sees them or not.
    package let entries: [String: String]
    private let assetTag: String
    private let uuid: InstanceUUID

    /// Reads a domain's XML: that of the running domain for the guest's present tables, the definition for those of its next start.
    ///
    /// - Throws: ``DescriptionError`` where it is not a domain.
    package init(_ xml: [UInt8]) throws(DescriptionError) {
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

    /// The detected datasources, in the order in which cloud-init tries them; none where cloud-init stays disabled.
    package func datasources(for version: Version) -> [Datasource] {
        Datasource.allCases.filter { isFound($0, version) }
    }

    /// Whether the guest detects EC2 because of a random UUID, as one in two thousand is.
    package var isAccidentallyEC2: Bool {
        datasources(for: .newer).contains(.ec2) && !datasources(for: .older).contains(.ec2)
    }

    /// The seed URL in the SMBIOS tables of a guest that uses NoCloud, and whether a version of cloud-init requests it.
    package func seed(for version: Version) -> (url: String, isAsked: Bool)? {
        guard showsTables, let serial = entries["serial"], let name = Self.noCloudName(in: serial) else { return nil }
        let url = serial.split(separator: ";").first { $0.hasPrefix("s=") }.map { String($0.dropFirst(2)) } ?? ""
        // The older version uses the network only with the name `nocloud-net`.
        return (url, version == .newer || name == "ds=nocloud-net")
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
            // The first group with its bytes reversed, as in SMBIOS before 2.6: `??????ec` is `ec??????`.
            return shown.hasPrefix("ec2") || Self.isReversedEC2(shown)
        }
    }

    /// `*2?ec` at the end of the first group.
    private static func isReversedEC2(_ uuid: String) -> Bool {
        let group = Array(uuid.prefix { $0 != "-" })
        return group.count == 8 && group[6] == "e" && group[7] == "c" && group[4] == "2"
    }

    private static func noCloudName(in serial: String) -> String? {
        let name = serial.prefix { $0 != ";" && $0 != " " }
        return name == "ds=nocloud" || name == "ds=nocloud-net" ? String(name) : nil
    }

    static let openStackProducts: Set<String> = ["OpenStack Nova", "OpenStack Compute"]
    static let openStackAssetTags: Set<String> = [
        "HUAWEICLOUD", "OpenTelekomCloud", "SAP CCloud VM", "OpenStack Nova", "OpenStack Compute",
    ]
}

import Common
import XML

/// The datasources that cloud-init's `ds-identify` detects in a guest, by what the domain's XML gives the guest: SMBIOS tables, and the
/// command line of a kernel that is booted directly. Disks are ``SeedDisk``'s.
package struct DatasourceDetection: Sendable, Equatable {
    /// A version of cloud-init, because the rules have changed.
    package enum Version: String, Sendable, CaseIterable {
        /// In Debian 12.
        case older = "22.4.2"
        /// From 24.2 on, as 25.1.4 in Debian 13; from 25.1.3 on, where the architecture is not a PC's.
        case newer = "24.2"
    }

    /// A datasource, by cloud-init's name, in the order of its search.
    package enum Datasource: String, Sendable, CaseIterable {
        case noCloud = "NoCloud"
        case azure = "Azure"
        case cloudSigma = "CloudSigma"
        case cloudStack = "CloudStack"
        case digitalOcean = "DigitalOcean"
        case vultr = "Vultr"
        case aliYun = "AliYun"
        case ec2 = "Ec2"
        case gce = "GCE"
        case openStack = "OpenStack"
        case smartOS = "SmartOS"
        case scaleway = "Scaleway"
        case hetzner = "Hetzner"
        case oracle = "Oracle"
        case exoscale = "Exoscale"
        case upCloud = "UpCloud"
        case lxd = "LXD"
        case nwcs = "NWCS"
        case akamai = "Akamai"
        case cloudCIX = "CloudCIX"

        /// Whether virt-metadata answers what it requests; of NoCloud that depends on the seed.
        package var isServed: Bool { [.noCloud, .ec2, .openStack].contains(self) }

        /// - Parameter name: as an operator writes it on the kernel's command line.
        init?(named name: String) {
            let name = name.lowercased() == "nocloud-net" ? "nocloud" : name.lowercased()
            guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == name }) else { return nil }
            self = found
        }
    }

    /// Why a datasource is detected.
    package enum Evidence: Sendable, Equatable {
        case smbios(SMBIOSTables.Field, SMBIOSTables.Entry)
        /// The UUID of the system.
        case uuid
        case kernelCommandLine
        /// No fact at all: the version tries OpenStack wherever the architecture is not a PC's.
        case architecture
    }

    package let tables: SMBIOSTables
    package let kernel: KernelCommandLine
    /// The names of the fw_cfg entries that the domain gives its guest, which cloud-init does not read.
    package let firmwareEntries: [String]
    private let isPC: Bool
    private let uuid: String

    /// Reads a domain's XML: that of the running domain for the guest's present tables, the definition for those of its next start.
    ///
    /// - Throws: ``DescriptionError`` where it is not a domain.
    package init(_ xml: [UInt8]) throws(DescriptionError) {
        let root = try InstanceAssembly.document(xml).root
        let domain = try DomainXML(root)
        self.init(root, uuid: domain.hardwareUUID ?? domain.uuid)
    }

    /// - Parameter uuid: the system's UUID.
    init(_ domain: XMLElement, uuid: InstanceUUID) {
        (tables, kernel, isPC) = (SMBIOSTables(domain), KernelCommandLine(domain), SMBIOSTables.isPC(domain))
        let described = domain.all("sysinfo").filter { $0.attribute("type") == "fwcfg" }.flatMap { $0.all("entry") }
        firmwareEntries =
            described.compactMap { $0.attribute("name") } + QEMUArguments(domain).values(of: "fw_cfg").compactMap { $0["name"] }
        self.uuid = tables.entries[.uuid].flatMap { $0.origin == .commandLine ? $0.value : nil } ?? uuid.description
    }

    /// The detected datasources, in the order in which cloud-init tries them; none where cloud-init stays disabled.
    package func datasources(for version: Version) -> [Datasource] {
        let found = evidence(for: version)
        return Datasource.allCases.filter { source in found.contains { $0.source == source } }
    }

    /// Why each datasource is detected, in no order; one may be detected for several reasons.
    package func evidence(for version: Version) -> [(source: Datasource, evidence: Evidence)] {
        if kernel.disablesCloudInit { return [] }
        if let name = kernel.datasource(for: version) {
            return Datasource(named: name).map { [($0, .kernelCommandLine)] } ?? []
        }
        var found = Rule.all.filter { $0.versions.contains(version) && $0.holds(tables) }.compactMap { rule in
            tables.entries[rule.field].map { (source: rule.source, evidence: Evidence.smbios(rule.field, $0)) }
        }
        if isEC2(version) { found.append((.ec2, .uuid)) }
        if version == .older, kernel.namesNoCloud { found.append((.noCloud, .kernelCommandLine)) }
        for (source, word) in [(Datasource.vultr, "vultr"), (.scaleway, "scaleway")] where kernel.contains(word) {
            found.append((source, .kernelCommandLine))
        }
        // ds-identify leaves cloud-init enabled, with all its datasources, and OpenStack's does without SMBIOS there (LP: #1715241).
        if found.isEmpty, version == .older, !isPC { found.append((.openStack, .architecture)) }
        return found
    }

    /// Whether the guest detects EC2 because of a random UUID, as one in two thousand is.
    package var isAccidentallyEC2: Bool {
        datasources(for: .newer).contains(.ec2) && !datasources(for: .older).contains(.ec2)
    }

    /// The seed URL of a guest that uses NoCloud, empty where none is named, and whether a version of cloud-init requests it.
    ///
    /// What the kernel's command line says replaces the SMBIOS serial number.
    package func seed(for version: Version) -> (url: String, isAsked: Bool, evidence: Evidence)? {
        let serial = tables.entries[.serial].flatMap { entry in
            NoCloudSeed(entry.value.split(separator: " ")).map { ($0, Evidence.smbios(.serial, entry)) }
        }
        guard let (seed, evidence) = kernel.seed.map({ ($0, .kernelCommandLine) }) ?? serial else { return nil }
        // The older version uses the network only with the name `nocloud-net`.
        return (seed.url, version == .newer || seed.isNet, evidence)
    }

    /// Whether the guest requests its metadata from this program, whoever wrote what makes it do so.
    package var requestsMetadataHere: Bool {
        let found = Version.allCases.flatMap(evidence).filter { $0.evidence != .architecture }.map(\.source)
        if found.contains(.noCloud) { return seed(for: .newer)?.url.hasPrefix(SMBIOSIdentity.seedPrefix) == true }
        return found.contains(.openStack) || datasources(for: .older).contains(.ec2)
    }

    private func isEC2(_ version: Version) -> Bool {
        guard tables.support == .present else { return false }
        switch version {
        case .older: return uuid.hasPrefix("ec2") && tables[.serial].lowercased() == uuid
        case .newer:
            // The first group with its bytes reversed, as in SMBIOS before 2.6: `??????ec` is `ec??????`.
            return uuid.hasPrefix("ec2") || Self.isReversedEC2(uuid)
        }
    }

    /// `*2?ec` at the end of the first group.
    private static func isReversedEC2(_ uuid: String) -> Bool {
        let group = Array(uuid.prefix { $0 != "-" })
        return group.count == 8 && group[6] == "e" && group[7] == "c" && group[4] == "2"
    }

    static let openStackProducts: Set<String> = ["OpenStack Nova", "OpenStack Compute"]
}

extension DatasourceDetection {
    /// A field of SMBIOS tables by which `ds-identify` detects a datasource.
    struct Rule {
        enum Test {
            case equals(String)
            case begins(String)
            case ends(String)
            case hasWord(beginning: String)
        }

        let source: Datasource
        let field: SMBIOSTables.Field
        let test: Test
        var versions = Set(Version.allCases)
        /// The manufacturer that is needed besides.
        var manufacturer: String?

        func holds(_ tables: SMBIOSTables) -> Bool {
            let value = tables[field]
            if let manufacturer, tables[.manufacturer] != manufacturer { return false }
            switch test {
            case .equals(let expected): return value == expected
            case .begins(let prefix): return value.hasPrefix(prefix)
            case .ends(let suffix): return value.hasSuffix(suffix)
            case .hasWord(let prefix): return " \(value)".contains(" \(prefix)")
            }
        }

        static let all: [Rule] =
            [Rule(source: .noCloud, field: .serial, test: .hasWord(beginning: "ds=nocloud"))]
            + openStackProducts.map { Rule(source: .openStack, field: .product, test: .equals($0)) }
            + openStackAssetTags.map { Rule(source: .openStack, field: .asset, test: .equals($0)) } + [
                Rule(source: .openStack, field: .asset, test: .equals("Samsung Cloud Platform"), versions: [.newer]),
                Rule(source: .ec2, field: .serial, test: .ends(".brightbox.com")),
                Rule(source: .ec2, field: .asset, test: .ends(".zstack.io")),
                Rule(source: .ec2, field: .manufacturer, test: .equals("e24cloud")),
                Rule(source: .ec2, field: .product, test: .equals("3DS Outscale VM"), manufacturer: "3DS Outscale"),
                Rule(source: .azure, field: .asset, test: .equals("7783-7084-3265-9085-8269-3286-77")),
                Rule(source: .cloudSigma, field: .product, test: .equals("CloudSigma")),
                Rule(source: .cloudStack, field: .product, test: .begins("CloudStack")),
                Rule(source: .aliYun, field: .product, test: .equals("Alibaba Cloud ECS")),
                Rule(source: .gce, field: .product, test: .equals("Google Compute Engine")),
                Rule(source: .gce, field: .serial, test: .begins("GoogleCloud-")),
                Rule(source: .smartOS, field: .product, test: .begins("SmartDC")),
                Rule(source: .oracle, field: .asset, test: .equals("OracleCloud.com")),
                Rule(source: .exoscale, field: .product, test: .begins("Exoscale")),
                Rule(source: .lxd, field: .board, test: .equals("LXD")),
                Rule(source: .cloudCIX, field: .product, test: .equals("CloudCIX"), versions: [.newer]),
                Rule(source: .akamai, field: .manufacturer, test: .equals("Linode"), versions: [.newer]),
                Rule(source: .akamai, field: .manufacturer, test: .equals("Akamai"), versions: [.newer]),
            ]
            + [Datasource.digitalOcean, .vultr, .scaleway, .hetzner, .upCloud, .nwcs].map {
                Rule(source: $0, field: .manufacturer, test: .equals($0.rawValue))
            }

        private static let openStackAssetTags: Set<String> = [
            "HUAWEICLOUD", "OpenTelekomCloud", "SAP CCloud VM", "OpenStack Nova", "OpenStack Compute",
        ]
    }
}

extension DatasourceDetection.Evidence: CustomStringConvertible {
    /// As messages name it: `SMBIOS product 'OpenStack Nova'`.
    package var description: String {
        switch self {
        case .smbios(let field, let entry):
            "SMBIOS \(field == .asset ? "chassis asset" : field.rawValue) '\(shown(entry.value))'"
                + (entry.origin == .commandLine ? " of <qemu:commandline>" : "")
        case .uuid: "the UUID"
        case .kernelCommandLine: "the kernel command line"
        case .architecture: "the architecture"
        }
    }
}

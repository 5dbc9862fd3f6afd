import Common
import XML

extension DomainDefinition {
    /// The SMBIOS identity that `enable` wrote, if any.
    package var enabledIdentity: String? { EnableRecord(in: document.root)?.identity }

    /// The SMBIOS identity in the definition, written by `enable` or by hand; `nil` where it has no known one.
    package var presentIdentity: SMBIOSIdentity? {
        SMBIOSIdentity.present(in: document.root, uuid: systemUUID ?? Self.anyUUID)
    }

    /// The entries of the SMBIOS tables at the next start, for comparison with those of the running guest.
    package var tables: [String: String] {
        guard smbios?.attribute("mode") == "sysinfo" else { return [:] }
        let all = system?.all("entry").map { ($0.attribute("name") ?? "", $0.trimmedText) } ?? []
        return Dictionary(all) { first, _ in first }
    }

    /// Whether the definition makes cloud-init request metadata from this program, whoever wrote it.
    var requestsMetadataHere: Bool { detection?.requestsMetadataHere ?? false }

    private var detection: DatasourceDetection? { try? DatasourceDetection(Array(completeXML.utf8)) }

    // MARK: The UUID

    /// Stands for the UUID that libvirt will choose for a definition without one; no identity is detected by it.
    private static let anyUUID: InstanceUUID = {
        guard let uuid = InstanceUUID(octets: [UInt8](repeating: 0, count: 16)) else {
            preconditionFailure("Sixteen octets are a UUID.")
        }
        return uuid
    }()

    /// The XML with a UUID, where it has none: what reads a domain needs one.
    package var completeXML: String {
        guard document.root.first("uuid") == nil else { return xml }
        var complete = document
        try? complete.append("<uuid>\(Self.anyUUID)</uuid>", to: complete.root)
        return complete.text
    }

    /// The system's UUID as the guest sees it; `nil` where the definition has none.
    private var systemUUID: InstanceUUID? {
        let elements = [document.root.first("hwuuid"), document.root.first("uuid")]
        return elements.compactMap { ($0?.trimmedText).flatMap { InstanceUUID($0) } }.first
    }

    // MARK: Elements

    private var smbios: XMLElement? { document.root.first("os", "smbios") }
    private var sysinfo: XMLElement? { document.root.all("sysinfo").first { $0.attribute("type") == "smbios" } }
    private var system: XMLElement? { sysinfo?.first("system") }

    private func entry(_ name: String, in section: String) -> XMLElement? {
        sysinfo?.first(section)?.all("entry").first { $0.attribute("name") == name }
    }

    private static func xml(_ name: String, _ value: String) -> String {
        "<entry name='\(XMLEscaping.attribute(name))'>\(XMLEscaping.content(value))</entry>"
    }

    // MARK: Writing

    /// Writes an identity, in place of the one that `enable` wrote before.
    mutating func write(_ identity: SMBIOSIdentity, _ record: inout EnableRecord, replacing replaces: Bool) throws {
        if record.identity != identity.rawValue || presentIdentity != identity {
            try refuseWithoutTables()
            if let obstacle = identity.obstacle(uuid: systemUUID) { throw DefinitionFailure(obstacle) }
            try removeIdentity(&record)
            try makeRoom(&record, replacing: replaces)
            for (name, value) in identity.entries(for: systemUUID ?? Self.anyUUID) {
                try write(name, value, of: identity, &record, replacing: replaces)
            }
            // An identity that somebody wrote by hand is not `enable`'s.
            let isWritten = !record.entries.isEmpty || !record.made.isEmpty || record.mode != nil
            record.identity = isWritten ? identity.rawValue : nil
        }
        try removeOthers(than: identity, &record, replacing: replaces)
        try refuseReplacedEntries(of: identity)
    }

    /// Refuses to write tables that no guest of the domain's architecture would see.
    private func refuseWithoutTables() throws {
        let problem: String
        switch SMBIOSTables(document.root).support {
        case .present: return
        case .absent(let architecture): problem = "QEMU has no SMBIOS tables for the architecture '\(shown(architecture))'"
        case .needsUEFI(let architecture):
            problem =
                "guests of the architecture '\(shown(architecture))' see SMBIOS tables only if they boot by UEFI (<os firmware='efi'>)"
        }
        throw DefinitionFailure(
            "\(problem), so this domain's guest cannot have an SMBIOS identity: put '\(KernelCommandLine.advice())' on its kernel command "
                + "line ('ds=nocloud-net;…' for cloud-init before 23.3), and set values with `virt-metadata set`")
    }

    /// Makes the guest see `<sysinfo>`, and creates its `<system>`.
    private mutating func makeRoom(_ record: inout EnableRecord, replacing replaces: Bool) throws {
        guard let os = document.root.first("os"), os.first("type")?.trimmedText == "hvm" else {
            throw DefinitionFailure("SMBIOS tables need <os><type>hvm</type>: this domain's guest cannot have an SMBIOS identity")
        }
        switch smbios?.attribute("mode") {
        case "sysinfo": break
        case "host" where !replaces:
            throw DefinitionFailure(
                "<smbios mode='host'/> shows this host's SMBIOS tables to the guest; replace it with --force "
                    + "(`disable` does not restore it)")
        case let mode?:
            record.mode = mode
            if let smbios { try document.setAttribute("mode", of: smbios, to: "sysinfo") }
        case nil:
            record.made.append("os/smbios")
            try document.append("<smbios mode='sysinfo'/>", to: os)
        }
        if sysinfo == nil {
            record.made.append("sysinfo")
            try document.append("<sysinfo type='smbios'/>", to: document.root)
        }
        if system == nil, let sysinfo {
            record.made.append("sysinfo/system")
            try document.append("<system/>", to: sysinfo)
        }
    }

    private mutating func write(
        _ name: String, _ value: String, of identity: SMBIOSIdentity, _ record: inout EnableRecord, replacing replaces: Bool
    ) throws {
        guard let system else { return }
        guard let old = entry(name, in: "system") else {
            record.entries.append(.init(name: name, value: value))
            return try document.append(Self.xml(name, value), to: system)
        }
        let former = old.trimmedText
        guard former != value else { return }
        guard replaces else {
            throw DefinitionFailure(
                "<sysinfo> has <entry name='\(name)'>\(shown(former))</entry>, written by hand; --identity \(identity.rawValue) needs "
                    + "'\(value)' there: replace it with --force (`disable` restores it), or choose another --identity")
        }
        record.entries.append(.init(name: name, value: value))
        record.replaced.append(.init(section: "system", name: name, value: former))
        try document.replace(old, by: Self.xml(name, value))
    }

    /// Removes entries written by hand that advertise another datasource beside the identity's; only if `replaces` allows it.
    ///
    /// What is written elsewhere than in `<sysinfo>` is refused: `enable` does not edit it.
    private mutating func removeOthers(
        than identity: SMBIOSIdentity, _ record: inout EnableRecord, replacing replaces: Bool
    ) throws {
        guard let detection else { return }
        let all = DatasourceDetection.Version.allCases.flatMap(detection.evidence)
        for (source, evidence) in all where source != identity.datasource {
            switch evidence {
            // The UUID alone may advertise EC2, and cannot be changed.
            case .uuid, .architecture: continue
            case .smbios(_, let found) where found.origin == .commandLine: try Self.refuse(source, evidence, beside: identity)
            case .kernelCommandLine: try Self.refuse(source, evidence, beside: identity)
            case .smbios(let field, let found):
                let (section, name) = field.entry
                // Both versions may name one entry.
                guard let entry = entry(name, in: section), entry.trimmedText == found.value else { continue }
                guard replaces else {
                    throw DefinitionFailure(
                        "<entry name='\(name)'>\(shown(found.value))</entry>, written by hand, advertises \(source.rawValue) as well as "
                            + "--identity \(identity.rawValue): replace it with --force (`disable` restores it), or choose "
                            + "another --identity")
                }
                record.replaced.append(.init(section: section, name: name, value: found.value))
                try document.remove(entry)
            }
        }
    }

    private static func refuse(
        _ source: DatasourceDetection.Datasource, _ evidence: DatasourceDetection.Evidence, beside identity: SMBIOSIdentity
    ) throws {
        let isKernel = evidence == .kernelCommandLine
        throw DefinitionFailure(
            "\(evidence), written by hand, makes cloud-init use \(source.rawValue), which contradicts --identity "
                + "\(identity.rawValue): remove \(isKernel ? "the datasource from <cmdline>" : "that entry from <qemu:commandline>") "
                + "with `virsh edit`, or set values only with `virt-metadata set`")
    }

    /// Refuses an identity that has no effect, because `-smbios` in `<qemu:commandline>` or the kernel's command line replaces it.
    private func refuseReplacedEntries(of identity: SMBIOSIdentity) throws {
        if identity.datasource == .noCloud, let detection, !detection.requestsMetadataHere,
            let seed = detection.seed(for: .newer), seed.evidence == .kernelCommandLine
        {
            throw DefinitionFailure(
                "the kernel command line names the seed '\(shown(seed.url))' for NoCloud, which replaces that of --identity "
                    + "\(identity.rawValue): write '\(KernelCommandLine.advice())' there with `virsh edit`")
        }
        let tables = SMBIOSTables(document.root)
        for (name, value) in identity.entries(for: systemUUID ?? Self.anyUUID) {
            guard let entry = SMBIOSTables.Field(rawValue: name).flatMap({ tables.entries[$0] }), entry.value != value,
                entry.origin == .commandLine
            else { continue }
            throw DefinitionFailure(
                "-smbios in <qemu:commandline> gives the guest the \(name) '\(shown(entry.value))'; --identity \(identity.rawValue) needs "
                    + "'\(value)' there: remove it with `virsh edit`, or choose another --identity")
        }
    }

    // MARK: Removing

    /// Gives `<smbios>` its former mode, but not one that shows more to the guest: anybody who may set metadata can write that into the record.
    private mutating func restore(_ mode: String, of smbios: XMLElement) throws {
        if mode == "host" {
            remarks.append(
                "<smbios mode='host'/>, which shows this host's SMBIOS tables to the guest, is not restored: use `virsh edit`")
        }
        try document.setAttribute("mode", of: smbios, to: mode == "host" ? "emulate" : mode)
    }

    /// Removes the entries that `enable` wrote, and restores those that it replaced.
    mutating func removeIdentity(_ record: inout EnableRecord) throws {
        var keepsEntries = false
        var replaced = record.replaced
        for written in record.entries {
            let before = replaced.firstIndex { $0.section == "system" && $0.name == written.name }.map { replaced.remove(at: $0) }
            guard let element = entry(written.name, in: "system") else { continue }
            if element.trimmedText != written.value {
                remarks.append("<entry name='\(written.name)'> was changed after enable, and is kept")
                keepsEntries = true
            } else if let before {
                try document.replace(element, by: Self.xml(before.name, before.value))
            } else {
                try document.remove(element)
            }
        }
        for former in replaced where entry(former.name, in: former.section) == nil {
            guard let sysinfo else { break }
            if sysinfo.first(former.section) == nil { try document.append("<\(former.section)/>", to: sysinfo) }
            guard let section = self.sysinfo?.first(former.section) else { continue }
            try document.append(Self.xml(former.name, former.value), to: section)
        }
        if record.made.contains("sysinfo/system"), let system, !system.hasChildElements { try document.remove(system) }
        if record.made.contains("sysinfo"), let sysinfo, !sysinfo.hasChildElements { try document.remove(sysinfo) }
        // An entry that was added since stays visible to the guest.
        keepsEntries = keepsEntries || (record.made.contains("sysinfo/system") && system != nil)
        if !keepsEntries, let smbios {
            if record.made.contains("os/smbios") { try document.remove(smbios) }
            if let mode = record.mode { try restore(mode, of: smbios) }
        }
        (record.identity, record.mode, record.made, record.entries, record.replaced) = (nil, nil, [], [], [])
    }
}

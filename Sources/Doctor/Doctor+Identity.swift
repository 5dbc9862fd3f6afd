import Common
import Configuration
import Description
import Interception
import Libvirt

/// What makes the guest's cloud-init request metadata: SMBIOS tables, the kernel's command line, and disks.
extension Doctor {
    /// Whether the guest's cloud-init detects a datasource that requests metadata here.
    func checkTables(_ examined: ExaminedDomain) -> CheckResult {
        var result = CheckResult(name: "smbios")
        do throws(DescriptionError) {
            let now = try DatasourceDetection(Array(examined.running.xml.utf8))
            let next = try examined.domain.defined.map { part throws(DescriptionError) in
                try DatasourceDetection(Array(part.xml.utf8))
            }
            let seeds = SeedDisk.find(in: Array(examined.running.xml.utf8))
            let hasSeed = seeds.contains(where: \.isNamedLikeSeed)
            result.diagnoses = diagnoses(now, next, hasSeed: hasSeed, examined) + seeds.map { Self.diagnosis(of: $0, examined) }
            for clone in examined.clones {
                guard case .systemUUID = clone.shared else { continue }
                let remedy = "give one of them another <hwuuid>: \(examined.virsh) edit \(examined.word)"
                result.diagnoses.append(.warning(clone.problem, remedy))
            }
            result.detail = Self.summary(of: now)
        } catch {
            result.diagnoses = [.error("invalid domain XML: \(error)", "\(examined.virsh) edit \(examined.word)")]
        }
        return result
    }

    /// What each version detects, and why, where that is not `<sysinfo>`.
    static func summary(of detection: DatasourceDetection) -> String {
        func names(_ version: DatasourceDetection.Version) -> String {
            let found = detection.datasources(for: version).map(\.rawValue)
            return found.isEmpty ? "nothing" : found.joined(separator: ", ")
        }
        let (older, newer) = (names(.older), names(.newer))
        let version = DatasourceDetection.Version.self
        let summary =
            older == newer
            ? "cloud-init detects \(newer)"
            : "cloud-init >= \(version.newer.rawValue) detects \(newer), \(version.older.rawValue) detects \(older)"
        let reasons = detection.evidence(for: .newer).map(\.evidence).filter { evidence in
            if case .smbios(_, let entry) = evidence { entry.origin == .commandLine } else { evidence == .kernelCommandLine }
        }
        return reasons.first.map { "\(summary), by \($0)" } ?? summary
    }

    private func diagnoses(
        _ now: DatasourceDetection, _ next: DatasourceDetection?, hasSeed: Bool, _ examined: ExaminedDomain
    ) -> [Diagnosis] {
        let newer = now.datasources(for: .newer)
        if newer.isEmpty {
            guard let next, !next.datasources(for: .newer).isEmpty else { return [missing(now, hasSeed: hasSeed, examined)] }
            let problem =
                "the domain has not been restarted since its definition got an SMBIOS identity, so the guest does not see it"
            return [.error(problem, command("enable \(examined.word) --restart"))]
        }
        return foreign(now, examined) + versions(now, examined) + seed(now, examined) + upcoming(now, next, examined)
    }

    /// What the definition changes at the next start, such as after `disable`.
    private func upcoming(
        _ now: DatasourceDetection, _ next: DatasourceDetection?, _ examined: ExaminedDomain
    ) -> [Diagnosis] {
        guard let found = next?.datasources(for: .newer), found != now.datasources(for: .newer) else { return [] }
        let problem = "the definition differs from the running guest: after the guest's next start, cloud-init detects"
        guard !found.isEmpty else {
            let remedy = examined.isDisabled ? "disable \(examined.word) --restart" : "enable \(examined.word)"
            return [.note("\(problem) no datasource, as after `virt-metadata disable`", command(remedy))]
        }
        return [.note("\(problem) \(found.map(\.rawValue).joined(separator: ", "))", examined.restart)]
    }

    // MARK: What is detected

    /// The datasources of other clouds, which this server does not answer.
    private func foreign(_ detection: DatasourceDetection, _ examined: ExaminedDomain) -> [Diagnosis] {
        let found = detection.evidence(for: .newer)
        guard let other = detection.datasources(for: .newer).first, !other.isServed,
            let evidence = found.first(where: { $0.source == other })?.evidence
        else { return [] }
        let isFirst = found.contains(where: \.source.isServed)
        let problem =
            "\(evidence) makes cloud-init \(isFirst ? "first try" : "use") \(other.rawValue), whose metadata this server does not have"
        return [isFirst ? .warning(problem, remedy(nil, examined)) : .error(problem, remedy(nil, examined))]
    }

    /// Differences between the versions of cloud-init.
    private func versions(_ detection: DatasourceDetection, _ examined: ExaminedDomain) -> [Diagnosis] {
        if detection.isAccidentallyEC2 {
            let outcome = "cloud-init >= 24.2 will pick EC2, older versions will not"
            guard examined.domain.uuid.description.hasPrefix("ec2") else {
                let problem = "the UUID starts with 'ec2' if its bytes are swapped: \(outcome)"
                return [.warning(problem, "define the domain with another UUID")]
            }
            let problem = "the UUID starts with 'ec2' but the serial does not match it: \(outcome)"
            return [.warning(problem, remedy(.ec2, examined))]
        }
        guard detection.datasources(for: .older).isEmpty else { return [] }
        let problem = "cloud-init before 24.2, as in Debian 12, detects no datasource"
        return [.warning(problem, remedy(.openstack, examined))]
    }

    /// Where NoCloud's files come from.
    private func seed(_ detection: DatasourceDetection, _ examined: ExaminedDomain) -> [Diagnosis] {
        guard let seed = detection.seed(for: .older), detection.datasources(for: .newer).contains(.noCloud) else { return [] }
        let isKernel = seed.evidence == .kernelCommandLine
        let subject = isKernel ? "the kernel command line" : "the SMBIOS serial"
        func repair(_ identity: SMBIOSIdentity) -> String {
            guard isKernel else { return remedy(identity, examined) }
            let words = KernelCommandLine.advice(for: identity == .nocloud ? .newer : .older)
            return "put '\(words)' into <cmdline>: \(examined.virsh) edit \(examined.word)"
        }
        if seed.url.isEmpty {
            let problem =
                "\(subject) names no seed URL (';s=…' after 'ds=nocloud'), so cloud-init's NoCloud does not request metadata"
            return [.warning(problem, repair(.nocloud))]
        }
        if !Self.isOnThisServer(seed.url) {
            let problem = "\(subject) names the seed '\(seed.url)', which is not on this server"
            return [.warning(problem, repair(.nocloud))]
        }
        guard !seed.isAsked else { return [] }
        let problem = "cloud-init before 23.3, as in Debian 12, ignores the network seed of 'ds=nocloud'"
        return [.note(problem, repair(.nocloudNet))]
    }

    /// Whether a URL names the seed that this server has, at any of its addresses.
    static func isOnThisServer(_ url: String) -> Bool {
        guard url.prefix(7).lowercased() == "http://" else { return false }
        let rest = url.dropFirst(7)
        let authority = rest.prefix { $0 != "/" }
        let path = TreePath(target: String(rest[authority.endIndex...]))
        var host = authority.lowercased()
        if host.hasSuffix(":80") { host = String(host.dropLast(3)) }
        let address = host.hasPrefix("[") ? String(host.dropFirst().prefix { $0 != "]" && $0 != "%" }) : host
        return IPAddress(address).map(MetadataAddress.all.contains) == true && path?.names.first == "nocloud"
    }

    // MARK: Nothing is detected

    /// Why no datasource is detected.
    private func missing(_ detection: DatasourceDetection, hasSeed: Bool, _ examined: ExaminedDomain) -> Diagnosis {
        let edit = "\(examined.virsh) edit \(examined.word)"
        if detection.kernel.disablesCloudInit {
            return .error("the kernel command line has cloud-init=disabled, so cloud-init does not run", edit)
        }
        if let name = detection.kernel.datasource(for: .newer) {
            return .error("the kernel command line names the datasource '\(name)', which virt-metadata does not know", edit)
        }
        if let problem = Self.unseen(detection) {
            // Older versions do not need tables there.
            let repair = remedy(nil, examined)
            return detection.datasources(for: .older).isEmpty ? .error(problem, repair) : .warning(problem, repair)
        }
        if detection.tables.showsHost {
            return .warning(
                "<smbios mode='host'/> shows this host's SMBIOS tables to the guest: cloud-init detects the cloud that this host is "
                    + "in, if any", remedy(nil, examined))
        }
        if let entry = detection.firmwareEntries.first {
            return .warning(
                "SMBIOS does not advertise a cloud, and fw_cfg gives the guest '\(entry)': cloud-init does not read that entry, and "
                    + "Ignition, if its configuration is there, sends no request to this server", remedy(nil, examined))
        }
        if hasSeed {
            return .warning(
                "SMBIOS does not advertise a cloud: without the seed disk, cloud-init detects no datasource",
                remedy(nil, examined))
        }
        let product = detection.tables[.product]
        if let meant = nearestWord(to: product, among: ["OpenStack Nova"]) {
            return .error("unknown SMBIOS product '\(product)', so cloud-init detects no datasource: expected '\(meant)'", edit)
        }
        let shown = [SMBIOSTables.Field.manufacturer, .product].compactMap { field in
            detection.tables.entries[field].map { "\(field.rawValue) '\($0.value)'" }
        }
        let subject = "SMBIOS \(shown.joined(separator: ", "))\(shown.isEmpty ? "" : " ")does not advertise a cloud"
        guard detection.datasources(for: .older).isEmpty else {
            return .warning("\(subject): \(Self.withoutTables)", remedy(nil, examined))
        }
        return .error("\(subject), so cloud-init detects no datasource", remedy(nil, examined))
    }

    /// What cloud-init does without SMBIOS tables where the architecture is not a PC's.
    private static let withoutTables =
        "cloud-init from 25.1.3 on, as in Debian 13, detects no datasource, and older ones try OpenStack"

    /// Why the guest sees no SMBIOS tables, or not those that are written for it.
    private static func unseen(_ detection: DatasourceDetection) -> String? {
        switch detection.tables.support {
        case .absent(let architecture):
            return "guests of the architecture '\(architecture)' have no SMBIOS tables: \(withoutTables)"
        case .needsUEFI(let architecture):
            return "guests of the architecture '\(architecture)' see SMBIOS tables only if they boot by UEFI: \(withoutTables)"
        case .present: break
        }
        guard !detection.tables.hidden.isEmpty, !detection.tables.showsHost else { return nil }
        return "<sysinfo> has SMBIOS entries, but <os> has no <smbios mode='sysinfo'/>, so the guest does not see them"
    }

    // MARK: Remedies

    /// The command that gives the domain an SMBIOS identity, tried on a copy of its definition; where none does, what to do instead.
    private func remedy(_ identity: SMBIOSIdentity?, _ examined: ExaminedDomain) -> String {
        let option = identity.map { " --identity \($0.rawValue)" } ?? ""
        let restart = examined.isRunning ? " --restart" : ""
        guard let defined = examined.domain.defined else {
            return "\(command("enable --xml\(option) FILE")) for the XML that this transient domain is created from"
        }
        guard let refusal = Self.refusal(of: identity, force: false, in: defined) else {
            return command("enable \(examined.word)\(option)\(restart)")
        }
        guard Self.refusal(of: identity, force: true, in: defined) != nil else {
            return command("enable \(examined.word)\(option) --force\(restart)")
        }
        return refusal
    }

    /// Why `enable` refuses an identity; `nil` where it does not.
    static func refusal(of identity: SMBIOSIdentity?, force: Bool, in definition: EditableDomain.Part) -> String? {
        do {
            var edited = try DomainDefinition(definition.xml, element: definition.element)
            try edited.enable(identity, [], replacing: force)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// A disk that cloud-init may prefer over this server.
    private static func diagnosis(of disk: SeedDisk, _ examined: ExaminedDomain) -> Diagnosis {
        let remedy = disk.remedy(for: examined.word, by: examined.virsh)
        return disk.isNamedLikeSeed ? .warning(disk.problem, remedy) : .note(disk.problem, remedy)
    }
}

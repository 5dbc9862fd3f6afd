import Common
import Configuration
import Interception
import Inventory
import Libvirt
import XML

extension Doctor {
    // MARK: SMBIOS

    /// Whether the guest's cloud-init detects a datasource that requests metadata here.
    func checkTables(_ examined: ExaminedDomain) -> CheckResult {
        var result = CheckResult(name: "smbios")
        do throws(DescriptionError) {
            let now = try DatasourceDetection(Array(examined.running.xml.utf8))
            let next = try examined.domain.defined.map { part throws(DescriptionError) in
                try DatasourceDetection(Array(part.xml.utf8))
            }
            result.diagnoses = diagnoses(now, next, examined) + Self.seedDisks(examined)
            result.detail = Self.summary(of: now)
        } catch {
            result.diagnoses = [.error("invalid domain XML: \(error)", "\(examined.virsh) edit \(examined.word)")]
        }
        return result
    }

    private static func summary(of tables: DatasourceDetection) -> String {
        func names(_ version: DatasourceDetection.Version) -> String {
            let found = tables.datasources(for: version).map(\.rawValue)
            return found.isEmpty ? "nothing" : found.joined(separator: ", ")
        }
        let (older, newer) = (names(.older), names(.newer))
        let version = DatasourceDetection.Version.self
        return older == newer
            ? "cloud-init detects \(newer)"
            : "cloud-init >= \(version.newer.rawValue) detects \(newer), \(version.older.rawValue) detects \(older)"
    }

    private func diagnoses(
        _ now: DatasourceDetection, _ next: DatasourceDetection?, _ examined: ExaminedDomain
    ) -> [Diagnosis] {
        let enable = { (options: String) in command("enable \(examined.word) \(options)") }
        let (older, newer) = (now.datasources(for: .older), now.datasources(for: .newer))
        if newer.isEmpty {
            guard let next, !next.datasources(for: .newer).isEmpty else { return [missing(now, examined)] }
            let problem = "the domain was not restarted since its definition got an SMBIOS identity, so the guest does not see it"
            return [.error(problem, enable("--restart"))]
        }
        var diagnoses: [Diagnosis] = []
        if now.isAccidentallyEC2 {
            let outcome = "cloud-init >= 24.2 will pick EC2, older versions will not"
            let isPlain = examined.domain.uuid.description.hasPrefix("ec2")
            diagnoses.append(
                isPlain
                    ? .warning(
                        "UUID starts with 'ec2' but the serial does not match it: \(outcome)", enable("--identity ec2 --restart"))
                    : .warning("UUID looks like EC2's with its bytes swapped: \(outcome)", "define the domain with another UUID"))
        } else if older.isEmpty {
            diagnoses.append(
                .warning(
                    "cloud-init before 24.2, as in Debian 12, detects no datasource", enable("--identity openstack --restart")))
        }
        if let seed = now.seed(for: .older), older.contains(.noCloud) {
            if !seed.isAsked {
                let problem = "cloud-init before 23.3, as in Debian 12, ignores the network seed of 'ds=nocloud'"
                diagnoses.append(.note(problem, enable("--identity nocloud-net --restart")))
            }
            if !seed.url.hasPrefix("http://\(MetadataAddress.v4)/nocloud") {
                let problem = "the SMBIOS serial names the seed '\(seed.url)', which is not on this server"
                diagnoses.append(.warning(problem, enable("--identity nocloud --restart")))
            }
        }
        return diagnoses
    }

    /// Why no datasource is detected.
    private func missing(_ tables: DatasourceDetection, _ examined: ExaminedDomain) -> Diagnosis {
        if !tables.showsTables, !tables.entries.isEmpty {
            return .error(
                "<sysinfo> has SMBIOS entries, but <os> has no <smbios mode='sysinfo'/>, so the guest does not see them",
                command("enable \(examined.word) --restart"))
        }
        if let product = tables.entries["product"], let meant = nearestWord(to: product, among: ["OpenStack Nova"]) {
            return .error(
                "unknown SMBIOS product '\(product)', so cloud-init detects no datasource: expected '\(meant)'",
                "\(examined.virsh) edit \(examined.word)")
        }
        return .error(
            "SMBIOS does not advertise a cloud, so cloud-init's datasource detection finds none",
            command("enable \(examined.word) --restart"))
    }

    /// The disks that cloud-init prefers over this server.
    private static func seedDisks(_ examined: ExaminedDomain) -> [Diagnosis] {
        SeedDisk.find(in: Array(examined.running.xml.utf8)).map { disk in
            let remedy = disk.remedy(for: examined.word).replacing("virsh ", with: "\(examined.virsh) ", maxReplacements: 1)
            return disk.isNamedLikeSeed ? .warning(disk.problem, remedy) : .note(disk.problem, remedy)
        }
    }

    // MARK: Metadata

    /// Whether the operator's values can be served.
    func checkMetadata(_ examined: ExaminedDomain) -> CheckResult {
        var result = CheckResult(name: "metadata", detail: "all values are usable")
        let edit = command("edit \(examined.word)")
        result.diagnoses = examined.assembled.findings.map { finding in
            let text = "\(finding.element): \(finding.problem)"
            return finding.weight == .note ? .note(text) : .error("value not served: \(text)", edit)
        }
        let element = configuration.edited ? examined.domain.defined?.element : examined.running.element
        if element == nil { result.diagnoses.insert(missingElement(examined), at: 0) }
        // The worst first: it is what the guest misses.
        result.diagnoses = result.diagnoses.enumerated().sorted {
            ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset)
        }.map(\.element)
        return result
    }

    private func missingElement(_ examined: ExaminedDomain) -> Diagnosis {
        if let stray = Self.strayElement(examined.running.xml) {
            return .error(
                "<\(stray.name)> has the unknown namespace '\(stray.namespace)': expected '\(InstanceElement.namespace)'",
                "\(examined.virsh) edit \(examined.word)")
        }
        if examined.domain.defined?.element != nil {
            return .error(
                "the domain was not restarted since its definition got <instance> metadata, and the running domain has none",
                examined.restart)
        }
        guard examined.instance.access.publicKeys.isEmpty, examined.instance.documents.userData == nil else {
            return .note("no <instance> metadata is set; the defaults of the configuration are served")
        }
        return .warning(
            "no <instance> metadata is set (elements without a namespace are dropped by libvirt)",
            command("enable \(examined.word) --ssh-key FILE"))
    }

    /// An element of virt-metadata's name in another namespace.
    private static func strayElement(_ xml: String) -> (name: String, namespace: String)? {
        guard let root = try? XMLDocument(parsing: Array(xml.utf8)).root else { return nil }
        let elements = root.first("metadata")?.children ?? []
        return elements.first { $0.name == "instance" || ($0.namespace ?? "").hasPrefix("urn:virt-metadata:instance") }
            .map { ($0.name, $0.namespace ?? "") }
    }
}

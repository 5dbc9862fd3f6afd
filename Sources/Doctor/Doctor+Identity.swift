import Common
import FoundationEssentials
import Interception
import Inventory
import Libvirt
import XML

extension Doctor {
    /// Whether the guest's cloud-init detects a datasource that requests metadata here.
    func checkTables(_ examined: ExaminedDomain) -> CheckResult {
        var result = CheckResult(name: "smbios")
        let name = examined.domain.commandWord
        do throws(DescriptionError) {
            let now = try DatasourceDetection(Array(examined.running.xml.utf8))
            let next = try examined.domain.defined.map { part throws(DescriptionError) in
                try DatasourceDetection(Array(part.xml.utf8))
            }
            result.diagnoses = Self.diagnoses(now, next, name, examined.uri)
            let found = DatasourceDetection.Version.allCases.map { version in
                let names = now.datasources(for: version).map(\.rawValue).joined(separator: ", ")
                return "cloud-init \(version.rawValue): \(names.isEmpty ? "nothing" : names)"
            }
            result.detail = found.joined(separator: "; ")
        } catch {
            result.diagnoses = [.error("the domain's XML cannot be used: \(error)")]
        }
        return result
    }

    private static func diagnoses(
        _ now: DatasourceDetection, _ next: DatasourceDetection?, _ name: String, _ uri: String
    ) -> [Diagnosis] {
        let (older, newer) = (now.datasources(for: .older), now.datasources(for: .newer))
        if newer.isEmpty {
            if let next, !next.datasources(for: .newer).isEmpty {
                return [
                    .error(
                        "the guest is not yet shown the SMBIOS entries that its definition has: it was not started since",
                        "virsh -c \(uri) shutdown \(name); virsh -c \(uri) start \(name)")
                ]
            }
            return [.error(missing(now), "virt-metadata enable \(name), then stop and start it")]
        }
        var diagnoses: [Diagnosis] = []
        if now.isAccidentallyEC2 {
            diagnoses.append(
                .warning(
                    "the UUID makes cloud-init from 24.2 on believe that it is on EC2, and older ones not: the serial number does not agree",
                    "virt-metadata enable \(name) --identity ec2, or define the domain with another UUID"))
        } else if older.isEmpty {
            diagnoses.append(
                .warning(
                    "cloud-init before 24.2, as Debian 12's, looks for nothing",
                    "virt-metadata enable \(name) --identity openstack"))
        }
        if let seed = now.seed(for: .older), older.contains(.noCloud) {
            if !seed.isAsked {
                diagnoses.append(
                    .note(
                        "cloud-init before 23.3, as Debian 12's, asks no seed over the network for 'ds=nocloud'",
                        "virt-metadata enable \(name) --identity nocloud-net"))
            }
            if !seed.url.hasPrefix("http://\(MetadataAddress.v4)/nocloud") {
                diagnoses.append(
                    .warning(
                        "the seed is '\(seed.url)', which is not this server's", "virt-metadata enable \(name) --identity nocloud"
                    ))
            }
        }
        return diagnoses
    }

    /// Why no datasource is detected.
    private static func missing(_ tables: DatasourceDetection) -> String {
        if !tables.showsTables, !tables.entries.isEmpty {
            return
                "cloud-init looks for nothing: <sysinfo> has entries, but <os> has no <smbios mode='sysinfo'/>, so the guest is not shown them"
        }
        if let product = tables.entries["product"], let meant = nearestWord(to: product, among: ["OpenStack Nova"]) {
            return "cloud-init looks for nothing: the product is '\(product)', and '\(meant)' is what it knows"
        }
        return "cloud-init looks for nothing: no SMBIOS entry tells the guest that it is in a cloud"
    }

    /// Whether the operator's values can be used.
    func checkMetadata(_ examined: ExaminedDomain) -> CheckResult {
        var result = CheckResult(name: "metadata")
        let name = examined.domain.commandWord
        result.diagnoses = examined.assembled.findings.map { finding in
            let text = "\(finding.element): \(finding.problem)"
            return finding.weight == .note
                ? .note(text) : .error("a value is left out: \(text)", "virt-metadata edit \(name)")
        }
        if examined.running.element == nil { result.diagnoses.insert(Self.missingElement(examined), at: 0) }
        // The worst first: it is what the guest misses.
        result.diagnoses = result.diagnoses.enumerated().sorted {
            ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset)
        }.map(\.element)
        result.detail = "every value can be used"
        return result
    }

    private static func missingElement(_ examined: ExaminedDomain) -> Diagnosis {
        let name = examined.domain.commandWord
        if let stray = strayElement(examined.running.xml) {
            return .error(
                "the metadata has <\(stray.name)> in the namespace '\(stray.namespace)', which nobody reads; it is '\(InstanceElement.namespace)'",
                "virsh -c \(examined.uri) edit \(name)")
        }
        if examined.domain.defined?.element != nil {
            return .error(
                "the running domain has no metadata, but its definition has: it was not started since",
                "virt-metadata edit \(name) --live, or stop and start it")
        }
        guard examined.instance.access.publicKeys.isEmpty, examined.instance.documents.userData == nil else {
            return .note("the domain's metadata says nothing of the instance: what it is told are the configuration's defaults")
        }
        return .warning(
            "the domain's metadata says nothing of the instance: libvirt silently drops elements without a namespace",
            "virt-metadata enable \(name) --ssh-key FILE, or `virt-metadata convert` for a file with bare elements")
    }

    /// An element of virt-metadata's name in another namespace.
    private static func strayElement(_ xml: String) -> (name: String, namespace: String)? {
        guard let root = try? XMLDocument(parsing: Array(xml.utf8)).root else { return nil }
        let elements = root.first("metadata")?.children ?? []
        return elements.first { $0.name == "instance" || ($0.namespace ?? "").hasPrefix("urn:virt-metadata:instance") }
            .map { ($0.name, $0.namespace ?? "") }
    }
}

import Common
import Configuration
import Description
import Libvirt
import XML

extension Doctor {
    /// Whether the operator's values can be served.
    func checkMetadata(_ examined: ExaminedDomain) -> CheckResult {
        var result = CheckResult(name: "metadata", detail: "all values are usable")
        let edit = command("edit \(examined.word)")
        result.diagnoses = examined.assembled.findings.map { finding in
            let text = "\(finding.element): \(finding.problem)"
            guard finding.weight == .note else { return .error("value not served: \(text)", edit) }
            return finding.isWarning ? .warning(text, edit) : .note(text)
        }
        let element = configuration.edited ? examined.domain.defined?.element : examined.running.element
        if element == nil { result.diagnoses.insert(missingElement(examined), at: 0) }
        for clone in examined.clones {
            guard case .instanceID = clone.shared else { continue }
            let isWritten = element?.contains("instance-id") ?? false
            let remedy = isWritten ? "unset \(examined.word) instance-id" : "set \(examined.word) instance-id=ANOTHER"
            result.diagnoses.append(.warning(clone.problem, command(remedy)))
        }
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
                "the domain has not been restarted since its definition got <instance> metadata, so the running domain has none",
                examined.restart)
        }
        guard !examined.isDisabled else {
            return .warning(
                "the domain is disabled: it has no <instance> metadata, and its guest keeps its SMBIOS identity until it is restarted",
                command("disable \(examined.word) --restart"))
        }
        guard examined.instance.access.publicKeys.isEmpty, examined.instance.documents.userData == nil else {
            return .note("no <instance> metadata is set; the defaults of the configuration are served")
        }
        // Some domains cannot have what `enable` writes besides.
        let isRefused = examined.domain.defined.flatMap { Self.refusal(of: nil, force: false, in: $0) } != nil
        return .warning(
            "no <instance> metadata is set (libvirt drops elements without a namespace)",
            command(isRefused ? "edit \(examined.word)" : "enable \(examined.word) --ssh-key FILE"))
    }

    /// An element that is meant for virt-metadata and has another namespace. Other programs have elements of that name too, as Nova's
    /// `<nova:instance>`, which are none of this program's business.
    static func strayElement(_ xml: String) -> (name: String, namespace: String)? {
        guard let root = try? XMLDocument(parsing: Array(xml.utf8)).root else { return nil }
        let elements = root.first("metadata")?.children ?? []
        return elements.lazy.map { ($0.name, $0.namespace ?? "") }.first { name, namespace in
            namespace.hasPrefix("urn:virt-metadata:instance")
                || name == "instance" && (namespace.isEmpty || namespace.contains("virt-metadata") || isMisspelt(namespace))
        }
    }

    private static func isMisspelt(_ namespace: String) -> Bool {
        nearestWord(to: namespace, among: [InstanceElement.namespace]) != nil
    }
}

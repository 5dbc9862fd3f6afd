import Common
import XML

extension SMBIOSIdentity {
    /// The identity that a domain's XML gives its guest, written by `enable` or by hand; `nil` where it has no known one.
    ///
    /// - Parameter uuid: the system's UUID as the guest sees it.
    static func present(in domain: XMLElement, uuid: InstanceUUID) -> SMBIOSIdentity? {
        guard domain.first("os", "smbios")?.attribute("mode") == "sysinfo",
            let system = domain.all("sysinfo").first(where: { $0.attribute("type") == "smbios" })?.first("system")
        else { return nil }
        let entries = Dictionary(system.all("entry").map { ($0.attribute("name") ?? "", $0.trimmedText) }) { first, _ in first }
        return allCases.first { $0.entries(for: uuid).allSatisfy { name, value in entries[name] == value } }
    }
}

extension Enablement {
    /// The entry that enables a running domain.
    ///
    /// - Parameters:
    ///   - domain: the XML of the running domain, whose SMBIOS tables the guest sees.
    ///   - definition: the XML from which the operator's element is read.
    ///   - uuid: the system's UUID as the guest sees it.
    static func present(in domain: XMLElement, definition: XMLElement, uuid: InstanceUUID) -> Enablement? {
        if let identity = SMBIOSIdentity.present(in: domain, uuid: uuid) { return .smbiosIdentity(identity.rawValue) }
        let element = definition.first("metadata")?.first(Vocabulary.root, namespace: Vocabulary.namespace)
        return element == nil ? nil : .instanceElement
    }
}

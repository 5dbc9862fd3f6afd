import Common
import XML

extension SMBIOSIdentity {
    /// The identity that a domain's XML gives its guest, written by `enable` or by hand, in `<sysinfo>` or `<qemu:commandline>`; `nil`
    /// where it has no known one.
    ///
    /// - Parameter uuid: the system's UUID as the guest sees it.
    static func present(in domain: XMLElement, uuid: InstanceUUID) -> SMBIOSIdentity? {
        let tables = SMBIOSTables(domain)
        guard !tables.entries.isEmpty else { return nil }
        return allCases.first { identity in
            identity.entries(for: uuid).allSatisfy { name, value in
                SMBIOSTables.Field(rawValue: name).map { tables[$0] == value } ?? false
            }
        }
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
        if KernelCommandLine(domain).seed?.url.hasPrefix(SMBIOSIdentity.seedPrefix) == true { return .kernelCommandLine }
        let element = definition.first("metadata")?.first(Vocabulary.root, namespace: Vocabulary.namespace)
        return element == nil ? nil : .instanceElement
    }
}

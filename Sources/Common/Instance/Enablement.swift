/// The entry of a running domain's XML that enables virt-metadata for the domain, so that the bridges of its interfaces are served.
package enum Enablement: Sendable, Hashable, CustomStringConvertible {
    /// SMBIOS entries by which a cloud image chooses a datasource that virt-metadata serves; the name of the identity.
    case smbiosIdentity(String)
    /// The command line of a kernel that is booted directly, by which cloud-init requests NoCloud's files here.
    case kernelCommandLine
    /// The operator's `<instance>` element.
    case instanceElement

    /// As logs and `status` show it.
    package var description: String {
        switch self {
        case .smbiosIdentity(let name): "SMBIOS identity \(name)"
        case .kernelCommandLine: "kernel command line"
        case .instanceElement: "<instance> element"
        }
    }
}

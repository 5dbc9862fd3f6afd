/// The names of an instance: libvirt's names for the domain, and those that the guest reads.
package struct InstanceNames: Sendable, Equatable {
    /// libvirt's UUID of the domain: the key of the inventory.
    package let domain: InstanceUUID
    /// libvirt's name of the domain, for operators.
    package let domainName: String
    /// libvirt's number of the running domain; each start assigns a new one.
    package let libvirtID: Int?
    /// The UUID in the guest's SMBIOS tables: the domain's `<hwuuid>` if it has one, else the domain's own.
    package let uuid: InstanceUUID
    /// The EC2 identifier, which begins with `i-`.
    package let id: String
    /// The display name.
    package let name: String
    /// A host name that is valid by RFC 1123.
    package let hostname: String

    package init(
        domain: InstanceUUID, domainName: String, libvirtID: Int? = nil, uuid: InstanceUUID, id: String, name: String,
        hostname: String
    ) {
        (self.domain, self.domainName, self.libvirtID, self.uuid) = (domain, domainName, libvirtID, uuid)
        (self.id, self.name, self.hostname) = (id, name, hostname)
    }
}

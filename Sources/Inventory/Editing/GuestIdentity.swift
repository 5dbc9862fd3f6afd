import Common
import XML

/// By what a guest's cloud-init knows where to ask: entries of its SMBIOS tables, as `ds-identify` reads them.
public enum GuestIdentity: String, Sendable, CaseIterable {
    /// The OpenStack documents; no demand on the domain.
    case openstack
    /// The EC2 tree; the domain's UUID must begin `ec2`.
    case ec2
    /// The NoCloud files, for cloud-init from 23.3.
    case nocloud
    /// The NoCloud files for older ones, such as Debian 12's 22.4.2.
    case nocloudNet = "nocloud-net"

    /// The entries of `<sysinfo type='smbios'><system>` that make it.
    ///
    /// - Parameter uuid: what the guest sees as the system's.
    func entries(for uuid: InstanceUUID) -> [(name: String, value: String)] {
        switch self {
        case .openstack: [("product", "OpenStack Nova")]
        // cloud-init before 24.2 believes the UUID only where the serial number is the same.
        case .ec2: [("uuid", uuid.description), ("serial", uuid.description)]
        case .nocloud, .nocloudNet: [("serial", "ds=\(rawValue);s=http://169.254.169.254/nocloud/")]
        }
    }

    /// Why a domain cannot have it, and what to do; `nil` where it can.
    func obstacle(uuid: InstanceUUID) -> String? {
        guard self == .ec2, !uuid.description.hasPrefix("ec2") else { return nil }
        return """
            an EC2 guest knows itself by a UUID that begins 'ec2', and this domain's is \(uuid). libvirt refuses SMBIOS tables with \
            another UUID, and a domain's UUID cannot be changed: define the domain anew with such a UUID, write \
            <hwuuid> with libvirt 11.6 or newer, or take --identity openstack
            """
    }
}

import Common
import XML

/// An SMBIOS identity: entries of a guest's SMBIOS tables by which cloud-init's `ds-identify` chooses a datasource.
package enum SMBIOSIdentity: String, Sendable, CaseIterable {
    /// The OpenStack documents; no requirement on the domain.
    case openstack
    /// The EC2 tree; the domain's UUID must begin `ec2`.
    case ec2
    /// The NoCloud files, for cloud-init from 23.3.
    case nocloud
    /// The NoCloud files for older versions, such as 22.4.2 in Debian 12.
    case nocloudNet = "nocloud-net"

    /// The beginning of the seed URLs that this program serves.
    static let seedPrefix = "http://169.254.169.254/"

    /// Its entries of `<sysinfo type='smbios'><system>`.
    ///
    /// - Parameter uuid: the system's UUID as the guest sees it.
    func entries(for uuid: InstanceUUID) -> [(name: String, value: String)] {
        switch self {
        case .openstack: [("product", "OpenStack Nova")]
        // cloud-init before 24.2 accepts the UUID only if the serial number equals it.
        case .ec2: [("uuid", uuid.description), ("serial", uuid.description)]
        case .nocloud, .nocloudNet: [("serial", Self.serial(self))]
        }
    }

    /// What makes cloud-init's NoCloud request its files from this program: as SMBIOS serial number, or on the kernel's command line.
    static func serial(_ identity: SMBIOSIdentity) -> String { "ds=\(identity.rawValue);s=\(seedPrefix)nocloud/" }

    /// The datasource that it advertises.
    var datasource: DatasourceDetection.Datasource {
        switch self {
        case .openstack: .openStack
        case .ec2: .ec2
        case .nocloud, .nocloudNet: .noCloud
        }
    }

    /// Why a domain cannot have it, and what to do; `nil` where it can.
    ///
    /// - Parameter uuid: `nil` where the definition leaves it to libvirt.
    func obstacle(uuid: InstanceUUID?) -> String? {
        guard self == .ec2 else { return nil }
        guard let uuid else {
            return "--identity ec2 needs a UUID that begins with 'ec2', and this definition has none: add <uuid>, or use "
                + "--identity openstack"
        }
        guard !uuid.description.hasPrefix("ec2") else { return nil }
        return """
            --identity ec2 needs a UUID that begins with 'ec2', and this domain's is \(uuid). libvirt refuses SMBIOS tables with \
            another UUID, and a domain's UUID cannot be changed: define the domain again with such a UUID, add <hwuuid> with \
            libvirt 11.6 or newer, or use --identity openstack
            """
    }
}

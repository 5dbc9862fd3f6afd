import Common
import XML

/// A disk of a domain that may be a cloud-init seed or a config drive, which cloud-init prefers over the metadata service.
///
/// cloud-init recognises one by its file system label, `cidata` or `config-2`, which the XML does not show: the name of the source is
/// a strong hint, and any medium in a CD-ROM drive is a weak one, because it may be an installer.
package struct SeedDisk: Sendable, Equatable {
    package enum Kind: Sendable {
        /// The label `cidata`: the datasource NoCloud.
        case noCloud
        /// The label `config-2`: the datasource ConfigDrive, beside which `ds-identify` does not detect OpenStack.
        case configDrive
    }

    /// The device in the guest, such as `sda`.
    package let target: String
    /// The file, device or volume.
    package let source: String
    /// What the source's name suggests; `nil` where it suggests nothing.
    package let kind: Kind?
    private let isDrive: Bool
    /// Whether the source is named as seeds and config drives usually are.
    package var isNamedLikeSeed: Bool { kind != nil }

    /// The possible seeds of a domain, those with a seed's name first; empty where the XML cannot be parsed.
    package static func find(in domainXML: [UInt8]) -> [SeedDisk] {
        guard let document = try? XMLDocument(parsing: domainXML) else { return [] }
        let found = document.root.all("devices", "disk").compactMap(Self.init)
        return found.filter(\.isNamedLikeSeed) + found.filter { !$0.isNamedLikeSeed }
    }

    /// - Returns: `nil` for a hard disk without a seed's name, and for an empty drive.
    private init?(_ disk: XMLElement) {
        guard let element = disk.first("source") else { return nil }
        let names = ["file", "dev", "volume", "name", "dir"].compactMap(element.attribute)
        guard let source = names.first(where: { !$0.isEmpty }) else { return nil }
        isDrive = ["cdrom", "floppy"].contains(disk.attribute("device"))
        kind = Self.kind(ofSourceNamed: source)
        guard kind != nil || disk.attribute("device") == "cdrom" else { return nil }
        target = disk.first("target")?.attribute("dev") ?? ""
        self.source = source
    }

    /// What is wrong with it, in one sentence.
    package var problem: String {
        let medium = "\(target) (\(shown(source)))"
        switch kind {
        case .noCloud:
            return
                "disk \(medium) looks like a cloud-init seed or config drive, which cloud-init prefers over the metadata service"
        case .configDrive:
            return
                "disk \(medium) looks like a cloud-init seed or config drive, which cloud-init prefers over the metadata service: "
                + "with a volume config-2, cloud-init detects no OpenStack metadata service"
        case nil:
            return
                "CD-ROM drive \(medium) has a medium; if its label is cidata or config-2, cloud-init prefers it over the metadata service"
        }
    }

    /// The command that removes it from the domain's next start.
    ///
    /// - Parameters:
    ///   - domain: the domain as a word of a shell command.
    ///   - virsh: the command with its connection, such as `virsh -c qemu:///system`.
    package func remedy(for domain: String, by virsh: String) -> String {
        let disk = target.shellWord
        return "\(virsh) "
            + (isDrive ? "change-media \(domain) \(disk) --eject --config" : "detach-disk \(domain) \(disk) --config")
    }

    /// By the names that cloud-localds' manual, virt-install, Terraform's provider, Proxmox, Nova and common guides use.
    private static func kind(ofSourceNamed source: String) -> Kind? {
        let parts = source.lowercased().split(separator: "/")
        let name = parts.last.map(String.init) ?? source
        let stem = name.prefix { $0 != "." }
        let drives = ["config-2", "configdrive", "config-drive", "config_drive"]
        // CloudStack names the files by their domains, in a directory for them.
        if drives.contains(where: name.contains) || name.hasSuffix("disk.config") || parts.dropLast().last == "configdrive" {
            return .configDrive
        }
        let words = [
            "cidata", "cloudinit", "cloud-init", "cloud_init", "commoninit", "nocloud", "user-data", "userdata", "cloud-config",
        ]
        let isSeed = words.contains(where: name.contains) || stem.split(whereSeparator: { "-_".contains($0) }).contains("seed")
        return isSeed ? .noCloud : nil
    }
}

import Description
import Testing

/// Disks that cloud-init may prefer over the metadata service.
struct SeedDiskTests {
    private static func find(_ disks: String) -> [SeedDisk] {
        SeedDisk.find(in: Array("<domain><devices>\(disks)</devices></domain>".utf8))
    }

    @Test(arguments: [
        "file='/var/lib/libvirt/images/seed.iso'", "file='/x/web-seed.img'", "file='/x/cidata.iso'", "file='/x/CIDATA.ISO'",
        "file='/var/lib/libvirt/boot/virtinst-x3k-cloudinit.iso'", "dev='/dev/pve/vm-100-cloudinit'",
        "pool='default' volume='commoninit.iso'", "protocol='rbd' name='vms/config-2'", "file='/instances/1/disk.config'",
    ]) func `a source that is named as seeds are is a seed in any drive`(source: String) {
        for device in ["cdrom", "disk", "floppy"] {
            let found = Self.find("<disk device='\(device)'><source \(source)/><target dev='sda'/></disk>")
            #expect(found.count == 1)
            #expect(found.first?.isNamedLikeSeed == true)
            let command = device == "disk" ? "virsh detach-disk web sda --config" : "virsh change-media web sda --eject --config"
            #expect(found.first?.remedy(for: "web", by: "virsh") == command)
        }
    }

    @Test func `a device's name is one word of the command`() {
        let found = Self.find("<disk device='cdrom'><source file='/x/seed.iso'/><target dev='sda;touch /tmp/x'/></disk>")
        #expect(found.first?.remedy(for: "web", by: "virsh") == "virsh change-media web 'sda;touch /tmp/x' --eject --config")
    }

    @Test(arguments: [
        ("/instances/1/disk.config", SeedDisk.Kind.configDrive), ("vms/6d0f7f1e_disk.config", .configDrive),
        ("/mnt/x/configdrive/i-2-10-VM.iso", .configDrive), ("/x/Config-2.iso", .configDrive), ("/x/noCloud.iso", .noCloud),
        ("/x/web-seed.img", .noCloud),
    ]) func `a config drive is told from a seed, because OpenStack is not detected beside it`(file: String, kind: SeedDisk.Kind) {
        let found = Self.find("<disk device='cdrom'><source file='\(file)'/><target dev='sda'/></disk>")
        #expect(found.map(\.kind) == [kind])
        #expect(found.first?.problem.contains("no OpenStack metadata service") == (kind == .configDrive))
    }

    @Test func `another medium in a CD-ROM drive is only a possible one, and named last`() {
        let installer = "<disk device='cdrom'><source file='/iso/debian-12.iso'/><target dev='sda'/></disk>"
        let seed = "<disk device='cdrom'><source file='/iso/seed.iso'/><target dev='sdb'/></disk>"
        let found = Self.find(installer + seed)
        #expect(found.map(\.target) == ["sdb", "sda"])
        #expect(found.map(\.isNamedLikeSeed) == [true, false])
        #expect(found.last?.problem.contains("if its label is cidata or config-2") == true)
    }

    @Test(arguments: [
        "<disk device='cdrom'><target dev='sda'/></disk>", "<disk><source file='/x/web.qcow2'/><target dev='vda'/></disk>",
        "<disk device='disk'><source file='/x/seedbox.qcow2'/><target dev='vda'/></disk>",
        "<disk device='cdrom'><source/></disk>",
    ]) func `an empty drive and an ordinary disk are none`(disk: String) {
        #expect(Self.find(disk).isEmpty)
    }

    @Test func `text that is not XML has none`() {
        #expect(SeedDisk.find(in: Array("<domain".utf8)).isEmpty)
    }
}

import Foundation

/// The start of a domain that hangs in libvirtd, which holds the domain's lock meanwhile: its disk is a FIFO, and nobody writes to it.
package final class HangingStart {
    private let fifo: String
    private let virsh = Process()

    package init(on libvirtd: PrivateLibvirtd) throws {
        fifo = libvirtd.directory + "/fifo"
        try Command.succeed(["mkfifo", "-m", "666", fifo])
        let xml = """
            <domain type='qemu'><name>hung</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
            <devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/><memballoon model='none'/>
            <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='\(fifo)'/><target dev='vda' bus='virtio'/></disk>
            </devices></domain>
            """
        let file = try libvirtd.file("hung.xml", xml)
        virsh.executableURL = URL(filePath: "/usr/bin/virsh")
        virsh.arguments = ["--quiet", "--connect", libvirtd.uri, "create", file]
        (virsh.standardInput, virsh.standardOutput) = (FileHandle.nullDevice, FileHandle.nullDevice)
        virsh.standardError = FileHandle.nullDevice
        try virsh.run()
    }

    deinit {
        if virsh.isRunning { kill(virsh.processIdentifier, SIGKILL) }
    }

    /// Opens the FIFO, so that the start fails.
    package func end() throws {
        for _ in 0..<100 where virsh.isRunning {
            try Command.succeed(["timeout", "5", "sh", "-c", "exec 3<>\"$0\"; sleep 0.05", fifo])
        }
    }
}

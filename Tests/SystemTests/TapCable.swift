import Foundation
import TestSupport

/// A guest's cable that is a tap at the host's end, as QEMU's are: a program moves frames between it and one of the guest's.
///
/// Frames go with the header of virtio, so checksums are not made and long segments not cut on the way, as between QEMU and a guest with a
/// virtio card.
final class TapCable {
    private let program: RunningProgram

    /// - Parameter mac: the guest's hardware address.
    init(from guest: NetworkNamespace, to bridge: String, in host: NetworkNamespace, mac: String, port: String) throws {
        let script = """
            import ctypes, fcntl, os, select, struct, sys
            guest, port = sys.argv[1:]
            def tap(name):
                descriptor = os.open("/dev/net/tun", os.O_RDWR)
                # TUNSETIFF: IFF_TAP, IFF_NO_PI, IFF_VNET_HDR; TUNSETOFFLOAD: TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6.
                fcntl.ioctl(descriptor, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x0002 | 0x1000 | 0x4000))
                fcntl.ioctl(descriptor, 0x400454D0, 1 | 2 | 4)
                return descriptor
            here = tap(port)
            # setns(2) with CLONE_NEWNET.
            if ctypes.CDLL(None).setns(os.open("/run/netns/" + guest, os.O_RDONLY), 0x40000000): sys.exit("setns")
            there = tap("eth0")
            other = {here: there, there: here}
            while True:
                for one in select.select(list(other), [], [])[0]:
                    try: os.write(other[one], os.read(one, 70000))
                    except OSError: pass
            """
        program = try RunningProgram(
            ["python3", "-c", script, guest.name, port], in: host, output: FileHandle.nullDevice)
        let start = ContinuousClock.now
        while try Command.run(["ip", "link", "show", "eth0"], in: guest.name).status != 0 {
            guard start.duration(to: .now) < .seconds(10), program.isRunning else {
                throw Command.Failure.tookTooLong(arguments: ["tap", port], limit: .seconds(10))
            }
        }
        try guest.run("ip", "link", "set", "eth0", "address", mac, "up")
        try host.addBridge(bridge)
        try host.run("ip", "link", "set", port, "master", bridge, "up")
    }

    func unplug() { program.kill() }
}

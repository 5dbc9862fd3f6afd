import CLinux
package import Common
import Glibc

extension Links {
    /// Sets a link up or down (`ip link set NAME up`), in the network namespace of the calling thread.
    /// - Throws: `KernelError`; `.noSuchDevice` where no link has that index, `.notPermitted` without `CAP_NET_ADMIN`.
    package static func set(_ index: Int32, up isUp: Bool) throws(KernelError) {
        var fixed = [UInt8](repeating: 0, count: Link.fixedLength)
        // `struct ifinfomsg` of <linux/rtnetlink.h>: the index, the flags, and a mask of those to change.
        fixed.replaceSubrange(4..<8, with: Netlink.bytes(of: index))
        fixed.replaceSubrange(8..<12, with: Netlink.bytes(of: isUp ? UInt32(IFF_UP) : 0))
        fixed.replaceSubrange(12..<16, with: Netlink.bytes(of: UInt32(IFF_UP)))
        let request = Netlink.Request("RTM_NEWLINK", type: Int(RTM_NEWLINK), flags: NLM_F_ACK, fixed: fixed)
        var socket = try NetlinkSocket(protocol: NETLINK_ROUTE)
        _ = try socket.ask(request)
    }
}

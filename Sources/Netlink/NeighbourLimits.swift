import CLinux
package import Common

/// The capacity of the kernel's neighbour tables (`gc_thresh3` of arp(7)).
package enum NeighbourLimits {
    /// `struct ndtmsg` of `<linux/neighbour.h>`.
    private static let fixedLength = 4

    /// The most entries of a family's table, for all network namespaces together; `nil` where the kernel does not answer.
    /// - Throws: `KernelError`, as `Links.all` does.
    package static func mostEntries(_ family: IPAddress.Family) throws(KernelError) -> Int? {
        let fixed = [UInt8(family == .v4 ? AF_INET : AF_INET6), 0, 0, 0]
        let request = Netlink.Request("RTM_GETNEIGHTBL", type: Int(RTM_GETNEIGHTBL), flags: NLM_F_DUMP, fixed: fixed)
        var socket = try NetlinkSocket(protocol: NETLINK_ROUTE)
        var most: Int?
        try socket.list(request) { (message) throws(KernelError) in
            // The kernel sends the table once with its limits, and then again for each link without them.
            let attributes = try Netlink.attributes(of: message, after: fixedLength, request.operation)
            let limit = attributes.first { $0.type == Int(NDTA_THRESH3) }
            guard message.content.first == fixed[0], let limit, let entries: UInt32 = Netlink.number(in: limit.value, at: 0)
            else { return }
            most = Int(entries)
        }
        return most
    }
}

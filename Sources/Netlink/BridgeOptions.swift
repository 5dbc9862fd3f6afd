import CLinux
package import Common

/// Options of a kernel bridge (`ip-link(8)`, `type bridge`).
package enum BridgeOptions {
    /// `struct br_boolopt_multi` of `<linux/if_bridge.h>`: values, and a mask of those to change; four bytes each.
    private static let noLinkLocalLearn = UInt32(1) << UInt32(BR_BOOLOPT_NO_LL_LEARN.rawValue)

    /// Sets whether a bridge learns the sender's port from frames to the link-local group addresses (01:80:c2:00:00:0x, as of
    /// LLDP; `no_linklocal_learn`, Linux 5.0 and newer). It learns from them before any nftables rule sees them.
    ///
    /// - Throws: `KernelError`; `.noSuchDevice` where no link has that index, `.notPermitted` without `CAP_NET_ADMIN`,
    ///   `.notSupported` where it is not a bridge, `.invalidArgument` from an older kernel.
    package static func setLearnsFromLinkLocal(_ learns: Bool, ofBridge index: Int32) throws(KernelError) {
        var fixed = [UInt8](repeating: 0, count: Link.fixedLength)
        fixed.replaceSubrange(4..<8, with: Netlink.bytes(of: index))
        var request = Netlink.Request("RTM_NEWLINK", type: Int(RTM_NEWLINK), flags: NLM_F_ACK, fixed: fixed)
        let values = Netlink.bytes(of: learns ? 0 : noLinkLocalLearn) + Netlink.bytes(of: noLinkLocalLearn)
        let kind = Netlink.attribute(Int(IFLA_INFO_KIND), Array("bridge".utf8))
        let data = Netlink.attribute(Int(IFLA_INFO_DATA), Netlink.attribute(Int(IFLA_BR_MULTI_BOOLOPT), values))
        request.add(Int(IFLA_LINKINFO), kind + data)
        var socket = try NetlinkSocket(protocol: NETLINK_ROUTE)
        _ = try socket.ask(request)
    }

    /// Whether a bridge with this attribute learns from those frames.
    static func learnsFromLinkLocal(_ value: ArraySlice<UInt8>?) -> Bool {
        guard let value, let values: UInt32 = Netlink.number(in: value, at: 0) else { return true }
        return values & noLinkLocalLearn == 0
    }
}

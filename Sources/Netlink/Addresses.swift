import CLinux
package import Common
import Glibc

/// The addresses of links (ip-address(8)), in the network namespace of the calling thread.
package enum Addresses {
    /// Every address of every link, or of one.
    /// - Throws: `KernelError`; `.interrupted` where addresses change all the time, `.answerTooLong` where there are more
    ///   than 262,144, `.noAnswer` after a second, `.malformedAnswer`.
    package static func all(ofInterface index: Int32? = nil) throws(KernelError) -> [LinkAddress] {
        let fixed = [UInt8](repeating: 0, count: LinkAddress.fixedLength)
        let request = Netlink.Request("RTM_GETADDR", type: Int(RTM_GETADDR), flags: NLM_F_DUMP, fixed: fixed)
        var socket = try NetlinkSocket(protocol: NETLINK_ROUTE)
        var addresses: [LinkAddress] = []
        try socket.list(request) {
            addresses = []
        } each: { (message) throws(KernelError) in
            guard let address = try LinkAddress(message, request.operation) else { return }
            if index == nil || address.interface == index { addresses.append(address) }
        }
        return addresses
    }

    /// Adds an address to a link; an IPv6 address without duplicate address detection.
    /// - Throws: `KernelError`; `.alreadyThere` where the link has it, with that prefix length if it is IPv4; `.noSuchDevice`
    ///   where no link has that index, `.accessDenied` where IPv6 is disabled on it, `.notPermitted` without `CAP_NET_ADMIN`,
    ///   `.invalidArgument` for an invalid prefix length.
    package static func add(_ address: LinkAddress) throws(KernelError) {
        let flags = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK
        try send(address.request("RTM_NEWADDR", type: Int(RTM_NEWADDR), flags: flags))
    }

    /// Removes an address from a link.
    /// - Throws: `KernelError`; `.addressNotAvailable` where the link does not have it, `.noSuchDevice` where no link has that
    ///   index, `.notPermitted` without `CAP_NET_ADMIN`.
    package static func remove(_ address: LinkAddress) throws(KernelError) {
        try send(address.request("RTM_DELADDR", type: Int(RTM_DELADDR), flags: NLM_F_ACK))
    }

    private static func send(_ request: Netlink.Request) throws(KernelError) {
        var socket = try NetlinkSocket(protocol: NETLINK_ROUTE)
        _ = try socket.ask(request)
    }
}

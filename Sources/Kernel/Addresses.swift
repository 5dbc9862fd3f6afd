import CLinux
import Glibc

/// The addresses that links have (ip-address(8)), in the network namespace of the calling thread.
public enum Addresses {
    /// Every address of every link, or of one.
    /// - Throws: `KernelError`; `.interrupted` where addresses come and go all the time, `.answerTooLong` where there are more
    ///   than 262,144, `.noAnswer` after a second, `.malformedAnswer`.
    public static func all(ofInterface index: Int32? = nil) throws(KernelError) -> [LinkAddress] {
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

    /// Gives a link an address; an IPv6 address without duplicate address detection.
    /// - Throws: `KernelError`; `.alreadyThere` where the link has it, with that prefix length if it is IPv4; `.noSuchDevice`
    ///   where no link has that index, `.accessDenied` where IPv6 is disabled on it, `.notPermitted` without `CAP_NET_ADMIN`,
    ///   `.invalidArgument` for a prefix length that is none.
    public static func add(_ address: LinkAddress) throws(KernelError) {
        let flags = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK
        try tell(address.request("RTM_NEWADDR", type: Int(RTM_NEWADDR), flags: flags))
    }

    /// Takes an address from a link.
    /// - Throws: `KernelError`; `.addressNotAvailable` where the link does not have it, `.noSuchDevice` where no link has that
    ///   index, `.notPermitted` without `CAP_NET_ADMIN`.
    public static func remove(_ address: LinkAddress) throws(KernelError) {
        try tell(address.request("RTM_DELADDR", type: Int(RTM_DELADDR), flags: NLM_F_ACK))
    }

    /// Whether IPv6 is disabled on a link (`disable_ipv6` of `/proc/sys/net/ipv6/conf`), as libvirt does for networks without
    /// an IPv6 address; also where the kernel has no IPv6 at all, or there is no such link.
    /// - Throws: `KernelError` with the code of `open(2)` or `read(2)`.
    public static func isIPv6Disabled(onInterface name: String) throws(KernelError) -> Bool {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 }) else {
            return true
        }
        do {
            let (_, bytes) = try FileVersion.read("/proc/sys/net/ipv6/conf/\(name)/disable_ipv6", mostBytes: 64)
            return bytes.first != UInt8(ascii: "0")
        } catch {
            guard error.code == .noSuchEntry else { throw error }
            return true
        }
    }

    private static func tell(_ request: Netlink.Request) throws(KernelError) {
        var socket = try NetlinkSocket(protocol: NETLINK_ROUTE)
        _ = try socket.ask(request)
    }
}

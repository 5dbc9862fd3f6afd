package import Common
import Glibc

/// Path MTU discovery of a socket (`IP_MTU_DISCOVER` of ip(7), `IPV6_MTU_DISCOVER` of ipv6(7)).
package enum PathMTU {
    /// Makes a listening socket, and all connections that it accepts, use only the link's MTU (`IP_PMTUDISC_INTERFACE`).
    ///
    /// By default the kernel trusts any sender of an ICMP "packet too big" (RFC 1191 §4) about a packet that it may have sent, and then fragments
    /// the connection's packets. Only the first fragment contains the ports, which identify the connection.
    /// - Throws: `KernelError` with the code of `getsockopt(2)` or `setsockopt(2)`.
    package static func goByLinkAlone(_ descriptor: Int32) throws(KernelError) {
        var domain: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        // Safe: getsockopt(2) writes at most the four bytes that `length` allows.
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 else {
            throw .last(in: "getsockopt(SO_DOMAIN)")
        }
        // An IPv6 socket may carry IPv4 too.
        try SocketOption.set(
            IP_MTU_DISCOVER, of: Int32(IPPROTO_IP), to: IP_PMTUDISC_INTERFACE, on: descriptor, "IP_MTU_DISCOVER")
        guard domain == AF_INET6 else { return }
        try SocketOption.set(
            IPV6_MTU_DISCOVER, of: Int32(IPPROTO_IPV6), to: IPV6_PMTUDISC_INTERFACE, on: descriptor, "IPV6_MTU_DISCOVER")
    }
}

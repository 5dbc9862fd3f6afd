internal import CLinux
public import Common
import Glibc

/// How many routers a socket's packets may pass (`IP_TTL` of ip(7), `IPV6_UNICAST_HOPS` of ipv6(7)).
public enum HopLimit {
    /// Limits the packets that a connected socket sends from now on, those that it has to send again included.
    ///
    /// - Parameters:
    ///   - hops: from 1, with which a packet does not leave its link, to 255; `nil` for as many as the kernel would give it.
    ///   - family: of the peer's address: a socket of IPv6 may speak IPv4.
    /// - Throws: `KernelError`.
    public static func set(_ hops: Int?, on descriptor: Int32, family: IPAddress.Family) throws(KernelError) {
        var value = Int32(hops ?? -1)
        let (level, option) =
            family == .v4 ? (Int32(IPPROTO_IP), IP_TTL) : (Int32(IPPROTO_IPV6), IPV6_UNICAST_HOPS)
        // Safe: setsockopt(2) reads four bytes and keeps no pointer.
        guard unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .last(in: family == .v4 ? "setsockopt(IP_TTL)" : "setsockopt(IPV6_UNICAST_HOPS)")
        }
    }

    /// Whether the peer has confirmed everything that a socket was given (`SIOCOUTQ` of tcp(7)), so that nothing of it will be sent
    /// again.
    ///
    /// - Throws: `KernelError`.
    public static func allHasArrived(from descriptor: Int32) throws(KernelError) -> Bool {
        let bytes = clinux_unconfirmed_bytes(descriptor)
        guard bytes >= 0 else { throw .last(in: "ioctl(SIOCOUTQ)") }
        return bytes == 0
    }
}

package import Common
import Glibc

/// The hop limit of a socket's packets (`IP_TTL` of ip(7), `IPV6_UNICAST_HOPS` of ipv6(7)).
package enum HopLimit {
    /// Limits the packets that a connected socket sends from now on, including retransmissions.
    ///
    /// - Parameters:
    ///   - hops: from 1, with which a packet does not leave its link, to 255; `nil` for the kernel's default.
    ///   - family: of the peer's address: an IPv6 socket may carry IPv4.
    /// - Throws: `KernelError`.
    package static func set(_ hops: Int?, on descriptor: Int32, family: IPAddress.Family) throws(KernelError) {
        var value = Int32(hops ?? -1)
        let (level, option) =
            family == .v4 ? (Int32(IPPROTO_IP), IP_TTL) : (Int32(IPPROTO_IPV6), IPV6_UNICAST_HOPS)
        // Safe: setsockopt(2) reads four bytes and keeps no pointer.
        guard unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .last(in: family == .v4 ? "setsockopt(IP_TTL)" : "setsockopt(IPV6_UNICAST_HOPS)")
        }
    }

    /// Whether the peer has acknowledged all data of a socket, so that none of it will be retransmitted.
    ///
    /// - Throws: `KernelError`.
    package static func allHasArrived(from descriptor: Int32) throws(KernelError) -> Bool {
        try SendQueue.unconfirmedBytes(of: descriptor) == 0
    }
}

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
        let value = Int32(hops ?? -1)
        switch family {
        case .v4: try SocketOption.set(IP_TTL, of: Int32(IPPROTO_IP), to: value, on: descriptor, "IP_TTL")
        case .v6: try SocketOption.set(IPV6_UNICAST_HOPS, of: Int32(IPPROTO_IPV6), to: value, on: descriptor, "IPV6_UNICAST_HOPS")
        }
    }

    /// Whether the peer has acknowledged all data of a socket, so that none of it will be retransmitted.
    ///
    /// - Throws: `KernelError`.
    package static func allHasArrived(from descriptor: Int32) throws(KernelError) -> Bool {
        try SendQueue.unconfirmedBytes(of: descriptor) == 0
    }
}

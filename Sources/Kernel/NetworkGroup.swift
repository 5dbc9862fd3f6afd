import CLinux

/// A kind of news that the kernel has of its network (rtnetlink(7)).
public enum NetworkGroup: Sendable, Hashable, CaseIterable {
    /// Links: `.links`.
    case links
    /// Neighbours, and what bridges know: `.neighbours` and `.forwarding`.
    case neighbours
    /// Addresses of links, IPv4 and IPv6: `.addresses`.
    case addresses
    /// Routes of IPv4: `.routes`.
    case routes

    /// The groups of `<linux/rtnetlink.h>` as bind(2) takes them, a bit for each.
    var mask: UInt32 {
        let groups =
            switch self {
            case .links: [RTNLGRP_LINK]
            case .neighbours: [RTNLGRP_NEIGH]
            case .addresses: [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR]
            case .routes: [RTNLGRP_IPV4_ROUTE]
            }
        return groups.reduce(0) { $0 | 1 << (UInt32($1.rawValue) - 1) }
    }
}

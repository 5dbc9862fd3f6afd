import CLinux

/// A group of the kernel's network notifications (rtnetlink(7)).
package enum NetworkGroup: Sendable, Hashable, CaseIterable {
    /// Links: `.links`.
    case links
    /// Neighbours and forwarding databases: `.neighbours` and `.forwarding`.
    case neighbours
    /// Addresses of links, IPv4 and IPv6: `.addresses`.
    case addresses
    /// Routes of IPv4: `.routes`.
    case routes

    /// The groups of `<linux/rtnetlink.h>` as a bit mask for bind(2).
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

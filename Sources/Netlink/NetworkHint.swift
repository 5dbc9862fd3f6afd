import CLinux

/// A part of the kernel's network that may have changed; the hint does not contain the change, so the reader queries the state again.
package enum NetworkHint: Sendable, Hashable {
    /// A link was created or removed, or something that `Link` has of it changed.
    case links
    /// The neighbour table's entries on the link with this index.
    case neighbours(interface: Int32)
    /// The forwarding database of the bridge with this index.
    case forwarding(bridge: Int32)
    /// An address was added to a link, or removed.
    case addresses
    /// An IPv4 route.
    case routes
    /// Notifications were lost, so all of the above.
    case lost
}

/// Parses the kernel's notifications (rtnetlink(7)).
extension NetworkHint {
    /// The hint in a notification; `nil` where its type is unknown, or it is too short.
    package init?(_ message: Netlink.Message) {
        switch message.type {
        case RTM_NEWLINK, RTM_DELLINK: self = .links
        case RTM_NEWADDR, RTM_DELADDR: self = .addresses
        case RTM_NEWROUTE, RTM_DELROUTE: self = .routes
        case RTM_NEWNEIGH, RTM_DELNEIGH:
            guard let hint = Self.ofNeighbour(message) else { return nil }
            self = hint
        default: return nil
        }
    }

    /// `struct ndmsg` of `<linux/neighbour.h>`: the family, and the link; a bridge's entry has the bridge as its master.
    private static func ofNeighbour(_ message: Netlink.Message) -> NetworkHint? {
        guard let attributes = try? Netlink.attributes(of: message, after: Neighbours.fixedLength, "RTM_NEWNEIGH"),
            let family = message.content.first, let interface: Int32 = Netlink.number(in: message.content, at: 4)
        else { return nil }
        guard family == UInt8(AF_BRIDGE) else { return .neighbours(interface: interface) }
        // Without a master it is an entry of the link itself, as of a VXLAN.
        let master = attributes.first { $0.type == Int(NDA_MASTER) }
        guard let bridge: Int32 = master.flatMap({ Netlink.number(in: $0.value, at: 0) }) else { return nil }
        return .forwarding(bridge: bridge)
    }
}

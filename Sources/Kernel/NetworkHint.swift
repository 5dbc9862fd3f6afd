import CLinux

/// What may have changed in the kernel's network; that it did, not how, so whoever cares asks again.
public enum NetworkHint: Sendable, Hashable {
    /// A link was made, removed or renamed, went up or down, or became the port of another or none.
    case links
    /// What the neighbour table says of some address on the link with this index.
    case neighbours(interface: Int32)
    /// What the bridge with this index knows of where some hardware address is.
    case forwarding(bridge: Int32)
    /// A link was given an address, or an address was taken from it.
    case addresses
    /// A route of IPv4.
    case routes
    /// Hints were lost, so all of the above.
    case lost
}

/// How the kernel's notifications (rtnetlink(7)) are read as hints.
extension NetworkHint {
    /// The hint in a notification; `nil` where it is none that we know, or too short to be one.
    init?(_ message: Netlink.Message) {
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

    /// `struct ndmsg` of `<linux/neighbour.h>`: the family, and the link; an entry of a bridge names that as its master.
    private static func ofNeighbour(_ message: Netlink.Message) -> NetworkHint? {
        guard let attributes = try? Netlink.attributes(of: message, after: Neighbours.fixedLength, "RTM_NEWNEIGH"),
            let family = message.content.first, let interface: Int32 = Netlink.number(in: message.content, at: 4)
        else { return nil }
        guard family == UInt8(AF_BRIDGE) else { return .neighbours(interface: interface) }
        // Without a master it is an entry of the link itself, as a VXLAN has them.
        let master = attributes.first { $0.type == Int(NDA_MASTER) }
        guard let bridge: Int32 = master.flatMap({ Netlink.number(in: $0.value, at: 0) }) else { return nil }
        return .forwarding(bridge: bridge)
    }
}

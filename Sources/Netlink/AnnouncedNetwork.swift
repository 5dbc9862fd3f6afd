import CLinux
import Common

/// The links and addresses as the kernel last announced them, which tell an announcement of a change from one without.
///
/// The kernel announces a link or an address again for reasons that are no part of `Link` and `LinkAddress`, and guests can cause some of them at any
/// rate: the offloads of a tap, its carrier, a bridge port's state, the lifetime of an address in a router advertisement. Only what is compared here
/// makes a reader query everything. Whatever is not understood counts as a change.
struct AnnouncedNetwork {
    /// An IPv4 address: a route that cannot lead to it does not count. Without it all routes count.
    private let destination: IPAddress?
    /// By index. Only links that exist: the kernel announces their removal, and everything is forgotten when announcements are lost.
    private var links: [Int32: Link] = [:]
    /// By the index of their link: whether each address is tentative (RFC 4862), because no socket can bind to it before it is not.
    private var addresses: [Int32: [LinkAddress: Bool]] = [:]

    init(routesTo destination: IPAddress? = nil) { self.destination = destination }

    /// Forgets everything, so that the next announcement of each link and address counts as a change.
    mutating func forget() { (links, addresses) = ([:], [:]) }

    /// The hints in a datagram of the kernel. A malformed message ends the datagram.
    mutating func hints(in datagram: ArraySlice<UInt8>) -> Set<NetworkHint> {
        guard let messages = try? Netlink.messages(in: datagram, "NETLINK_ROUTE") else { return [] }
        var hints: Set<NetworkHint> = []
        for message in messages {
            if message.type == Int(NLMSG_OVERRUN) {
                forget()
                hints.insert(.lost)
            } else if isChange(message), let hint = NetworkHint(message) {
                hints.insert(hint)
            }
        }
        return hints
    }

    private mutating func isChange(_ message: Netlink.Message) -> Bool {
        switch message.type {
        case RTM_NEWLINK: return isChange(ofLink: message)
        case RTM_NEWADDR: return isChange(ofAddress: message)
        case RTM_NEWROUTE, RTM_DELROUTE: return destination.map { AddressUse.mayLead(message, to: $0) } ?? true
        case RTM_DELLINK, RTM_DELADDR:
            // A bridge announces that a port left it; the link itself, without a master, is announced too.
            guard !isOfBridgePort(message) else { return false }
            guard let link: Int32 = Netlink.number(in: message.content, at: 4) else { return changeNotUnderstood() }
            if message.type == RTM_DELLINK { links[link] = nil }
            addresses[link] = nil
            return true
        default: return true
        }
    }

    private mutating func isChange(ofLink message: Netlink.Message) -> Bool {
        guard !isOfBridgePort(message) else { return false }
        guard let link = try? Link(message, "RTM_NEWLINK") else { return changeNotUnderstood() }
        return links.updateValue(link, forKey: link.index) != link
    }

    private mutating func isChange(ofAddress message: Netlink.Message) -> Bool {
        guard let address = try? LinkAddress(message, "RTM_NEWADDR") else { return changeNotUnderstood() }
        // `ifa_flags`, the third byte.
        let isTentative = (message.content.dropFirst(2).first ?? 0) & UInt8(IFA_F_TENTATIVE) != 0
        return addresses[address.interface, default: [:]].updateValue(isTentative, forKey: address) != isTentative
    }

    private mutating func changeNotUnderstood() -> Bool {
        forget()
        return true
    }

    /// Whether a bridge announces the state of a port, of which nothing is in `Link`.
    private func isOfBridgePort(_ message: Netlink.Message) -> Bool { message.content.first == UInt8(AF_BRIDGE) }
}

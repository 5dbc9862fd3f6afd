import CLinux
package import Common

/// The kernel's neighbour tables (ARP and NDP, `ip-neighbour(8)`), queried for one address at a time.
///
/// It uses the network namespace of the thread that created it, and may be used from any thread; one query takes a few µs.
package final class Neighbours: Sendable {
    private let socket: Locked<NetlinkSocket>

    /// The states of `<linux/neighbour.h>` in which an entry's MAC address is used: confirmed, or once confirmed and not yet
    /// refuted, or set by an operator.
    ///
    /// INCOMPLETE and FAILED have no MAC address, or one that no longer answers. NOARP entries were never resolved: the
    /// kernel computes them, for groups and for links without ARP.
    static let trustedStates = UInt16(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

    /// Opens a route socket (rtnetlink(7)), which needs no privilege.
    /// - Throws: `KernelError` with the code of `socket(2)` or `connect(2)`.
    package init() throws(KernelError) {
        socket = Locked(try NetlinkSocket(protocol: NETLINK_ROUTE))
    }

    /// The MAC address of an address on one link, by `RTM_GETNEIGH` of that entry alone.
    ///
    /// An IPv4-mapped address is its IPv4 address; a zone is ignored, the index names the link.
    /// - Returns: `nil` where the table has no such entry, or one without a usable MAC address (see `trustedStates`).
    /// - Throws: `KernelError`; `.noSuchDevice` where no link has that index, `.noAnswer` after a second, `.malformedAnswer`.
    package func mac(of address: IPAddress, onInterface index: Int32) throws(KernelError) -> MACAddress? {
        try entry(of: address, onInterface: index)?.mac
    }

    /// An entry with a usable MAC address.
    struct Entry: Equatable {
        let mac: MACAddress
        /// Whether an operator made it: no packet changes it.
        let isPermanent: Bool
    }

    /// The same, with the entry's origin.
    /// - Throws: as `mac(of:onInterface:)`.
    func entry(of address: IPAddress, onInterface index: Int32) throws(KernelError) -> Entry? {
        let request = Self.request(for: address, onInterface: index)
        guard let answer = try ask(request, nothing: [.noSuchEntry]),
            let mac = try Self.mac(in: answer, of: address, onInterface: index)
        else { return nil }
        let state = Netlink.number(in: answer.content, at: 8) as UInt16? ?? 0
        return Entry(mac: mac, isPermanent: state & UInt16(NUD_PERMANENT) != 0)
    }

    /// The link by which packets to an address leave, by `RTM_GETROUTE`.
    ///
    /// Packets to an address of this host leave by the loopback. An IPv6 link-local address is on the link that its zone names,
    /// by name or by index; without a zone it could be on any.
    /// - Returns: The index of the link; `nil` where no route leads there, or no link has the zone's name.
    /// - Throws: `KernelError`; `.noAnswer` after a second, `.malformedAnswer`.
    package func interface(toward address: IPAddress) throws(KernelError) -> Int32? {
        if address.isLinkLocal {
            guard let zone = address.zone else { return nil }
            return try Links.index(ofInterface: zone) ?? Int32(zone).flatMap { $0 > 0 ? $0 : nil }
        }
        let request = Self.request(forRouteTo: address)
        guard let answer = try ask(request, nothing: [.networkUnreachable, .hostUnreachable]) else { return nil }
        return try Self.interface(inRoute: answer)
    }

    /// The link on which packets to an address reach it without a router; `nil` where there is none, or they are not delivered.
    /// - Throws: As `interface(toward:)` does.
    func interface(onLinkToward address: IPAddress) throws(KernelError) -> Int32? {
        let refusals: [KernelError.Code] = [.networkUnreachable, .hostUnreachable, .accessDenied, .invalidArgument]
        guard let answer = try ask(Self.request(forRouteTo: address), nothing: refusals) else { return nil }
        return try Self.isByRouter(answer) ? nil : Self.interface(inRoute: answer)
    }

    /// The answer to a request; `nil` where the kernel returns one of these codes, which mean "not found".
    private func ask(_ request: Netlink.Request, nothing: [KernelError.Code]) throws(KernelError) -> Netlink.Message? {
        do {
            return try socket.withLock { (socket) throws(KernelError) in try socket.ask(request) }
        } catch {
            guard nothing.contains(error.code) else { throw error }
            return nil
        }
    }
}

/// The two requests and their answers on the wire: `struct ndmsg` of `<linux/neighbour.h>` and `struct rtmsg` of
/// `<linux/rtnetlink.h>`, 12 bytes each.
extension Neighbours {
    package static let fixedLength = 12

    /// `RTM_GETNEIGH` of one entry: family, three bytes of padding, index, state, flags and type, then the address.
    package static func request(for address: IPAddress, onInterface index: Int32) -> Netlink.Request {
        let fixed = [family(of: address), 0, 0, 0] + Netlink.bytes(of: index) + [0, 0, 0, 0]
        var request = Netlink.Request("RTM_GETNEIGH", type: Int(RTM_GETNEIGH), fixed: fixed)
        request.add(Int(NDA_DST), address.octets)
        return request
    }

    /// `RTM_GETROUTE` of one destination: family, its length in bits, then nine bytes that are zero in a request.
    package static func request(forRouteTo address: IPAddress) -> Netlink.Request {
        let octets = address.octets
        let fixed = [family(of: address), UInt8(octets.count * 8)] + [UInt8](repeating: 0, count: 10)
        var request = Netlink.Request("RTM_GETROUTE", type: Int(RTM_GETROUTE), fixed: fixed)
        request.add(Int(RTA_DST.rawValue), octets)
        return request
    }

    /// Parses an `RTM_NEWNEIGH`.
    /// - Throws: `.malformedAnswer`; `.foreignAnswer` where it is about another address or link.
    package static func mac(
        in answer: Netlink.Message, of address: IPAddress, onInterface index: Int32
    ) throws(KernelError) -> MACAddress? {
        let operation = "RTM_GETNEIGH"
        let attributes = try Netlink.attributes(of: answer, after: fixedLength, operation)
        guard answer.type == Int(RTM_NEWNEIGH), answer.content.first == family(of: address),
            Netlink.number(in: answer.content, at: 4) == index,
            attributes.first(where: { $0.type == Int(NDA_DST) })?.value.elementsEqual(address.octets) == true
        else { throw KernelError(.foreignAnswer, in: operation) }
        guard let state: UInt16 = Netlink.number(in: answer.content, at: 8), state & trustedStates != 0,
            let lladdr = attributes.first(where: { $0.type == Int(NDA_LLADDR) }),
            let mac = MACAddress(octets: lladdr.value), mac.namesOneInterface
        else { return nil }
        return mac
    }

    /// Parses an `RTM_NEWROUTE`: the link, if the route delivers packets (`RTN_UNICAST`, or `RTN_LOCAL` to this host).
    /// - Throws: `.malformedAnswer`; `.foreignAnswer` where it is not a route.
    package static func interface(inRoute answer: Netlink.Message) throws(KernelError) -> Int32? {
        let operation = "RTM_GETROUTE"
        let attributes = try Netlink.attributes(of: answer, after: fixedLength, operation)
        guard answer.type == Int(RTM_NEWROUTE), let type: UInt8 = Netlink.number(in: answer.content, at: 7) else {
            throw KernelError(.foreignAnswer, in: operation)
        }
        guard [Int(RTN_UNICAST), Int(RTN_LOCAL)].contains(Int(type)) else { return nil }
        guard let link = attributes.first(where: { $0.type == Int(RTA_OIF.rawValue) }) else { return nil }
        guard let index: Int32 = Netlink.number(in: link.value, at: 0) else { throw KernelError(.malformedAnswer, in: operation) }
        return index
    }

    /// Whether an `RTM_NEWROUTE` leads to a router, of whichever family.
    /// - Throws: `.malformedAnswer`.
    private static func isByRouter(_ answer: Netlink.Message) throws(KernelError) -> Bool {
        try Netlink.attributes(of: answer, after: fixedLength, "RTM_GETROUTE").contains {
            $0.type == Int(RTA_GATEWAY.rawValue) || $0.type == Int(RTA_VIA.rawValue)
        }
    }

    private static func family(of address: IPAddress) -> UInt8 {
        UInt8(address.family == .v4 ? AF_INET : AF_INET6)
    }
}

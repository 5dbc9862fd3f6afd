import CLinux
package import Common

/// How the host itself uses a metadata address: a sign that the host is a guest of a cloud.
package enum AddressUse: Sendable, Hashable {
    /// A link has it.
    case address(interface: Int32)
    /// A route other than the default route leads to it by a link.
    case route(interface: Int32, prefixLength: Int)
    /// The neighbour table has an entry for it on a link, which an operator made or which the host really sends to.
    case neighbour(interface: Int32, mac: MACAddress)

    /// Each use of an IPv4 address by links other than these; in the network namespace of the calling thread.
    ///
    /// A default route does not count, because every host has one; so a cloud whose metadata is reached only by it is not detected.
    /// - Throws: `KernelError`, as `Addresses.all` does.
    package static func all(of address: IPAddress, except links: Set<Int32>) throws(KernelError) -> [AddressUse] {
        let addresses = try Addresses.all().filter { $0.address == address }.map { AddressUse.address(interface: $0.interface) }
        return (addresses + (try routes(to: address)) + (try neighbours(with: address))).filter { !links.contains($0.interface) }
    }

    /// The entries of the neighbour table that guests cannot make. One ARP request in the name of the address makes an entry on any bridge, so an
    /// entry only counts where an operator made it, or where the host's own route to the address ends: on a link without guests, since those of a
    /// bridge could answer there.
    private static func neighbours(with address: IPAddress) throws(KernelError) -> [AddressUse] {
        let (neighbours, links) = (try Neighbours(), try Links.all())
        let guestBridges = Set(links.filter { $0.kind == "tun" }.compactMap(\.master))
        let way = try neighbours.interface(onLinkToward: address)
        var found: [AddressUse] = []
        for link in links {
            // The link may disappear meanwhile.
            let entry: Neighbours.Entry?
            do {
                entry = try neighbours.entry(of: address, onInterface: link.index)
            } catch {
                guard error.code == .noSuchDevice else { throw error }
                continue
            }
            guard let entry, entry.isPermanent || way == link.index && !guestBridges.contains(link.index) else { continue }
            found.append(.neighbour(interface: link.index, mac: entry.mac))
        }
        return found
    }

    /// The index of the link.
    package var interface: Int32 {
        switch self {
        case .address(let interface), .route(let interface, _), .neighbour(let interface, _): interface
        }
    }

    private static func routes(to address: IPAddress) throws(KernelError) -> [AddressUse] {
        // `struct rtmsg`, as in Neighbours: all tables of IPv4.
        let fixed = [UInt8(AF_INET)] + [UInt8](repeating: 0, count: Neighbours.fixedLength - 1)
        let request = Netlink.Request("RTM_GETROUTE", type: Int(RTM_GETROUTE), flags: NLM_F_DUMP, fixed: fixed)
        var socket = try NetlinkSocket(protocol: NETLINK_ROUTE)
        var uses: [AddressUse] = []
        try socket.list(request) {
            uses = []
        } each: { (message) throws(KernelError) in
            uses += try Self.routes(in: message, to: address, request.operation)
        }
        return uses
    }

    /// The uses of an IPv4 address in an `RTM_NEWROUTE`: a link for each next hop, if the route covers the address and is not a default route.
    package static func routes(
        in message: Netlink.Message, to address: IPAddress, _ operation: String
    ) throws(KernelError) -> [AddressUse] {
        let attributes = try Netlink.attributes(of: message, after: Neighbours.fixedLength, operation)
        let value = { (type: Int) in attributes.first { $0.type == type }?.value }
        let head = Array(message.content.prefix(Neighbours.fixedLength))
        guard message.type == Int(RTM_NEWROUTE) else { throw KernelError(.foreignAnswer, in: operation) }
        let length = Int(head[1])
        guard head[0] == UInt8(AF_INET), length > 0, Int(head[7]) == Int(RTN_UNICAST),
            let destination = value(Int(RTA_DST.rawValue)), covers(destination, length, address)
        else { return [] }
        var links: [Int32] = []
        if let link = value(Int(RTA_OIF.rawValue)).flatMap({ Netlink.number(in: $0, at: 0) as Int32? }) { links.append(link) }
        // Several next hops: `struct rtnexthop`s, each beginning with its length, two bytes, and the index of its link.
        var hops = value(Int(RTA_MULTIPATH.rawValue)) ?? []
        while let size: UInt16 = Netlink.number(in: hops, at: 0), size >= 8, let link: Int32 = Netlink.number(in: hops, at: 4) {
            links.append(link)
            hops = hops.dropFirst((Int(size) + 3) & ~3)
        }
        return links.map { .route(interface: $0, prefixLength: length) }
    }

    /// Whether an IPv4 route may lead to an address, as a default route does, which `neighbours` considers. A malformed message may.
    static func mayLead(_ message: Netlink.Message, to address: IPAddress) -> Bool {
        let attributes = try? Netlink.attributes(of: message, after: Neighbours.fixedLength, "RTM_NEWROUTE")
        guard let destination = attributes?.first(where: { $0.type == Int(RTA_DST.rawValue) }),
            let length = message.content.dropFirst().first
        else { return true }
        return covers(destination.value, Int(length), address)
    }

    private static func covers(_ destination: ArraySlice<UInt8>, _ length: Int, _ address: IPAddress) -> Bool {
        let octets = address.octets
        guard destination.count == octets.count, length <= octets.count * 8 else { return false }
        return zip(destination, octets).enumerated().allSatisfy { index, pair in
            let bits = min(8, max(0, length - index * 8))
            return (pair.0 ^ pair.1) & ~(0xFF >> UInt8(bits)) == 0 || bits == 0
        }
    }
}

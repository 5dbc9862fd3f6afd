import CLinux
package import Common

/// An address of a link.
package struct LinkAddress: Sendable, Hashable {
    /// The scope of an address, as in ip-address(8).
    package enum Scope: UInt8, Sendable, Hashable {
        /// Valid everywhere: a possible source of packets to any destination.
        case global = 0
        /// Inside a site; IPv6 only, and obsolete.
        case site = 200
        /// Valid on this link: not the source of routed packets, unless a socket binds to it.
        case link = 253
        /// Valid on this host: not the source of any packet, unless a socket binds to it.
        case host = 254
    }

    /// Without a zone.
    package let address: IPAddress
    /// 0 to 32, or to 128.
    package let prefixLength: Int
    /// The index of the link.
    package let interface: Int32
    /// When an IPv6 address is added, the kernel derives the scope from the address.
    package let scope: Scope

    /// The scope `host` suits an address that only answers requests: the host never selects it as a source by itself.
    package init(_ address: IPAddress, prefixLength: Int, interface: Int32, scope: Scope = .host) {
        (self.address, self.prefixLength, self.interface) = (address.withoutZone, prefixLength, interface)
        self.scope = scope
    }
}

/// An address on the wire: `struct ifaddrmsg` of `<linux/if_addr.h>`, 8 bytes, and attributes.
extension LinkAddress {
    package static let fixedLength = 8

    /// `RTM_NEWADDR` or `RTM_DELADDR`: family, prefix length, flags, scope and link, then the address twice, as for a link without
    /// a peer. An IPv6 address is usable at once (`IFA_F_NODAD`): two hosts on one LAN may both have it.
    package func request(_ operation: String, type: Int, flags: Int32) -> Netlink.Request {
        let isV6 = address.family == .v6
        let fixed: [UInt8] = [
            UInt8(isV6 ? AF_INET6 : AF_INET), UInt8(clamping: prefixLength), isV6 ? UInt8(IFA_F_NODAD) : 0, scope.rawValue,
        ]
        var request = Netlink.Request(operation, type: type, flags: flags, fixed: fixed + Netlink.bytes(of: interface))
        request.add(Int(IFA_LOCAL), address.octets)
        request.add(Int(IFA_ADDRESS), address.octets)
        return request
    }

    /// Parses an `RTM_NEWADDR`; `nil` for another family.
    /// - Throws: `.malformedAnswer`; `.foreignAnswer` where it is not an address.
    package init?(_ message: Netlink.Message, _ operation: String) throws(KernelError) {
        let attributes = try Netlink.attributes(of: message, after: Self.fixedLength, operation)
        guard message.type == Int(RTM_NEWADDR) else { throw KernelError(.foreignAnswer, in: operation) }
        let head = Array(message.content.prefix(Self.fixedLength))
        guard [UInt8(AF_INET), UInt8(AF_INET6)].contains(head[0]) else { return nil }
        // On a point-to-point link IFA_ADDRESS is the peer's.
        let value = { (type: Int) in attributes.first { $0.type == type }?.value }
        guard let octets = value(Int(IFA_LOCAL)) ?? value(Int(IFA_ADDRESS)), octets.count == (head[0] == UInt8(AF_INET) ? 4 : 16),
            let address = IPAddress(octets: octets), let interface: Int32 = Netlink.number(in: message.content, at: 4)
        else { throw KernelError(.malformedAnswer, in: operation) }
        self.init(
            address, prefixLength: Int(head[1]), interface: interface, scope: Scope(rawValue: head[3]) ?? .global)
    }
}

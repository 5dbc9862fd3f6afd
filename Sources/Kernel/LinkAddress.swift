import CLinux
public import Common

/// An address that a link has, or is to have.
public struct LinkAddress: Sendable, Hashable {
    /// How far an address is good for, in the words of ip-address(8).
    public enum Scope: UInt8, Sendable, Hashable {
        /// Everywhere: packets to anywhere may bear it.
        case global = 0
        /// Inside a site; IPv6 only, and obsolete.
        case site = 200
        /// On this link: packets that a router carries on never bear it, unless a socket says so.
        case link = 253
        /// On this host: no packet bears it, unless a socket says so.
        case host = 254
    }

    /// The address; one of IPv6 without a zone.
    public let address: IPAddress
    /// How many of its bits name the network: 0 to 32, or to 128.
    public let prefixLength: Int
    /// The index of the link.
    public let interface: Int32
    /// How far it is good for; IPv6 goes by the address itself when one is added.
    public let scope: Scope

    /// An address of one link.
    ///
    /// The scope `host` suits an address that only answers: the host then never calls anyone under it by itself.
    public init(_ address: IPAddress, prefixLength: Int, interface: Int32, scope: Scope = .host) {
        (self.address, self.prefixLength, self.interface) = (address.withoutZone, prefixLength, interface)
        self.scope = scope
    }
}

/// How an address looks on the wire: `struct ifaddrmsg` of `<linux/if_addr.h>`, 8 bytes, and attributes.
extension LinkAddress {
    static let fixedLength = 8

    /// `RTM_NEWADDR` or `RTM_DELADDR`: family, prefix length, flags, scope and link, then the address twice, as the peer's of a
    /// link of two. An IPv6 address is good at once (`IFA_F_NODAD`): two hosts may well have it on one LAN.
    func request(_ operation: String, type: Int, flags: Int32) -> Netlink.Request {
        let isV6 = address.family == .v6
        let fixed: [UInt8] = [
            UInt8(isV6 ? AF_INET6 : AF_INET), UInt8(clamping: prefixLength), isV6 ? UInt8(IFA_F_NODAD) : 0, scope.rawValue,
        ]
        var request = Netlink.Request(operation, type: type, flags: flags, fixed: fixed + Netlink.bytes(of: interface))
        request.add(Int(IFA_LOCAL), address.octets)
        request.add(Int(IFA_ADDRESS), address.octets)
        return request
    }

    /// Reads an `RTM_NEWADDR`; `nil` for another family.
    /// - Throws: `.malformedAnswer`; `.foreignAnswer` where it is no address.
    init?(_ message: Netlink.Message, _ operation: String) throws(KernelError) {
        let attributes = try Netlink.attributes(of: message, after: Self.fixedLength, operation)
        guard message.type == Int(RTM_NEWADDR) else { throw KernelError(.foreignAnswer, in: operation) }
        let head = Array(message.content.prefix(Self.fixedLength))
        guard [UInt8(AF_INET), UInt8(AF_INET6)].contains(head[0]) else { return nil }
        // IFA_ADDRESS is the other end's where a link has two ends.
        let value = { (type: Int) in attributes.first { $0.type == type }?.value }
        guard let octets = value(Int(IFA_LOCAL)) ?? value(Int(IFA_ADDRESS)), octets.count == (head[0] == UInt8(AF_INET) ? 4 : 16),
            let address = IPAddress(octets: octets), let interface: Int32 = Netlink.number(in: message.content, at: 4)
        else { throw KernelError(.malformedAnswer, in: operation) }
        self.init(
            address, prefixLength: Int(head[1]), interface: interface, scope: Scope(rawValue: head[3]) ?? .global)
    }
}

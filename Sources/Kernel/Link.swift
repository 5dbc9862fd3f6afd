import CLinux
public import Common

/// A network link of the kernel as it was at one moment.
public struct Link: Sendable, Hashable {
    /// Its name, at most 15 bytes.
    public let name: String
    /// Its index, 1 and up, which no link of its namespace had before it.
    public let index: Int32
    /// What made it, as `ip link add … type` names it: `bridge`, `veth`, `tun`; `nil` for hardware and the loopback.
    public let kind: String?
    /// The index of the link it is a port of, such as a bridge; `nil` where it is none.
    public let master: Int32?
    /// Its hardware address; `nil` where it has none of 48 bits.
    public let mac: MACAddress?
    /// Whether the operator has it up (`IFF_UP`); its cable may still be out.
    public let isUp: Bool

    /// Whether it is a bridge that tells VLANs apart (`vlan_filtering`): its forwarding database has addresses once for each.
    public internal(set) var filtersVLANs = false
    /// Whether it is a bridge, and frames to link-local group addresses teach it (`no_linklocal_learn` is off).
    public internal(set) var learnsFromLinkLocal = false

    /// Whether it is a bridge of the kernel. An Open vSwitch bridge is none.
    public var isBridge: Bool { kind == "bridge" }
}

/// How a link looks on the wire: `struct ifinfomsg` of `<linux/rtnetlink.h>`, 16 bytes, and attributes of `<linux/if_link.h>`.
extension Link {
    static let fixedLength = 16

    /// Reads an `RTM_NEWLINK`.
    /// - Throws: `.malformedAnswer`; `.foreignAnswer` where it is no link.
    init(_ message: Netlink.Message, _ operation: String) throws(KernelError) {
        let attributes = try Netlink.attributes(of: message, after: Self.fixedLength, operation)
        let value = { (type: Int) in attributes.first { $0.type == type }?.value }
        guard message.type == Int(RTM_NEWLINK) else { throw KernelError(.foreignAnswer, in: operation) }
        guard let index: Int32 = Netlink.number(in: message.content, at: 4), index > 0,
            let flags: UInt32 = Netlink.number(in: message.content, at: 8), let name = value(Int(IFLA_IFNAME)).map(Self.text)
        else { throw KernelError(.malformedAnswer, in: operation) }
        (self.index, self.name, isUp) = (index, name, flags & UInt32(IFF_UP) != 0)
        master = value(Int(IFLA_MASTER)).flatMap { Netlink.number(in: $0, at: 0) }
        mac = value(Int(IFLA_ADDRESS)).flatMap { MACAddress(octets: $0) }
        let info = try Self.nested(in: value(Int(IFLA_LINKINFO)), message, operation)
        kind = info[Int(IFLA_INFO_KIND)].map(Self.text)
        // Other kinds number their facts otherwise.
        let data = kind == "bridge" ? info[Int(IFLA_INFO_DATA)] : nil
        let facts = try Self.nested(in: data, message, operation)
        filtersVLANs = facts[Int(IFLA_BR_VLAN_FILTERING)]?.first ?? 0 != 0
        learnsFromLinkLocal = kind == "bridge" && BridgeOptions.learnsFromLinkLocal(facts[Int(IFLA_BR_MULTI_BOOLOPT)])
    }

    /// The attributes that the value of another consists of, by type; none where it is not there.
    private static func nested(
        in value: ArraySlice<UInt8>?, _ message: Netlink.Message, _ operation: String
    ) throws(KernelError) -> [Int: ArraySlice<UInt8>] {
        guard let value else { return [:] }
        let inner = Netlink.Message(type: message.type, sequence: message.sequence, content: value)
        let attributes = try Netlink.attributes(of: inner, after: 0, operation)
        return Dictionary(attributes.map { ($0.type, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// A text that ends with a zero.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

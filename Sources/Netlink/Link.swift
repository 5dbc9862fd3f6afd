import CLinux
package import Common

/// A network link of the kernel at one moment.
package struct Link: Sendable, Hashable {
    /// At most 15 bytes.
    package let name: String
    /// 1 or more; never reused within its network namespace.
    package let index: Int32
    /// The type in `ip link add … type`: `bridge`, `veth`, `tun`; `nil` for hardware and the loopback.
    package let kind: String?
    /// The index of the link it is a port of, such as a bridge; `nil` where it is not a port.
    package let master: Int32?
    /// The MAC address; `nil` where it has none of 48 bits.
    package let mac: MACAddress?
    /// Whether it is set up (`IFF_UP`); it may still have no carrier.
    package let isUp: Bool

    /// How often the carrier of a tap came up, which is a program that opens it; 0 for other links, whose carriers a guest may change.
    package internal(set) var carrierUps: UInt32 = 0
    /// Whether it is a tap that stays when the program that opened it ends (`TUNSETPERSIST`, tun(4)), or may be one: before Linux 4.17 the kernel
    /// does not say.
    package internal(set) var isPersistent = false
    /// The queues of a tap that several can open at once (`IFF_MULTI_QUEUE`), disabled ones included, which a guest may change; 0 for other links.
    /// Each is held by a program.
    package internal(set) var queues: UInt32 = 0
    /// Whether it is a bridge that filters VLANs (`vlan_filtering`): its forwarding database has an entry per address and VLAN.
    package internal(set) var filtersVLANs = false
    /// Whether it is a bridge that learns from frames to link-local group addresses (`no_linklocal_learn` is off).
    package internal(set) var learnsFromLinkLocal = false
    /// Whether it is a bridge that takes part in the spanning tree protocol (`stp_state`), as the bridges of libvirt's networks do.
    package internal(set) var hasSpanningTree = false

    /// Whether it is a kernel bridge. An Open vSwitch bridge is not.
    package var isBridge: Bool { kind == "bridge" }
}

/// A link on the wire: `struct ifinfomsg` of `<linux/rtnetlink.h>`, 16 bytes, and attributes of `<linux/if_link.h>`.
extension Link {
    package static let fixedLength = 16

    /// Parses an `RTM_NEWLINK`.
    /// - Throws: `.malformedAnswer`; `.foreignAnswer` where it is not a link.
    package init(_ message: Netlink.Message, _ operation: String) throws(KernelError) {
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
        if kind == "tun" { carrierUps = value(Int(IFLA_CARRIER_UP_COUNT)).flatMap { Netlink.number(in: $0, at: 0) } ?? 0 }
        // Other kinds use other attribute numbers.
        let hasData = isBridge || kind == "tun"
        let data = try Self.nested(in: hasData ? info[Int(IFLA_INFO_DATA)] : nil, message, operation)
        isPersistent = kind == "tun" && data[Int(IFLA_TUN_PERSIST)]?.first != 0
        if kind == "tun", data[Int(IFLA_TUN_MULTI_QUEUE)]?.first ?? 0 != 0 {
            let counts = [IFLA_TUN_NUM_QUEUES, IFLA_TUN_NUM_DISABLED_QUEUES].compactMap { data[Int($0)] }
            queues = counts.compactMap { Netlink.number(in: $0, at: 0) as UInt32? }.reduce(0) { $0 &+ $1 }
        }
        let facts = isBridge ? data : [:]
        filtersVLANs = facts[Int(IFLA_BR_VLAN_FILTERING)]?.first ?? 0 != 0
        hasSpanningTree = Netlink.number(in: facts[Int(IFLA_BR_STP_STATE)] ?? [], at: 0) as UInt32? ?? 0 != 0
        learnsFromLinkLocal = kind == "bridge" && BridgeOptions.learnsFromLinkLocal(facts[Int(IFLA_BR_MULTI_BOOLOPT)])
    }

    /// The attributes nested in the value of another, by type; none where there is no value.
    private static func nested(
        in value: ArraySlice<UInt8>?, _ message: Netlink.Message, _ operation: String
    ) throws(KernelError) -> [Int: ArraySlice<UInt8>] {
        guard let value else { return [:] }
        let inner = Netlink.Message(type: message.type, sequence: message.sequence, content: value)
        let attributes = try Netlink.attributes(of: inner, after: 0, operation)
        return Dictionary(attributes.map { ($0.type, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// A zero-terminated string.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

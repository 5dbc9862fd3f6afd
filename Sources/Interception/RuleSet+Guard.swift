import Common

/// Checks of guests' other frames, and of frames from uplinks.
extension RuleSet {
    /// The guard's chains shared by all guests' ports of a bridge.
    ///
    /// - Parameters:
    ///   - macs: the MAC addresses of all guests on it.
    ///   - hasSpanningTree: whether the bridge itself takes part in the spanning tree protocol. A guest that becomes its root, or only reports a
    ///     topology change, makes the bridge forget where every guest is.
    mutating func guardBridge(_ bridge: BridgeFacts, macs: Set<MACAddress>, hasSpanningTree: Bool) {
        let index = bridge.index
        netdev.sets["port_macs_\(index)"] = RuleTable.Elements(
            kind: "set", type: "ether_addr", elements: Set((macs.union([bridge.mac])).map(\.description)))
        let linkMACs = Self.linkMACs(of: bridge)
        netdev.sets[linkMACs] = RuleTable.Elements(kind: "map", type: "iface_index : ether_addr")
        // As for requests: the host, wherever the bridge would send the frame (`RuleSet+Ports`).
        let toHost = "ether daddr set iif map @\(linkMACs) meta pkttype set host"
        netdev.chains["other_mac_\(index)"] = RuleTable.Chain(rules: ["ether saddr @port_macs_\(index) \(Self.drop(.spoofed))"])
        // IPv4 is not among them: the port's own chain has checked its source, and nothing else needs a check.
        netdev.chains["guard_\(index)"] = RuleTable.Chain(rules: [
            """
            meta protocol vmap { ip6 : goto guard_ip6_\(index), arp : goto guard_arp_\(index), 8021q : goto guard_tags, \
            8021ad : goto guard_tags, 0x0004 : goto guard_llc_\(index) }
            """
        ])
        netdev.chains["guard_ip6_\(index)"] = RuleTable.Chain(rules: [
            "ip6 saddr \(Self.v6) \(Self.drop(.spoofed))",
            "ip6 nexthdr icmpv6 goto guard_discovery_\(index)",
            "ip6 nexthdr { 0, 43, 44, 60 } goto guard_headers_\(index)",
        ])
        // Fragments hide the message's type; neighbour discovery is never fragmented (RFC 6980).
        netdev.chains["guard_headers_\(index)"] = RuleTable.Chain(rules: [
            "ip6 hoplimit 255 exthdr frag exists frag nexthdr { 0, 43, 58, 60 } \(Self.drop(.fragmented))",
            "meta l4proto icmpv6 goto guard_discovery_\(index)",
        ])
        netdev.chains["guard_discovery_\(index)"] = RuleTable.Chain(rules: Self.discovery(leading: toHost))
        netdev.chains["guard_arp_\(index)"] = RuleTable.Chain(rules: [
            "arp saddr ip \(MetadataAddress.v4) \(Self.drop(.spoofed))",
            // ARP requests for the address go to the host only.
            "arp daddr ip \(MetadataAddress.v4) \(toHost)",
        ])
        let spanningTree = "ether daddr 01:80:c2:00:00:00 \(Self.drop(.bpdu))"
        netdev.chains["guard_llc_\(index)"] = RuleTable.Chain(
            rules: (hasSpanningTree ? [spanningTree] : []) + [Self.subnetworkAccess])
        netdev.chains["guard_tags"] = RuleTable.Chain(rules: Self.tags)
    }

    /// The SNAP header, and the type of the protocol behind it (IEEE 802).
    private static let subnetworkAccess =
        "@nh,0,48 0xaaaa03000000 @nh,48,16 { 0x0800, 0x0806, 0x86dd, 0x8100, 0x88a8 } \(drop(.encapsulated))"

    /// A second tag: the kernel has removed the first and stores it beside the frame. The number 0 means no VLAN, so every receiver of such a
    /// frame looks at the next header; no ordinary guest sends such frames.
    private static let tags = [
        "@ll,116,12 0 \(drop(.encapsulated))",
        "@nh,4,12 0 \(drop(.encapsulated))",
        "@nh,16,16 { 0x8100, 0x88a8 } \(drop(.encapsulated))",
    ]

    /// Neighbour discovery about the metadata addresses: the target is at bit 64 of ICMPv6 (RFC 4861 §4.3).
    private static func discovery(leading toHost: String) -> [String] {
        ["icmpv6 type mld-listener-query \(drop(.mldQuery))"]
            + MetadataAddress.v6.map(target).flatMap { target in
                [
                    "icmpv6 type nd-neighbor-advert @th,64,128 \(target) \(drop(.spoofed))",
                    "icmpv6 type nd-neighbor-solicit @th,64,128 \(target) \(toHost)",
                ]
            }
    }

    private static func target(_ address: IPAddress) -> String {
        "0x" + hexadecimal(address)
    }

    /// Drops frames from an uplink whose source is a metadata address.
    mutating func guardUplink(_ name: String, index: Int32, of bridge: BridgeFacts) {
        let notHost = "ether daddr != \(bridge.mac)"
        netdev.chains["uplink_\(index)"] = RuleTable.Chain(
            hook: "type filter hook ingress device \"\(name)\" priority -310",
            rules: [
                "ip saddr \(MetadataAddress.v4) \(notHost) \(Self.drop(.spoofed))",
                "ip6 saddr \(Self.v6) \(notHost) \(Self.drop(.spoofed))",
                "meta protocol { 8021q, 8021ad } jump uplink_tags",
                // A separate chain: nft 1.0.6 cannot list the two in one rule.
                "meta protocol 0x0004 jump uplink_llc",
            ])
        netdev.chains["uplink_tags"] = RuleTable.Chain(rules: Self.tags)
        netdev.chains["uplink_llc"] = RuleTable.Chain(rules: [Self.subnetworkAccess])
    }

    /// Drops ARP and neighbour discovery for the metadata addresses on an uplink, in both directions: another host with virt-metadata may be beyond
    /// it.
    mutating func isolateUplink(_ name: String, index: Int32) {
        netdev.chains["uplink_\(index)"]?.rules += Self.claims
        netdev.chains["uplink_out_\(index)"] = RuleTable.Chain(
            hook: "type filter hook egress device \"\(name)\" priority 310", rules: Self.claims)
    }

    private static var claims: [String] {
        let v4 = MetadataAddress.v4
        return ["arp saddr ip \(v4) drop", "arp daddr ip \(v4) drop"]
            + MetadataAddress.v6.map {
                "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } @th,64,128 \(target($0)) drop"
            }
    }
}

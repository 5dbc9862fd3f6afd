import Common

/// Checks of guests' other frames, and of frames from uplinks.
extension RuleSet {
    /// The guard's chains shared by all guests' ports of a bridge.
    ///
    /// - Parameters:
    ///   - cards: the MAC addresses of the cards whose taps are its ports. An address that a domain has without a port is not among them: to name it
    ///     would be enough to cut off another guest that uses it behind its own card.
    ///   - links: the MAC addresses of its ports themselves, which the kernel complains about in frames.
    ///   - hasRouters: whether the host takes router advertisements from its uplinks.
    ///   - hasSpanningTree: whether the bridge itself takes part in the spanning tree protocol. A guest that becomes its root, or only reports a
    ///     topology change, makes the bridge forget where every guest is.
    mutating func guardBridge(
        _ bridge: BridgeFacts, cards: Set<MACAddress>, links: Set<MACAddress>, hasRouters: Bool, hasSpanningTree: Bool
    ) {
        let index = bridge.index
        netdev.sets["port_macs_\(index)"] = RuleTable.Elements(
            kind: "set", type: "ether_addr", elements: Set(cards.union(links).union([bridge.mac]).map(\.description)))
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
        netdev.sets["cards_\(index)"] = Self.cards(cards)
        netdev.chains["guard_ip6_\(index)"] = RuleTable.Chain(rules: [
            Self.toReservedGroup, "ip6 saddr \(Self.v6) \(Self.drop(.spoofed))",
            "ip6 nexthdr icmpv6 goto guard_discovery_\(index)",
            "ip6 nexthdr { 0, 43, 44, 60 } goto guard_headers_\(index)",
        ])
        // Fragments hide the message's type; neighbour discovery is never fragmented (RFC 6980). The bridge looks for queries behind an authentication
        // header too, which hides everything from rules.
        netdev.chains["guard_headers_\(index)"] = RuleTable.Chain(rules: [
            "\(Self.hidesMessage) \(Self.drop(.fragmented))",
            "ip6 hoplimit 255 exthdr frag exists frag nexthdr icmpv6 \(Self.drop(.fragmented))",
            "ip6 nexthdr 0 meta l4proto ah \(Self.drop(.mldQuery))",
            "meta l4proto icmpv6 goto guard_discovery_\(index)",
        ])
        var discovery = discovery(leading: toHost)
        if hasRouters {
            netdev.sets[Self.routers(of: bridge)] = Self.routers
            // A guest that says of the host's router that it is none (RFC 4861 §7.2.5): the host would drop its routes by it.
            discovery.append(
                "icmpv6 type nd-neighbor-advert @th,64,128 @\(Self.routers(of: bridge)) meta mark set \(marks.routerOfGuests)")
        }
        netdev.chains["guard_discovery_\(index)"] = RuleTable.Chain(rules: discovery)
        netdev.chains["guard_errors"] = RuleTable.Chain(rules: guardedErrors)
        netdev.chains["guard_arp_\(index)"] = RuleTable.Chain(rules: [
            Self.toReservedGroup,
            "arp saddr ip \(MetadataAddress.v4) \(Self.drop(.spoofed))",
            // ARP requests for the address go to the host only.
            "arp daddr ip \(MetadataAddress.v4) \(toHost)",
        ])
        // Whatever reserved address the bridge takes them at (`group_address`).
        let spanningTree = "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 \(Self.drop(.bpdu))"
        netdev.chains["guard_llc_\(index)"] = RuleTable.Chain(
            rules: (hasSpanningTree ? [spanningTree] : []) + [Self.subnetworkAccess])
        netdev.chains["guard_tags"] = RuleTable.Chain(rules: Self.tags)
    }

    /// Drops frames to the addresses that bridges do not forward (IEEE 802.1Q §8.6.3): the host takes them as if its tap were no bridge's port, so the
    /// rules for what comes by a bridge do not see them.
    private static let toReservedGroup = "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 \(drop(.encapsulated))"

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

    /// Messages of routers, errors, and neighbour discovery about the metadata addresses: the target is at bit 64 of ICMPv6 (RFC 4861 §4.3).
    private func discovery(leading toHost: String) -> [String] {
        [
            // 151: the advertisement of a multicast router (RFC 4286 §3.1).
            "icmpv6 type { mld-listener-query, 151 } \(Self.drop(.mldQuery))",
            // The host takes neither, and learns from a router's how long to wait for a neighbour; other guests receive them.
            "icmpv6 type { nd-router-advert, nd-redirect } meta mark set \(marks.routerOfGuests)",
        ]
            + Self.errorsOfIPv6()
            + MetadataAddress.v6.map(Self.target).flatMap { target in
                [
                    "icmpv6 type nd-neighbor-advert @th,64,128 \(target) \(Self.drop(.spoofed))",
                    "icmpv6 type nd-neighbor-solicit @th,64,128 \(target) \(toHost)",
                ]
            }
    }

    /// Errors and redirects (RFC 792) about packets to the metadata address. A system believes anyone's errors about a connection that it begins,
    /// and the redirects of anyone who names its router as their source. No true message is about such packets: they are never forwarded, and the
    /// host drops what it does not accept. Fragments hide the packet; no true message is fragmented.
    private static func errorsOfIPv4(fragmented: Counter = .fragmented, _ spoofed: Counter = .spoofed) -> [String] {
        let kinds = "icmp type { destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem }"
        return [
            "\(kinds) ip frag-off & 0x3fff != 0 \(drop(fragmented))",
            // The destination of the packet, which begins at byte eight.
            "\(kinds) @th,192,32 0x\(hexadecimal(MetadataAddress.v4)) \(drop(spoofed))",
        ]
    }

    /// The same at a port. The host takes no redirect.
    private var guardedErrors: [String] {
        [Self.toReservedGroup] + Self.errorsOfIPv4() + ["icmp type redirect meta mark set \(marks.routerOfGuests)"]
    }

    /// The same of IPv6 (RFC 4443 §2.1, RFC 4861 §4.5). Unknown errors have the same format.
    private static func errorsOfIPv6(fragmented: Counter = .fragmented, _ spoofed: Counter = .spoofed) -> [String] {
        ["icmpv6 type 0-127 exthdr frag exists \(drop(fragmented))"]
            + MetadataAddress.v6.map { "icmpv6 type 0-127 @th,256,128 \(target($0)) \(drop(spoofed))" }
            // A redirect about the address, and one to it, which says like an advertisement what MAC address it has.
            + [192, 64].flatMap { offset in
                MetadataAddress.v6.map { "icmpv6 type nd-redirect @th,\(offset),128 \(target($0)) \(drop(spoofed))" }
            }
    }

    /// The same, perhaps behind extension headers.
    private static let errorsBehindHeaders = ["\(hidesMessage) \(drop(.fragmented))"] + errorsOfIPv6()

    /// The same for what leaves for a bridge and is not the host's own, with neighbour discovery for the metadata addresses.
    static let errorsOnTop =
        ["icmpv6 type { mld-listener-query, 151 } \(drop(.mldQuery))"] + errorsBehindHeaders
        + MetadataAddress.v6.map { "icmpv6 type nd-neighbor-advert @th,64,128 \(target($0)) \(drop(.spoofed))" }

    /// The addresses of the routers that have advertised themselves by an uplink, for longer than an advertisement can hold (RFC 4861 §4.2).
    private static func routers(of bridge: BridgeFacts) -> String { "routers_\(bridge.index)" }

    private static let routers = RuleTable.Elements(kind: "set", type: "@nh,64,128", options: "size 64; flags dynamic,timeout")

    /// The same for what the host forwards.
    static let forwardedErrors =
        errorsOfIPv4(fragmented: .notServed, .notServed) + errorsOfIPv6(fragmented: .notServed, .notServed)

    private static func target(_ address: IPAddress) -> String {
        "0x" + hexadecimal(address)
    }

    /// Drops frames from an uplink whose source is a metadata address, and errors about packets to one.
    ///
    /// - Parameter hasRouters: whether the host takes router advertisements from there.
    mutating func guardUplink(_ name: String, index: Int32, of bridge: BridgeFacts, hasRouters: Bool) {
        let notHost = "ether daddr != \(bridge.mac)"
        netdev.chains["uplink_\(index)"] = RuleTable.Chain(
            hook: "type filter hook ingress device \"\(name)\" priority -310",
            rules: [
                "ip saddr \(MetadataAddress.v4) \(notHost) \(Self.drop(.spoofed))",
                "ip6 saddr \(Self.v6) \(notHost) \(Self.drop(.spoofed))",
                "meta protocol { 8021q, 8021ad } jump uplink_tags",
                // A separate chain: nft 1.0.6 cannot list the two in one rule.
                "meta protocol 0x0004 jump uplink_llc",
                "ip protocol icmp \(notHost) jump guard_errors",
                // ICMPv6, perhaps behind extension headers.
                "ip6 nexthdr { 0, 43, 44, 58, 60 } \(notHost) jump uplink_errors",
            ])
        netdev.chains["guard_errors"] = RuleTable.Chain(rules: guardedErrors)
        if hasRouters {
            netdev.sets[Self.routers(of: bridge)] = Self.routers
            netdev.chains["uplink_\(index)"]?.rules += [
                "icmpv6 type nd-router-advert ip6 hoplimit 255 update @\(Self.routers(of: bridge)) { @nh,64,128 timeout 3h }",
                "icmpv6 type nd-router-advert meta mark set \(marks.routerOfUplink)",
            ]
        }
        netdev.chains["uplink_errors"] = RuleTable.Chain(
            rules: [Self.toReservedGroup] + Self.errorsBehindHeaders)
        netdev.chains["uplink_tags"] = RuleTable.Chain(rules: Self.tags)
        netdev.chains["uplink_llc"] = RuleTable.Chain(rules: [Self.subnetworkAccess])
    }

    /// Drops ARP and neighbour discovery for the metadata addresses on an uplink, in both directions: another host with virt-metadata may be beyond
    /// it.
    ///
    /// A guest's address may belong to a network behind a router beyond the uplink. Then the host looks for that router before it replies, and by
    /// default asks in the name of the address that it replies from. Its question leaves in another name, because without the router's MAC address
    /// the host sends nothing.
    mutating func isolateUplink(_ name: String, index: Int32, of bridge: BridgeFacts) {
        let (arp, discovery) = (Self.addressResolution, Self.neighbourDiscovery)
        netdev.chains["uplink_\(index)"]?.rules += [
            "meta protocol arp goto uplink_arp", "meta l4proto icmpv6 goto uplink_discovery",
        ]
        netdev.chains["uplink_arp"] = RuleTable.Chain(rules: [arp.target, arp.sender])
        netdev.chains["uplink_discovery"] = RuleTable.Chain(rules: discovery)
        netdev.chains["uplink_out_\(index)"] = RuleTable.Chain(
            hook: "type filter hook egress device \"\(name)\" priority 310",
            rules: ["meta protocol arp goto uplink_out_arp", "meta l4proto icmpv6 goto uplink_out_discovery_\(bridge.index)"])
        // An address of nobody's, as in a probe (RFC 5227 §2.1.1): the router answers, and learns nothing.
        let asNobody = "arp operation request arp saddr ip \(MetadataAddress.v4) arp saddr ip set 0.0.0.0 accept"
        netdev.chains["uplink_out_arp"] = RuleTable.Chain(rules: [arp.target, asNobody, arp.sender])
        // There is no such probe by neighbour discovery. nft corrects the checksum.
        let solicits = "icmpv6 type { nd-router-solicit, nd-neighbor-solicit } ip6 saddr \(Self.v6)"
        netdev.chains["uplink_out_discovery_\(bridge.index)"] = RuleTable.Chain(
            rules: discovery + [bridge.linkLocal.map { "\(solicits) ip6 saddr set \($0)" } ?? "\(solicits) drop"])
    }

    private static let addressResolution = (
        target: "arp daddr ip \(MetadataAddress.v4) drop", sender: "arp saddr ip \(MetadataAddress.v4) drop"
    )

    private static let neighbourDiscovery = MetadataAddress.v6.map {
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } @th,64,128 \(target($0)) drop"
    }
}

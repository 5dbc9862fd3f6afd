import Common

/// The nftables tables of the server (nft(8)).
///
/// `netdev virt_metadata` checks each frame where it enters the host by a port, before the bridge sees it, and each reply where it leaves for the
/// bridge (`RuleSet+Ports`, `RuleSet+Guard`). `inet virt_metadata` checks packets from a bridge to the host, and packets that the host forwards.
///
/// A guest's request is rewritten to the listening socket of its port, and a reply of that socket goes only to that port. So neither learned state
/// (ARP, neighbour discovery, spanning tree, the bridge's forwarding database) nor addresses that a guest chooses decide which guest receives a
/// reply. Connections are not tracked: no table grows with what guests send.
package struct RuleSet: Equatable {
    /// The families of the tables.
    package static let families = ["netdev", "inet"]
    /// The reasons for dropping frames, each a counter.
    package enum Counter: String, CaseIterable {
        /// The source is another guest's MAC address, or a metadata address.
        case spoofed
        /// Fragments or extension headers in packets to a metadata address, or around neighbour discovery for one.
        case fragmented
        /// Nested VLAN tags of which one has number 0, IP behind LLC and SNAP, or IP to an address that bridges do not forward.
        case encapsulated
        /// Messages of the spanning tree protocol.
        case bpdu
        /// Multicast router queries (RFC 3810), and advertisements of multicast routers (RFC 4286): from these, and from the answers to queries, a
        /// bridge learns where to send neighbour discovery.
        case mldQuery = "mld_query"
        /// New connections of a port beyond its rate limit.
        case rateLimited = "rate_limited"
        /// Requests to metadata addresses from a port without a socket.
        case notServed = "not_served"
    }

    let marks: PacketMarks
    var netdev = RuleTable(family: "netdev")
    var inet = RuleTable(family: "inet")

    init(marks: PacketMarks = .ofThisProcess) {
        self.marks = marks
        netdev.counters = Counter.allCases.map(\.rawValue)
        inet.counters = [Counter.notServed.rawValue]
    }

    /// Recreates all tables.
    var script: String { netdev.script + inet.script }

    /// The nft commands that change the tables from `old` to this; `nil` where both are equal.
    func changes(from old: RuleSet) -> String? {
        guard self != old else { return nil }
        guard let ports = netdev.changes(from: old.netdev), let host = inet.changes(from: old.inet) else { return script }
        return ports + host
    }

    /// A statement that counts and drops.
    static func drop(_ counter: Counter) -> String { "counter name \(counter.rawValue) drop" }

    /// Match an IPv4 packet's source or destination address bytes (RFC 791 §3.1) against the metadata address. For a packet of another protocol the
    /// result has no meaning; where such packets are possible, the next chain checks the protocol.
    static let sourceIsMetadata = "@nh,96,32 0x\(hexadecimal(MetadataAddress.v4))"
    static let destinationIsMetadata = "@nh,128,32 0x\(hexadecimal(MetadataAddress.v4))"

    static func hexadecimal(_ address: IPAddress) -> String {
        address.octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The metadata addresses of IPv6, as an nft set.
    static let v6 = "{ \(MetadataAddress.v6.map(\.description).joined(separator: ", ")) }"

    // MARK: From a bridge to the host

    /// The rules of the host itself.
    ///
    /// A packet that is still for a metadata address here came by a port that is not a guest's, or that has no chain yet. It is dropped, so that it
    /// does not reach the metadata service of a cloud in which the host itself is a guest. Packets from a metadata address are not forwarded to
    /// guests either: a guest may request checksum offload at an offset of its choice, and so change a packet after the last rule.
    ///
    /// Connections to the sockets are not tracked: a guest can fill that table, and then packets are dropped.
    ///
    /// - Parameters:
    ///   - bridges: those that are served, and those that were and stay closed.
    ///   - unserved: those of them whose ports have no rules yet. What an earlier server has still to send there would go wherever a guest's
    ///     claim to the address leads it.
    ///   - guarded: those whose ports are guarded: of their router advertisements the host takes those of uplinks only. A port that is new has no
    ///     rules yet, and one frame may have effects for weeks.
    ///   - ports: the TCP ports that the sockets listen on.
    mutating func closeHost(
        _ bridges: some Sequence<String>, unserved: some Sequence<String>, guarded: [String], ports: ClosedRange<UInt16>
    ) {
        let names = Self.quoted(bridges)
        inet.sets[RuleTable.bridges] = RuleTable.Elements(kind: "set", type: "ifname", elements: Set(names))
        let v4 = MetadataAddress.v4
        let notServed = Self.drop(.notServed)
        let (first, last) = (ports.lowerBound, ports.upperBound)
        // Where bridged frames pass the host's firewall (net.bridge.bridge-nf-call-iptables), every frame between guests passes these rules too: so
        // a few bytes are checked first, and only matching frames pass the other chains.
        inet.chains["from_bridge"] = RuleTable.Chain(
            rules: [
                "iifname != @bridges return",
                "ip daddr \(v4) ip frag-off & 0x3fff != 0 \(notServed)",
                "ip daddr \(v4) tcp dport 80 \(notServed)",
                "ip6 daddr \(Self.v6) tcp dport 80 \(notServed)",
                "ip6 daddr \(Self.v6) exthdr frag exists \(notServed)",
            ])
        inet.chains["prerouting"] = RuleTable.Chain(
            hook: "type filter hook prerouting priority -310",
            rules: [
                "\(marks.isMarked) iifname @bridges notrack accept",
                "\(Self.destinationIsMetadata) goto from_bridge",
                "ip6 daddr \(Self.v6) goto from_bridge",
            ])
        // A packet without a mark was accepted by no rule at a port, and the sockets would not accept it either. But their filter does not see ICMP
        // errors, which abort a connection in its handshake: no genuine error names these ports, because guests know them as 80. Most packets of the
        // host itself are TCP and UDP, and pass no further rule.
        inet.chains["input"] = RuleTable.Chain(
            hook: "type filter hook input priority -310",
            rules: [
                "\(marks.isMarked) accept", "tcp dport \(first)-\(last) iifname @bridges \(notServed)",
                "meta l4proto { tcp, udp } accept",
                // Whatever the host has on top of the bridge, and whatever handed it the frame.
                "meta mark \(marks.routerOfGuests) \(notServed)",
                "meta l4proto { icmp, icmpv6 } iifname @bridges goto icmp_errors",
                "\(Self.hidesMessage) iifname @bridges \(notServed)",
            ])
        let routers = Self.quoted(guarded)
        let fromGuests =
            routers.isEmpty
            ? []
            : ["icmpv6 type nd-router-advert meta mark != \(marks.routerOfUplink) iifname { \(routers.joined(separator: ", ")) }"]
        inet.chains["icmp_errors"] = RuleTable.Chain(
            rules: (Self.redirects + fromGuests + Self.errors(about: ports)).map { "\($0) \(notServed)" })
        inet.chains["to_bridge"] = RuleTable.Chain(
            rules: [
                "oifname != @bridges return",
                "ip saddr \(v4) tcp sport 80 \(notServed)",
                "ip saddr \(v4) ip frag-off & 0x3fff != 0 \(notServed)",
                "ip6 saddr \(Self.v6) tcp sport 80 \(notServed)",
                "ip6 saddr \(Self.v6) exthdr frag exists \(notServed)",
                "meta l4proto { icmp, icmpv6 } goto forwarded_errors",
            ])
        inet.chains["forward"] = RuleTable.Chain(
            hook: "type filter hook forward priority -310",
            rules: [
                "\(Self.sourceIsMetadata) goto to_bridge", "ip6 saddr \(Self.v6) goto to_bridge",
                "meta l4proto { tcp, udp } accept",
                "meta l4proto { icmp, icmpv6 } oifname @bridges goto forwarded_errors",
                "\(Self.hidesMessage) oifname @bridges \(notServed)",
            ])
        inet.chains["forwarded_errors"] = RuleTable.Chain(rules: Self.forwardedErrors)
        let silent = Self.quoted(unserved)
        let ownPorts = "tcp sport \(first)-\(last)"
        inet.chains["output"] = RuleTable.Chain(
            hook: "type filter hook output priority -310",
            rules: [
                "\(ownPorts) oifname @bridges goto replies",
                // Nothing listens on these ports, so the host would refuse what reaches it by another way than a served bridge: in the name of the
                // address, and to a guest whose address and numbers somebody there has used.
                "ip saddr \(v4) tcp sport 80 oifname @bridges \(notServed)",
                "ip6 saddr \(Self.v6) tcp sport 80 oifname @bridges \(notServed)",
                "meta l4proto { icmp, icmpv6 } oifname @bridges jump own_errors",
            ] + Self.ownMessages.map { "\($0) oifname @bridges meta mark set \(marks.otherFromHost)" })
        inet.chains["own_errors"] = RuleTable.Chain(rules: Self.ownErrors.map { "\($0) \(notServed)" })
        inet.chains["replies"] = RuleTable.Chain(
            rules: (silent.isEmpty ? [] : ["oifname { \(silent.joined(separator: ", ")) } \(notServed)"]) + [
                // Resets that refuse a connection (RFC 9293 §3.10.7.1): after a server was killed no process listens, and a guest without an answer
                // retries and reaches the next server.
                "tcp flags & (rst | ack) == (rst | ack) tcp sequence 0 \(notServed)",
                "meta mark set \(marks.fromHost) notrack",
            ])
    }

    static func quoted(_ names: some Sequence<String>) -> [String] {
        names.filter(LinkName.isQuotable).map { "\"\($0)\"" }
    }

    /// Matches fragments of which another extension header is the first content: a second one, in the next fragment, would hide from every rule that
    /// an ICMP message follows. Systems send no such fragments (RFC 7112 §5).
    static let hidesMessage = "exthdr frag exists frag nexthdr { 0, 43, 44, 60 }"

    /// Match what would make the host send its replies elsewhere, and comes from anyone (RFC 792, RFC 4861 §4.5). Other guests receive it.
    private static let redirects = ["icmp type redirect", "icmpv6 type nd-redirect"]

    /// Match what else the host itself sends in the name of a metadata address, or about one: without the mark it is another's, on top of the
    /// bridge (`RuleSet+Ports`).
    private static let ownMessages = ["meta l4proto { icmp, icmpv6 }", sourceIsMetadata, "ip6 saddr \(v6)"]

    /// Match the host's own errors about TCP to a metadata address, perhaps behind extension headers: no true error is about a connection to port 80.
    /// A guest learns from the others that nothing else is there.
    private static let ownErrors =
        [
            "icmp type { destination-unreachable, source-quench, time-exceeded, parameter-problem } "
                + "@th,192,32 0x\(hexadecimal(MetadataAddress.v4)) @th,136,8 6"
        ] + MetadataAddress.v6.map { "icmpv6 type 0-127 @th,256,128 0x\(hexadecimal($0)) @th,112,8 != { 17, 58 }" }

    /// Match ICMP errors (RFC 792, RFC 4443) about packets of the sockets, as guests or as this host see them. The packet starts at byte eight.
    private static func errors(about ports: ClosedRange<UInt16>) -> [String] {
        let range = "\(ports.lowerBound)-\(ports.upperBound)"
        let v4 = "icmp type { destination-unreachable, source-quench, time-exceeded, parameter-problem }"
        // All errors: unknown ones too reach the socket that they are about (RFC 4443 §2.4).
        let v6 = "icmpv6 type 0-127"
        return [
            "\(v4) @th,160,32 0x\(hexadecimal(MetadataAddress.v4))",
            // IP options would shift the ports.
            "\(v4) @th,68,4 != 5", "\(v4) @th,136,8 6 @th,224,16 \(range)",
        ]
            + MetadataAddress.v6.map { "\(v6) @th,128,128 0x\(hexadecimal($0))" }
            + [
                // Fragments hide the packet, and its headers shift the ports: those of ipv6_ext_hdr() in Linux.
                "\(v6) exthdr frag exists", "\(v6) @th,112,8 { 0, 43, 44, 51, 59, 60 }", "\(v6) @th,112,8 6 @th,384,16 \(range)",
            ]
    }
}

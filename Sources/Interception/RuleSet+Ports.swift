import Common

/// A metadata address, and the address of the host that receives its packets on a bridge: the same address, or one of the bridge's own where
/// packets are redirected.
struct AnsweredAddress: Hashable {
    let metadata: IPAddress
    let host: IPAddress
}

extension RuleSet {
    /// The facts of a guest's port that its rules depend on.
    struct GuestPort {
        /// The name and the index of its link.
        let name: String
        let index: Int32
        /// The link's own MAC address, not the guest's.
        let linkMAC: MACAddress
        /// The MAC addresses that may be behind it.
        let macs: [MACAddress]
        /// The first port with the same MAC addresses, if there are more than a few: all ports of a domain share their sets, so that the rules do not
        /// grow with the square of its cards.
        var sharedMACs: Int32?
        /// Its sockets: one for each of its MAC addresses, and one for all others.
        let listeners: [Listener]
    }

    /// A listening socket: its TCP port and its MAC address; `nil` for all addresses without a socket of their own.
    struct Listener: Hashable {
        let mac: MACAddress?
        let port: UInt16
    }

    /// The facts that all ports of a bridge share.
    struct BridgeFacts {
        let index: Int32
        let name: String
        let mac: MACAddress
        /// Its own link-local address, which is not a metadata address; `nil` where it has none.
        let linkLocal: IPAddress?
        /// The metadata addresses that are answered.
        let answered: [AnsweredAddress]
        /// The most new connections per second of a port; `nil` for no limit.
        let connectionsPerSecond: Int?
        /// Whether new connections are dropped.
        let isEnding: Bool
        /// The TCP ports that the sockets listen on.
        let ports: ClosedRange<UInt16>
    }

    /// The first packet of a connection. The burst is two seconds' worth of connections. SYNs beyond the rate are dropped, and a client retries after
    /// a second (RFC 6298 §2.1).
    private static let syn = "@th,104,8 & 0x12 == 0x02"

    /// Directs a port's packets for the metadata addresses to its sockets, and their replies back to the port.
    ///
    /// - Parameter isGuarded: whether its other frames are checked too.
    mutating func serve(_ port: GuestPort, of bridge: BridgeFacts, isGuarded: Bool) {
        let (request, notIPv4) = ("request_\(port.index)", "not_ipv4_\(port.index)")
        let (request6, http, dhcp) = ("request_ip6_\(port.index)", "http_\(port.index)", "dhcp_\(port.index)")
        // Every frame of a guest passes these rules, most of them on their way to other guests: each expression costs. `ip daddr` would check the
        // protocol again, `ether saddr` the kind of link.
        var rules: [String] = []
        if isGuarded { rules.append("\(otherMAC(port, bridge))jump other_mac_\(bridge.index)") }
        rules += ["meta protocol != ip goto \(notIPv4)", "\(Self.destinationIsMetadata) goto \(request)"]
        // ICMP, and UDP to a DHCP server, whatever address it is sent to: the host receives DHCP by all of them.
        let messages = isGuarded ? ["@nh,72,8 1 goto guard_errors", "@nh,72,8 17 @th,16,16 67 goto \(dhcp)"] : []
        if isGuarded {
            rules.append("\(Self.sourceIsMetadata) \(Self.drop(.spoofed))")
            netdev.chains[dhcp] = RuleTable.Chain(rules: self.dhcp(of: port, bridge))
        }
        rules += messages
        netdev.chains["from_port_\(port.index)"] = RuleTable.Chain(
            hook: "type filter hook ingress device \"\(port.name)\" priority -310", rules: rules)
        netdev.chains[notIPv4] = RuleTable.Chain(
            rules: ["ip6 daddr \(Self.v6) goto \(request6)"] + (isGuarded ? ["goto guard_\(bridge.index)"] : []))
        let others = isGuarded ? "goto guard_\(bridge.index)" : "accept"
        netdev.chains[request] = RuleTable.Chain(rules: Self.request(to: http, bridge, messages: messages, others: others))
        netdev.chains[request6] = RuleTable.Chain(rules: Self.requestByIPv6(to: http, bridge, others: others))
        netdev.chains[http] = RuleTable.Chain(rules: Self.connect(port, bridge))
        netdev.sets[Self.linkMACs(of: bridge)]?.elements.insert("\(port.index) : \(port.linkMAC)")
        for listener in port.listeners { serve(port, by: listener, of: bridge) }
    }

    /// How many MAC addresses are named in the rules of a port itself.
    static let mostNamedMACs = 4

    /// Matches frames whose source is none of the port's MAC addresses.
    private mutating func otherMAC(_ port: GuestPort, _ bridge: BridgeFacts) -> String {
        if let first = port.sharedMACs {
            let set = "domain_macs_\(bridge.index)_\(first)"
            netdev.sets[set] = RuleTable.Elements(kind: "set", type: "ether_addr", elements: Set(port.macs.map(\.description)))
            return "ether saddr != @\(set) "
        }
        switch port.macs.count {
        case 0: return ""
        case 1: return "@ll,48,48 != \(Self.hexadecimal(port.macs[0])) "
        default: return "ether saddr != { \(port.macs.map(\.description).sorted().joined(separator: ", ")) } "
        }
    }

    private static func source(is mac: MACAddress) -> String { "@ll,48,48 \(hexadecimal(mac))" }

    private static func hexadecimal(_ mac: MACAddress) -> String { "0x" + mac.description.filter { $0 != ":" } }

    /// The rules for a packet to the IPv4 metadata address. No metadata client fragments it. Bytes are compared as they are: names of fields would check
    /// the protocol again in each rule.
    private static func request(to http: String, _ bridge: BridgeFacts, messages: [String], others: String) -> [String] {
        let isAnswered = bridge.answered.contains { $0.metadata == MetadataAddress.v4 }
        return [
            "\(sourceIsMetadata) \(drop(.spoofed))",
            "@nh,48,16 & 0x3fff != 0 \(drop(.fragmented))",
            // TCP, port 80.
            "@nh,72,8 6 @th,16,16 80 \(isAnswered ? "goto \(http)" : drop(.notServed))",
        ] + messages + ["meta l4proto { tcp, udp, icmp } \(others)", drop(.notServed)]
    }

    /// The same for the IPv6 addresses. No metadata client adds extension headers.
    private static func requestByIPv6(to http: String, _ bridge: BridgeFacts, others: String) -> [String] {
        let missing = MetadataAddress.v6.filter { address in !bridge.answered.contains { $0.metadata == address } }
        var rules = [
            "ip6 saddr \(v6) \(drop(.spoofed))",
            "ip6 nexthdr != { tcp, udp, icmpv6 } \(drop(.fragmented))",
            "meta l4proto { udp, icmpv6 } \(others)",
            "tcp dport != 80 \(others)",
        ]
        if !missing.isEmpty {
            rules.append("ip6 daddr { \(missing.map(\.description).joined(separator: ", ")) } \(drop(.notServed))")
        }
        return rules + ["tcp dport 80 goto \(http)", drop(.notServed)]
    }

    /// The rules for TCP to port 80 of an answered address: a limit on new connections, and the socket of the sender.
    private static func connect(_ port: GuestPort, _ bridge: BridgeFacts) -> [String] {
        var rules: [String] = []
        if bridge.isEnding {
            rules.append("\(syn) \(drop(.notServed))")
        } else if let rate = bridge.connectionsPerSecond {
            rules.append("\(syn) limit rate over \(rate)/second burst \(2 * rate) packets \(drop(.rateLimited))")
        }
        for listener in port.listeners {
            guard let mac = listener.mac else { continue }
            rules.append("\(source(is: mac)) goto to_host_\(bridge.index)_\(listener.port)")
        }
        if let other = port.listeners.first(where: { $0.mac == nil }) {
            rules.append("goto to_host_\(bridge.index)_\(other.port)")
        }
        // Every packet that no rule above accepts is dropped.
        return rules + [drop(.notServed)]
    }

    private mutating func serve(_ port: GuestPort, by listener: Listener, of bridge: BridgeFacts) {
        let key = "\(bridge.index)_\(listener.port)"
        let redirected = bridge.answered.filter { $0.metadata != $0.host }
        netdev.chains["to_host_\(key)"] = RuleTable.Chain(
            // The bridge forwards no frame to the address of one of its ports, whatever guests have taught it. Its own address is not used, because a
            // bridge without a fixed one changes it when ports come and go.
            rules: [
                "ether daddr set \(port.linkMAC)", "meta pkttype set host",
                "meta mark set \(marks.text(ofSocketOn: listener.port))",
            ]
                + redirected.map {
                    let ip = Self.protocolName($0.host)
                    return "\(ip) daddr \($0.metadata) \(ip) daddr set \($0.host)"
                } + ["tcp dport set \(listener.port) accept"])
        var reply: [String] = []
        // Regardless of the neighbour table's entry for the guest's address, which other guests may influence.
        if let mac = listener.mac { reply.append("ether daddr set \(mac)") }
        reply += redirected.map {
            let ip = Self.protocolName($0.host)
            return "\(ip) saddr \($0.host) \(ip) saddr set \($0.metadata)"
        }
        // Bypasses the bridge, whose forwarding database other guests may influence.
        netdev.chains["reply_\(key)"] = RuleTable.Chain(rules: reply + ["tcp sport set 80 fwd to \(port.index)"])
        netdev.sets["replies_\(bridge.index)"]?.elements.insert("\(listener.port) : goto reply_\(key)")
    }

    /// The rules for a message to a DHCP server: it is for the sender's own card (RFC 2131 §2, `chaddr`), or for one behind it that is no other
    /// guest's. A lease decides which address a guest's metadata shows. DHCP is not fragmented.
    private mutating func dhcp(of port: GuestPort, _ bridge: BridgeFacts) -> [String] {
        var own = port.macs.map { "\(Self.card) \(Self.hexadecimal($0)) accept" }
        if let first = port.sharedMACs {
            let set = "domain_cards_\(bridge.index)_\(first)"
            netdev.sets[set] = Self.cards(Set(port.macs))
            own = ["\(Self.card) @\(set) accept"]
        }
        return ["@nh,48,16 & 0x3fff != 0 \(Self.drop(.fragmented))"] + own
            + ["\(Self.card) @cards_\(bridge.index) \(Self.drop(.spoofed))"]
    }

    /// The client's MAC address in a DHCP message.
    private static let card = "@th,288,48"

    /// The MAC addresses of all guests of a bridge, as the client's in a DHCP message.
    static func cards(_ macs: Set<MACAddress>) -> RuleTable.Elements {
        RuleTable.Elements(kind: "set", type: card, elements: Set(macs.map(hexadecimal)))
    }

    /// Rules shared by all ports of a bridge: a reply leaves only by the port whose socket sent it.
    ///
    /// - Parameter isGuarded: whether other packets are checked too. What a macvlan or macvtap on top of the bridge sends enters by none of its ports.
    mutating func serve(_ bridge: BridgeFacts, isGuarded: Bool) {
        let others = isGuarded ? "others_\(bridge.index)" : "not_replies"
        if isGuarded {
            netdev.chains[others] = RuleTable.Chain(rules: [
                "meta mark \(marks.otherFromHost) accept", Self.notReplies(bridge.ports),
                "\(Self.sourceIsMetadata) meta protocol ip \(Self.drop(.spoofed))",
                "ip protocol icmp goto guard_errors", "meta protocol ip6 goto others_ip6",
                "meta protocol vmap { 8021q : goto guard_tags, 8021ad : goto guard_tags, 0x0004 : goto guard_llc_\(bridge.index) }",
            ])
            netdev.chains["others_ip6"] = RuleTable.Chain(
                rules: [
                    "ip6 saddr \(Self.v6) \(Self.drop(.spoofed))",
                    // As of a guest's port: the bridge learns from queries of what is on top of it, too.
                    "ip6 nexthdr 0 meta l4proto ah \(Self.drop(.mldQuery))",
                    "ip6 nexthdr { 0, 43, 44, 58, 60 } goto others_errors",
                ])
            netdev.chains["others_errors"] = RuleTable.Chain(rules: Self.errorsOnTop)
        }
        let replies = "replies_\(bridge.index)"
        netdev.sets[replies] = RuleTable.Elements(kind: "map", type: "inet_service : verdict")
        // Forwarded packets, for example of a guest that uses the host's address as its source, are not replies of the server.
        var rules = ["meta mark != \(marks.fromHost) goto \(others)"]
        for (ip, addresses) in Dictionary(grouping: bridge.answered.map(\.host), by: Self.protocolName).sorted(by: {
            $0.key < $1.key
        }) {
            let chain = "replies_\(ip)_\(bridge.index)"
            let hosts = addresses.map(\.description).joined(separator: ", ")
            rules.append("\(ip) saddr \(addresses.count == 1 ? hosts : "{ \(hosts) }") goto \(chain)")
            // Only the first fragment of a packet contains its port. The sockets do not fragment; fragments from any other cause are dropped.
            let fragment = ip == "ip" ? "ip frag-off & 0x3fff != 0" : "exthdr frag exists"
            netdev.chains[chain] = RuleTable.Chain(rules: [
                "\(fragment) \(Self.drop(.fragmented))", "tcp sport vmap @\(replies)",
                "tcp sport \(bridge.ports.lowerBound)-\(bridge.ports.upperBound) \(Self.drop(.notServed))",
            ])
        }
        // From an address that is not answered, or not yet: while a server starts, only an earlier one's connections have packets.
        rules.append("tcp sport \(bridge.ports.lowerBound)-\(bridge.ports.upperBound) \(Self.drop(.notServed))")
        checkOutput(of: bridge.name, index: bridge.index, ports: bridge.ports, rules: rules)
    }

    /// Rules for a bridge that is not served, or not yet.
    mutating func silence(_ name: String, index: Int32, ports: ClosedRange<UInt16>) {
        checkOutput(of: name, index: index, ports: ports, rules: ["goto not_replies"])
    }

    /// Rules for the packets of the host.
    ///
    /// A packet of an earlier server can have waited for a guest's MAC address since then, past the output rules of that server, and a guest that
    /// claims the address would get it.
    private mutating func checkOutput(of bridge: String, index: Int32, ports: ClosedRange<UInt16>, rules: [String]) {
        netdev.chains["not_replies"] = RuleTable.Chain(rules: [Self.notReplies(ports)])
        netdev.chains["from_host_\(index)"] = RuleTable.Chain(
            hook: "type filter hook egress device \"\(bridge)\" priority 310", rules: rules)
    }

    private static func notReplies(_ ports: ClosedRange<UInt16>) -> String {
        "\(PacketMarks.isFromAnyServer) tcp sport \(ports.lowerBound)-\(ports.upperBound) \(drop(.notServed))"
    }

    /// The map from the index of a guest's link to the MAC address of that link.
    static func linkMACs(of bridge: BridgeFacts) -> String { "link_macs_\(bridge.index)" }

    private static func protocolName(_ address: IPAddress) -> String { address.family == .v4 ? "ip" : "ip6" }
}

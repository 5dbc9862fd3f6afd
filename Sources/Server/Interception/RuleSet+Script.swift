import Common

extension RuleSet {
    /// The name of both tables.
    static let table = "virt_metadata"
    /// The families of the two.
    static let families = ["bridge", "inet"]
    /// What stands in both as their comment, so that they can be told from others of that name.
    static let comment = "made by virt-metadata"
    /// The counter of frames that bore another guest's hardware address.
    static let forgeries = "forged"
    /// The counter of connections that were begun too fast.
    static let hurries = "hurried"

    /// Makes both tables anew with all that they hold, in place of what there was of that name, at once.
    var script: String {
        let declarations = { (family: String) in
            Element.allCases.filter { $0.family == family }.map { set in
                let elements = self.elements[set].map { "\n    elements = { \($0.sorted().joined(separator: ", ")) }" } ?? ""
                return "  \(set.kind) \(set.rawValue) {\n    type \(set.type)\(elements)\n  }\n"
            }.joined()
        }
        let begin = Self.families.map(Self.removal).joined()
        return begin + """
            table bridge \(Self.table) {
              comment "\(Self.comment)"
              counter \(Self.forgeries) { }
            \(declarations("bridge"))\(haste)\(Self.bridgeChains(lifts: !isEmpty(.lifted)))\(isEmpty(.uplinks) ? "" : Self.isolation)}
            table inet \(Self.table) {
              comment "\(Self.comment)"
            \(declarations("inet"))\(isEmpty(.closed) ? "" : Self.closing)\(zones.isEmpty ? "" : Self.redirection)}
            \(zoneRules)
            """
    }

    /// What is to be said to nft where the tables hold `old` and are to hold this; `nil` where that is the same.
    func changes(from old: RuleSet) -> String? {
        guard self != old else { return nil }
        // With the first of these come chains, and with the last they go: a chain costs every packet.
        guard [.uplinks, .lifted, .closed].allSatisfy({ isEmpty($0) == old.isEmpty($0) }), zones.isEmpty == old.zones.isEmpty,
            connectionsPerSecond == old.connectionsPerSecond
        else { return script }
        var lines: [String] = []
        for (verb, from, to) in [("delete", old, self), ("add", self, old)] {
            for set in Element.allCases {
                let changed = from.elements[set, default: []].subtracting(to.elements[set, default: []])
                guard !changed.isEmpty else { continue }
                let list = changed.sorted().joined(separator: ", ")
                lines.append("\(verb) element \(set.family) \(Self.table) \(set.rawValue) { \(list) }")
            }
        }
        if zoneRules != old.zoneRules {
            lines += ["flush chain inet \(Self.table) zones_in", "flush chain inet \(Self.table) zones_out", zoneRules]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func isEmpty(_ set: Element) -> Bool { elements[set, default: []].isEmpty }

    /// What takes a table away, or does nothing where there is none.
    static func removal(of family: String) -> String { "add table \(family) \(table)\ndelete table \(family) \(table)\n" }

    private static var v6: String { "{ \(MetadataAddress.v6.map(\.description).joined(separator: ", ")) }" }

    private static var discovery: String { "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }" }

    /// What begins a connection, and nothing else: looked at before the addresses, because most packets do not.
    private static var syn: String { "tcp flags & (syn | ack) == syn" }

    /// A rule for each metadata address that neighbour discovery may be about: its target stands 64 bits into ICMPv6 (RFC 4861
    /// §4.3).
    private static func ofEachTarget(_ verdict: String) -> String {
        MetadataAddress.v6.map { address in
            let target = address.octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return "    @th,64,128 0x\(target) \(verdict)\n"
        }.joined()
    }

    /// What begins more connections than a port may: they are not answered, so that they wait where they come from, and not before
    /// those of other guests in the queue of a listening socket, which has one order for all. A client tries again after a second
    /// (RFC 6298 §2.1).
    ///
    /// Two seconds' worth may come at once, as of everything that a guest may have in a while.
    private var haste: String {
        guard let connectionsPerSecond else { return "  chain arriving {\n  }\n" }
        return """
              counter \(Self.hurries) { }
              set arrivals {
                type ifname; size 65535; flags dynamic, timeout; timeout 1m;
              }
              chain arriving {
                update @arrivals \
            { iifname limit rate over \(connectionsPerSecond)/second burst \(2 * connectionsPerSecond) packets } counter name \(Self.hurries) drop
              }

            """
    }

    /// In the order in which a frame meets them: what is forged goes before the bridge learns from it (prerouting comes before
    /// learning); what is for the metadata addresses must come by the port of its sender; from a guest's port it is then lifted,
    /// where its bridge lifts. No guest answers for the metadata addresses, and where there is an uplink nobody beyond it does.
    ///
    /// Every frame of the host's bridges comes by here, so that of an honest guest is looked up once, and then
    /// parted by what it is.
    private static func bridgeChains(lifts: Bool) -> String {
        let v4 = MetadataAddress.v4
        return """
              chain lift {
                ether daddr set iifname map @lifted meta pkttype set host
              }
              chain metadata {
                ether saddr @macs counter name \(forgeries) drop
                iifname @taps \(syn) jump arriving
                goto lift
              }
              chain arp_in {
                iifname @taps arp saddr ip \(v4) counter name \(forgeries) drop
                iifname @uplinks arp saddr ip \(v4) drop
                iifname @uplinks arp daddr ip \(v4) drop
              }
              chain ip_in {
                ip daddr \(v4) tcp dport 80 iifname @ports jump metadata
              }
              chain ip_known {
                \(syn) ip daddr \(v4) tcp dport 80 jump arriving
                \(lifts ? "ip daddr \(v4) tcp dport 80 goto lift" : "")
              }
              chain claimed {
                iifname @taps icmpv6 type nd-neighbor-advert counter name \(forgeries) drop
                iifname @uplinks drop
              }
              chain discovery_in {
            \(ofEachTarget("goto claimed"))  }
              chain ip6_in {
                ip6 daddr \(v6) tcp dport 80 iifname @ports jump metadata
                \(discovery) jump discovery_in
              }
              chain ip6_known {
                \(syn) ip6 daddr \(v6) tcp dport 80 jump arriving
                \(lifts ? "ip6 daddr \(v6) tcp dport 80 goto lift" : "")
                \(discovery) jump discovery_in
              }
              chain known {
                ether type vmap { arp : goto arp_in, ip : goto ip_known, ip6 : goto ip6_known }
              }
              chain prerouting {
                type filter hook prerouting priority -310; policy accept;
                iifname . ether saddr @nics goto known
                iifname @taps ether saddr @macs counter name \(forgeries) drop
                ether type vmap { arp : jump arp_in, ip : jump ip_in, ip6 : jump ip6_in }
              }

            """
    }

    /// Nothing of the metadata addresses is heard beyond an uplink.
    private static var isolation: String {
        let v4 = MetadataAddress.v4
        return """
              chain arp_out {
                oifname @uplinks arp saddr ip \(v4) drop
                oifname @uplinks arp daddr ip \(v4) drop
              }
              chain discovery_out {
            \(ofEachTarget("drop"))  }
              chain ip6_out {
                \(discovery) oifname @uplinks jump discovery_out
              }
              chain postrouting {
                type filter hook postrouting priority 0; policy accept;
                ether type vmap { arp : jump arp_out, ip6 : jump ip6_out }
              }

            """
    }

    /// A bridge is closed to new connections only, so that those that there are can end in peace.
    private static var closing: String {
        """
          chain closed_to {
            ip daddr \(MetadataAddress.v4) drop
            ip6 daddr \(v6) drop
          }
          chain closed {
            type filter hook prerouting priority -310; policy accept;
            tcp dport 80 iifname @closed \(syn) jump closed_to
          }

        """
    }

    /// Only where a bridge is redirected: with a chain of this type the kernel tracks every connection of the host. Zones are set
    /// before it looks (priority -200).
    private static var redirection: String {
        """
          chain zones_in {
            type filter hook prerouting priority -300; policy accept;
          }
          chain zones_out {
            type filter hook output priority -300; policy accept;
          }
          chain to_us {
            type nat hook prerouting priority -100; policy accept;
            ip daddr \(MetadataAddress.v4) tcp dport 80 redirect to :iifname map @redirected
            ip6 daddr \(v6) tcp dport 80 redirect to :iifname map @redirected6
          }

        """
    }

    private var zoneRules: String {
        zones.sorted { $0.key < $1.key }.flatMap { bridge, zone in
            [
                "add rule inet \(Self.table) zones_in iifname \"\(bridge)\" ip daddr \(MetadataAddress.v4) tcp dport 80 ct zone set \(zone)",
                "add rule inet \(Self.table) zones_in iifname \"\(bridge)\" ip6 daddr \(Self.v6) tcp dport 80 ct zone set \(zone)",
            ]
                + ports(of: bridge).map {
                    "add rule inet \(Self.table) zones_out oifname \"\(bridge)\" tcp sport \($0) ct zone set \(zone)"
                }
        }.joined(separator: "\n")
    }

    /// The ports that a bridge is redirected to.
    private func ports(of bridge: String) -> Set<String> {
        let entries = elements[.redirected, default: []].union(elements[.redirected6, default: []])
        return Set(entries.filter { $0.hasPrefix("\"\(bridge)\" : ") }.map { String($0.dropFirst(bridge.utf8.count + 5)) })
    }
}

extension RuleSet.Element {
    /// The table that it stands in.
    fileprivate var family: String {
        switch self {
        case .ports, .taps, .macs, .nics, .uplinks, .lifted: "bridge"
        case .closed, .redirected, .redirected6: "inet"
        }
    }

    fileprivate var kind: String {
        switch self {
        case .lifted, .redirected, .redirected6: "map"
        default: "set"
        }
    }

    fileprivate var type: String {
        switch self {
        case .ports, .taps, .uplinks, .closed: "ifname;"
        case .macs: "ether_addr;"
        case .nics: "ifname . ether_addr;"
        case .lifted: "ifname : ether_addr;"
        case .redirected, .redirected6: "ifname : inet_service;"
        }
    }
}

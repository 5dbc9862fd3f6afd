import Common
import Interception

/// A guest's packet to a listening socket, as a base chain sees it: the result of each condition that is certain, and none for
/// any other.
///
/// The server's own rules have redirected it to the port of the socket where it entered the host, before any chain that is
/// examined here.
struct FirewallPacket {
    /// The bridge by which the packet enters the host.
    let bridge: String
    /// The TCP ports of the listening sockets, any of which may be its destination.
    let ports: ClosedRange<UInt16>
    /// Whether the chain is of the family `bridge`, for which the packet enters by a port of the bridge.
    let isBridged: Bool
    /// Whether the chain runs after the server's rules that leave the packet untracked.
    let isUntracked: Bool
    /// Whether a rule may have rewritten its address or port.
    let isRewritten: Bool

    private enum Fact {
        case ports(ClosedRange<Int64>)
        case address(IPAddress)
        case link(String)
        /// A symbol of nft's, under each of its names.
        case symbol([String])
        /// A field of another protocol: a rule that matches it is about other packets, whatever it compares.
        case absent
    }

    /// Whether a `match` of nft's JSON holds (libnftables-json(5)); `nil` where that is not certain.
    func holds(_ match: JSONValue) -> Bool? {
        guard let left = match["left"], let right = match["right"], let fact = fact(left) else { return nil }
        if case .absent = fact { return false }
        let op = match.text("op")
        switch op {
        case "==", "in": return Self.matches(right, fact)
        case "!=": return Self.matches(right, fact).map { !$0 }
        default:
            guard case (.ports(let ports), .integer(let bound)) = (fact, right) else { return nil }
            return Self.compares(ports, op, bound)
        }
    }

    /// Whether an element of a verdict map matches this packet; `nil` where that is not certain.
    func holds(_ element: JSONValue, forKey key: JSONValue) -> Bool? {
        guard let fact = fact(key) else { return nil }
        if case .absent = fact { return false }
        return Self.matches(element, fact)
    }

    // MARK: Values

    private static func matches(_ value: JSONValue, _ fact: Fact) -> Bool? {
        if case .array(let list) = value { return any(list, fact) }
        if case .array(let list)? = value["set"] { return any(list, fact) }
        if let element = value["elem"]?["val"] { return matches(element, fact) }
        switch fact {
        case .ports(let ports): return matches(value, ports)
        case .address(let address): return matches(value, address)
        case .link(let name): return matches(value, link: name)
        case .symbol(let names):
            switch value {
            case .string(let text) where !text.hasPrefix("@"): return names.contains(text)
            case .integer(let number): return names.contains("\(number)")
            default: return nil
            }
        case .absent: return false
        }
    }

    private static func any(_ list: [JSONValue], _ fact: Fact) -> Bool? {
        let answers = list.map { matches($0, fact) }
        if answers.contains(true) { return true }
        return answers.contains(nil) ? nil : false
    }

    private static func matches(_ value: JSONValue, _ ports: ClosedRange<Int64>) -> Bool? {
        if case .integer(let number) = value { return isWithin(ports, number, number) }
        guard case .array(let ends)? = value["range"], ends.count == 2, case .integer(let low) = ends[0],
            case .integer(let high) = ends[1]
        else { return nil }
        return isWithin(ports, low, high)
    }

    /// `nil` where some of the ports are within the bounds and some are not.
    private static func isWithin(_ ports: ClosedRange<Int64>, _ low: Int64, _ high: Int64) -> Bool? {
        if low <= ports.lowerBound, ports.upperBound <= high { return true }
        return high < ports.lowerBound || ports.upperBound < low ? false : nil
    }

    private static func compares(_ ports: ClosedRange<Int64>, _ op: String, _ bound: Int64) -> Bool? {
        switch op {
        case "<": isWithin(ports, .min, bound &- 1)
        case ">": isWithin(ports, bound &+ 1, .max)
        case "<=": isWithin(ports, .min, bound)
        case ">=": isWithin(ports, bound, .max)
        default: nil
        }
    }

    private static func matches(_ value: JSONValue, _ address: IPAddress) -> Bool? {
        if case .string(let text) = value { return IPAddress(text).map { $0 == address } }
        if let prefix = value["prefix"], case .string(let start)? = prefix["addr"], case .integer(let length)? = prefix["len"] {
            return AddressRange("\(start)/\(length)")?.contains(address)
        }
        guard case .array(let ends)? = value["range"], ends.count == 2, case .string(let first) = ends[0],
            case .string(let last) = ends[1], let low = IPAddress(first), let high = IPAddress(last),
            low.family == address.family, high.family == address.family
        else { return nil }
        return !address.octets.lexicographicallyPrecedes(low.octets) && !high.octets.lexicographicallyPrecedes(address.octets)
    }

    /// A backslash escapes a star that belongs to the name; a name with one is left undecided.
    private static func matches(_ value: JSONValue, link: String) -> Bool? {
        guard case .string(let text) = value, !text.hasPrefix("@"), !text.contains("\\") else { return nil }
        return text.hasSuffix("*") ? link.hasPrefix(text.dropLast()) : link == text
    }

    // MARK: Facts

    private static let otherProtocols: Set = [
        "udp", "udplite", "sctp", "dccp", "esp", "ah", "comp", "icmp", "icmpv6", "igmp", "ip6", "arp",
    ]

    private func fact(_ left: JSONValue) -> Fact? {
        if let meta = left["meta"] { return fact(ofMeta: meta.text("key")) }
        if let payload = left["payload"] { return fact(of: payload.text("protocol"), payload.text("field")) }
        // Of an untracked packet nftables knows this state only, and ends a rule that matches anything else of its connection.
        if let ct = left["ct"], isUntracked { return ct.text("key") == "state" ? .symbol(["untracked"]) : .absent }
        return nil
    }

    private func fact(ofMeta key: String) -> Fact? {
        switch key {
        case "iifname", "iif": isBridged ? nil : .link(bridge)
        case "ibrname": isBridged ? .link(bridge) : nil
        case "l4proto": .symbol(["tcp", "6"])
        case "nfproto": isBridged ? nil : .symbol(["ipv4", "2"])
        case "protocol": isBridged ? nil : .symbol(["ip", "2048"])
        // A bridge marks all packets for its own address so.
        case "pkttype": isRewritten ? nil : .symbol(["host", "unicast"])
        default: nil
        }
    }

    private func fact(of layer: String, _ field: String) -> Fact? {
        if Self.otherProtocols.contains(layer) { return .absent }
        guard !isRewritten else { return nil }
        return switch (layer, field) {
        case ("tcp", "dport"), ("th", "dport"): .ports(Int64(ports.lowerBound)...Int64(ports.upperBound))
        case ("ip", "daddr"): .address(MetadataAddress.v4)
        case ("ip", "protocol"): .symbol(["tcp", "6"])
        default: nil
        }
    }

    /// Whether a statement of nft's JSON changes a field that facts are taken from.
    static func isRewritten(by statement: JSONValue) -> Bool {
        guard let key = statement["mangle"]?["key"] else { return false }
        if key["meta"]?.text("key") == "pkttype" { return true }
        guard let payload = key["payload"] else { return false }
        switch (payload.text("protocol"), payload.text("field")) {
        case ("ip", "dscp"), ("ip", "ecn"), ("ip", "ttl"), ("ip6", _), ("ether", _), ("vlan", _), ("udp", _), ("tcp", "flags"):
            return false
        default: return true
        }
    }
}

import Common
import JSON

/// Where nftables' rules would stop a guest's first packet to us, as far as they can be followed without being the kernel: of what a rule
/// asks for that is not known here, it is said that it *may* stop it.
struct FirewallTrace {
    /// A place that stops the packet.
    struct Block: Equatable {
        let family: String
        let table: String
        let chain: String
        /// Whether every condition on the way to it is known to hold.
        let isCertain: Bool
    }

    private struct Chain {
        let family: String
        let table: String
        let name: String
        let hook: String?
        let policy: String?
        var rules: [[JSONValue]] = []
    }

    private enum Verdict {
        /// The chain goes on with the next one, or its policy.
        case goesOn
        case accepted
        case blocked(chain: String)
        case returned
    }

    /// How deep chains call chains before we stop following; nftables itself allows 16.
    private static let deepest = 16

    private let chains: [String: Chain]
    private let bridge: String

    /// - Parameters:
    ///   - ruleset: what `nft -j list ruleset` prints.
    ///   - bridge: by which the packet comes to the host.
    init(_ ruleset: JSONValue, bridge: String) {
        var chains: [String: Chain] = [:]
        guard case .array(let items)? = ruleset["nftables"] else {
            (self.chains, self.bridge) = ([:], bridge)
            return
        }
        for item in items {
            if let chain = item["chain"] {
                let (family, table, name) = (chain.text("family"), chain.text("table"), chain.text("name"))
                let hook = chain["hook"].map { _ in chain.text("hook") }
                chains[Self.key(family, table, name)] = Chain(
                    family: family, table: table, name: name, hook: hook,
                    policy: chain["policy"].map { _ in chain.text("policy") })
            } else if let rule = item["rule"], case .array(let expressions)? = rule["expr"] {
                chains[Self.key(rule.text("family"), rule.text("table"), rule.text("chain"))]?.rules.append(expressions)
            }
        }
        (self.chains, self.bridge) = (chains, bridge)
    }

    /// The base chains that stop the packet, of tables that are not ours.
    var blocks: [Block] {
        let hooks = ["prerouting", "input"]
        return chains.values
            .filter {
                $0.table != RuleSet.table && ["ip", "inet", "bridge"].contains($0.family) && hooks.contains($0.hook ?? "")
            }
            .sorted { ($0.table, $0.name) < ($1.table, $1.name) }
            .compactMap { chain in
                var isCertain = true
                switch follow(chain, &isCertain, depth: 0) {
                case .blocked(let name):
                    return Block(family: chain.family, table: chain.table, chain: name, isCertain: isCertain)
                case .goesOn, .returned:
                    guard chain.policy == "drop" else { return nil }
                    return Block(family: chain.family, table: chain.table, chain: chain.name, isCertain: isCertain)
                case .accepted: return nil
                }
            }
    }

    private static func key(_ family: String, _ table: String, _ name: String) -> String { "\(family)/\(table)/\(name)" }

    /// - Parameter isCertain: becomes false where something on the way is not known.
    private func follow(_ chain: Chain, _ isCertain: inout Bool, depth: Int) -> Verdict {
        guard depth < Self.deepest else { return .goesOn }
        for rule in chain.rules {
            switch verdict(of: rule, in: chain, &isCertain, depth) {
            case .goesOn: continue
            case let end: return end
            }
        }
        return .goesOn
    }

    private func verdict(of rule: [JSONValue], in chain: Chain, _ isCertain: inout Bool, _ depth: Int) -> Verdict {
        var isKnown = true
        for expression in rule {
            if let match = expression["match"] {
                switch holds(match) {
                case false?: return .goesOn
                case true?: break
                case nil: isKnown = false
                }
                continue
            }
            guard let verdict = end(expression, chain, isKnown, &isCertain, depth) else { continue }
            return verdict
        }
        return .goesOn
    }

    /// What a statement decides; `nil` where it decides nothing.
    private func end(
        _ statement: JSONValue, _ chain: Chain, _ isKnown: Bool, _ isCertain: inout Bool, _ depth: Int
    ) -> Verdict? {
        guard case .object(let members) = statement, let word = members.first?.name else { return nil }
        switch word {
        case "accept":
            if isKnown { return .accepted }
            // It may be let through here: what stops it later is no longer certain.
            isCertain = false
            return nil
        case "drop", "reject":
            if !isKnown { isCertain = false }
            return .blocked(chain: chain.name)
        case "return": return isKnown ? .returned : nil
        case "jump", "goto":
            guard let target = chains[Self.key(chain.family, chain.table, statement[word]?.text("target") ?? "")] else {
                return nil
            }
            var inner = isCertain && isKnown
            switch follow(target, &inner, depth: depth + 1) {
            case .accepted where isKnown && inner == isCertain: return .accepted
            case .accepted:
                isCertain = false
                return nil
            case .blocked(let name):
                isCertain = inner
                return .blocked(chain: name)
            case .goesOn, .returned:
                isCertain = isCertain && (inner || !isKnown)
                return word == "goto" && isKnown ? .returned : nil
            }
        case "counter", "log", "comment", "limit", "meta", "ct", "mangle", "notrack": return nil
        default:
            isCertain = false
            return nil
        }
    }

    // MARK: Conditions

    /// Whether a condition holds of the packet; `nil` where that is not known here.
    private func holds(_ match: JSONValue) -> Bool? {
        guard let left = match["left"], let right = match["right"], let fact = fact(left) else { return nil }
        let isAmong: Bool? =
            switch right {
            case .object where right["set"] != nil: among(right["set"], fact)
            default: Self.equals(right, fact)
            }
        guard let isAmong else { return nil }
        switch match.text("op") {
        case "==", "in": return isAmong
        case "!=": return !isAmong
        default: return nil
        }
    }

    private func among(_ set: JSONValue?, _ fact: [String]) -> Bool? {
        guard case .array(let elements)? = set else { return nil }
        let answers = elements.map { Self.equals($0, fact) }
        if answers.contains(true) { return true }
        return answers.contains(nil) ? nil : false
    }

    private static func equals(_ value: JSONValue, _ fact: [String]) -> Bool? {
        switch value {
        case .string(let text) where text.hasPrefix("@"): return nil
        case .string(let text) where text.hasSuffix("*"): return fact.contains { $0.hasPrefix(text.dropLast()) }
        case .string(let text): return fact.contains(text)
        case .integer(let number): return fact.contains("\(number)")
        case .object:
            if case .array(let ends)? = value["range"], ends.count == 2, case .integer(let low) = ends[0],
                case .integer(let high) = ends[1]
            {
                return fact.contains { Int64($0).map { low <= $0 && $0 <= high } ?? false }
            }
            if let prefix = value["prefix"], let range = AddressRange("\(prefix.text("addr"))/\(prefix.text("len"))") {
                return fact.contains { IPAddress($0).map(range.contains) ?? false }
            }
            return nil
        case .array(let list):
            let answers = list.map { equals($0, fact) }
            return answers.contains(true) ? true : answers.contains(nil) ? nil : false
        case .null, .bool, .real: return nil
        }
    }

    /// The ways to write what the packet has; `nil` for what is not known.
    private func fact(_ left: JSONValue) -> [String]? {
        if let meta = left["meta"] {
            switch meta.text("key") {
            case "iifname", "iif", "ibrname": return [bridge]
            case "l4proto": return ["tcp", "6"]
            case "nfproto": return ["ipv4", "2"]
            case "protocol": return ["ip", "2048"]
            case "pkttype": return ["host", "unicast"]
            default: return nil
            }
        }
        if let payload = left["payload"] {
            switch (payload.text("protocol"), payload.text("field")) {
            case ("tcp", "dport"), ("th", "dport"): return ["80", "http"]
            case ("ip", "daddr"): return ["\(MetadataAddress.v4)"]
            case ("ip", "protocol"): return ["tcp", "6"]
            case ("udp", _), ("icmp", _), ("icmpv6", _), ("ip6", _): return []
            default: return nil
            }
        }
        if let ct = left["ct"], ct.text("key") == "state" { return ["new"] }
        return nil
    }
}

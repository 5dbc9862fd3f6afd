import Common
import Interception
import JSON

/// Finds the host's nftables rules that drop a guest's packets to a listening socket.
///
/// A drop is certain only where ``FirewallPacket`` decides every rule on the way to it. Where it cannot decide one, such as a
/// rule with a named set, a mark, a rate or a match of iptables, the chain *may* drop the packet.
struct FirewallTrace {
    /// A base chain that drops the packet, itself or through a chain that it calls.
    struct Block: Equatable {
        let family: String
        let table: String
        let chain: String
        /// Whether the packet is certainly dropped.
        let isCertain: Bool
    }

    private struct Chain {
        let family: String
        let table: String
        let name: String
        let type: String
        let hook: String?
        let priority: Int64?
        let policy: String
        var rules: [[JSONValue]] = []
    }

    /// The possible states of a packet after some rules; several where a condition is undecided.
    private struct Outcome {
        /// The chains that may have dropped it.
        var drops: [String] = []
        var isAccepted = false
        /// It is back in the calling chain, or at the policy.
        var isReturned = false
        /// It is before the next rule.
        var goesOn = false

        static let goesOn = Outcome(goesOn: true)
        /// The packet's fate is unknown.
        static func unknown(in chain: String) -> Outcome {
            Outcome(drops: [chain], isAccepted: true, isReturned: true, goesOn: true)
        }

        mutating func add(_ other: Outcome) {
            drops += other.drops.filter { !drops.contains($0) }
            isAccepted = isAccepted || other.isAccepted
            isReturned = isReturned || other.isReturned
        }
    }

    /// One traversal of a base chain: the packet as it is there, and the chains that are decided already, which many rules may
    /// call.
    private struct Walk {
        let packet: FirewallPacket
        var outcomes: [String: Outcome] = [:]
    }

    /// nftables refuses deeper calls (NFT_JUMP_STACK_SIZE).
    private static let deepest = 16
    /// The priority of the server's rules that leave the packet untracked.
    private static let ownPriority = -310
    private static let families = ["ip", "inet", "bridge"]
    private static let hooks = ["prerouting", "input"]

    private var chains: [String: Chain] = [:]
    private var maps: [String: [JSONValue]] = [:]
    /// Tables whose chains see no packet.
    private var dormant: Set<String> = []
    /// Tables for which that is unknown: nft 1.0.6 prints the wrong name for their flags.
    private var flagged: Set<String> = []
    private var isRewritten = false
    /// The bridges that the server's own rules are about.
    private(set) var servedBridges: Set<String> = []
    private var bridge: String
    private let ports: ClosedRange<UInt16>

    /// - Parameters:
    ///   - ruleset: the output of `nft -j list ruleset`.
    ///   - bridge: the bridge by which the packet enters the host.
    ///   - ports: the TCP ports of the listening sockets, to one of which the server's rules have redirected it by then.
    init(_ ruleset: JSONValue, bridge: String, ports: ClosedRange<UInt16>) {
        (self.bridge, self.ports) = (bridge, ports)
        guard case .array(let items)? = ruleset["nftables"] else { return }
        for item in items { read(item) }
    }

    /// The same rules, for packets from another bridge.
    func from(_ bridge: String) -> FirewallTrace {
        var trace = self
        trace.bridge = bridge
        return trace
    }

    private mutating func read(_ item: JSONValue) {
        if let table = item["table"], let flags = table["flags"] {
            let key = Self.key(table.text("family"), table.text("name"))
            let names: [JSONValue] = if case .array(let list) = flags { list } else { [flags] }
            if names.contains(.string("dormant")) { dormant.insert(key) } else { flagged.insert(key) }
        } else if let chain = item["chain"] {
            let (family, table, name) = (chain.text("family"), chain.text("table"), chain.text("name"))
            let priority: Int64? = if case .integer(let number)? = chain["prio"] { number } else { nil }
            chains[Self.key(family, table, name)] = Chain(
                family: family, table: table, name: name, type: chain.text("type"),
                hook: chain["hook"].map { _ in chain.text("hook") }, priority: priority, policy: chain.text("policy"))
        } else if let set = item["set"], set.text("table") == RuleTable.name, set.text("name") == RuleTable.bridges,
            case .array(let elements)? = set["elem"]
        {
            for case .string(let name) in elements { servedBridges.insert(name) }
        } else if let map = item["map"], case .array(let elements)? = map["elem"] {
            maps[Self.key(map.text("family"), map.text("table"), "@" + map.text("name"))] = elements
        } else if let rule = item["rule"], case .array(let statements)? = rule["expr"], rule.text("table") != RuleTable.name {
            chains[Self.key(rule.text("family"), rule.text("table"), rule.text("chain"))]?.rules.append(statements)
            isRewritten = isRewritten || statements.contains(where: FirewallPacket.isRewritten)
        }
    }

    private static func key(_ parts: String...) -> String { parts.joined(separator: "/") }

    /// The base chains of other tables than the server's that drop the packet.
    ///
    /// NAT chains see only the first packet of a tracked connection, and packets to the server's sockets are not tracked.
    var blocks: [Block] {
        chains.values
            .filter { chain in
                chain.table != RuleTable.name && chain.type != "nat" && Self.families.contains(chain.family)
                    && Self.hooks.contains(chain.hook ?? "") && !dormant.contains(Self.key(chain.family, chain.table))
            }
            .sorted { ($0.table, $0.name) < ($1.table, $1.name) }
            .compactMap(block)
    }

    private func block(by chain: Chain) -> Block? {
        let isBridged = chain.family == "bridge"
        let isAfterOwnRules = chain.hook == "input" || chain.priority.map { $0 > Self.ownPriority } == true
        var walk = Walk(
            packet: FirewallPacket(
                bridge: bridge, ports: ports, isBridged: isBridged, isUntracked: !isBridged && isAfterOwnRules,
                isRewritten: isRewritten))
        var outcome = follow(chain, &walk, depth: 0)
        if outcome.isReturned {
            outcome.add(chain.policy == "drop" ? Outcome(drops: [chain.name]) : Outcome(isAccepted: true))
        }
        guard let first = outcome.drops.first else { return nil }
        let isCertain = !outcome.isAccepted && !flagged.contains(Self.key(chain.family, chain.table))
        // Certainly dropped, but by one of several chains: reported for the base chain, which calls them all.
        let name = isCertain && outcome.drops.count > 1 ? chain.name : first
        return Block(family: chain.family, table: chain.table, chain: name, isCertain: isCertain)
    }

    // MARK: Chains and rules

    private func follow(_ chain: Chain, _ walk: inout Walk, depth: Int) -> Outcome {
        let key = Self.key(chain.family, chain.table, chain.name)
        if let known = walk.outcomes[key] { return known }
        guard depth <= Self.deepest else { return .unknown(in: chain.name) }
        var outcome = Outcome()
        for rule in chain.rules {
            let step = self.outcome(of: rule, in: chain, &walk, depth)
            outcome.add(step)
            guard step.goesOn else {
                walk.outcomes[key] = outcome
                return outcome
            }
        }
        outcome.isReturned = true
        walk.outcomes[key] = outcome
        return outcome
    }

    private func outcome(of rule: [JSONValue], in chain: Chain, _ walk: inout Walk, _ depth: Int) -> Outcome {
        var (isKnown, isUnderstood) = (true, true)
        for statement in rule {
            guard case .object(let members) = statement, let (name, value) = members.first.map({ ($0.name, $0.value) }) else {
                return .unknown(in: chain.name)
            }
            switch Self.condition(name, value, walk.packet) {
            case .holds?: continue
            case .fails?: return .goesOn
            case .unknown?: isKnown = false
            case nil:
                if var outcome = verdict(name, value, in: chain, &walk, depth) {
                    outcome.goesOn = outcome.goesOn || !isKnown
                    return outcome
                }
                (isKnown, isUnderstood) = (false, false)
            }
        }
        return isUnderstood ? .goesOn : .unknown(in: chain.name)
    }

    private enum Condition {
        case holds, fails, unknown
    }

    /// Whether the packet passes a statement to the next one of its rule; `nil` where the statement is not a condition, or is
    /// not known here.
    private static func condition(_ name: String, _ value: JSONValue, _ packet: FirewallPacket) -> Condition? {
        switch name {
        case "match": packet.holds(value).map { $0 ? .holds : .fails } ?? .unknown
        case "counter", "log", "mangle", "notrack", "last", "dup", "secmark", "ct helper", "ct timeout", "ct expectation": .holds
        case "limit", "quota", "ct count", "set", "map", "meter", "flow": .unknown
        case "xt" where value.text("type") == "match": .unknown
        case "xt" where value.text("type") == "target" && neutralTargets.contains(value.text("name")): .holds
        default: nil
        }
    }

    /// Targets of iptables after which a packet goes on.
    private static let neutralTargets: Set = [
        "LOG", "NFLOG", "MARK", "CONNMARK", "CHECKSUM", "CLASSIFY", "TRACE", "CT", "NOTRACK", "DSCP", "TOS", "TTL", "TCPMSS",
    ]

    /// The effect of a verdict on a packet that reaches it; `nil` where the name is not a verdict.
    private func verdict(
        _ name: String, _ value: JSONValue, in chain: Chain, _ walk: inout Walk, _ depth: Int
    ) -> Outcome? {
        switch name {
        case "accept": return Outcome(isAccepted: true)
        case "xt" where value.text("type") == "target" && ["DROP", "REJECT"].contains(value.text("name")), "drop", "reject":
            return Outcome(drops: [chain.name])
        case "return": return Outcome(isReturned: true)
        case "continue": return .goesOn
        case "vmap": return outcome(ofMap: value, in: chain, &walk, depth)
        case "jump", "goto":
            guard let target = chains[Self.key(chain.family, chain.table, value.text("target"))] else {
                return .unknown(in: chain.name)
            }
            var outcome = follow(target, &walk, depth: depth + 1)
            if name == "jump" { (outcome.goesOn, outcome.isReturned) = (outcome.isReturned, false) }
            return outcome
        default: return nil
        }
    }

    /// The effect of a verdict map on a packet. At most one of its elements matches it; a star matches all others.
    private func outcome(ofMap map: JSONValue, in chain: Chain, _ walk: inout Walk, _ depth: Int) -> Outcome {
        guard let key = map["key"], let (elements, isNamed) = elements(of: map["data"], chain) else {
            return .unknown(in: chain.name)
        }
        let isRest = { (element: JSONValue) in if case .array(let pair) = element { pair.first == .string("*") } else { false } }
        var outcome = Outcome()
        for element in elements.filter({ !isRest($0) }) + elements.filter(isRest) {
            guard case .array(let pair) = element, pair.count == 2, case .object(let verdict) = pair[1],
                let member = verdict.first
            else { return .unknown(in: chain.name) }
            // A program may change a named map at any time.
            let answer = isNamed ? nil : isRest(element) ? true : walk.packet.holds(pair[0], forKey: key)
            if answer == false { continue }
            guard let step = self.verdict(member.name, member.value, in: chain, &walk, depth) else {
                return .unknown(in: chain.name)
            }
            outcome.add(step)
            outcome.goesOn = outcome.goesOn || step.goesOn
            if answer == true { return outcome }
        }
        outcome.goesOn = true
        return outcome
    }

    private func elements(of data: JSONValue?, _ chain: Chain) -> (elements: [JSONValue], isNamed: Bool)? {
        switch data {
        case .string(let name)?: return (maps[Self.key(chain.family, chain.table, name)] ?? [], true)
        case .object?:
            guard case .array(let elements)? = data?["set"] else { return nil }
            return (elements, false)
        default: return nil
        }
    }
}

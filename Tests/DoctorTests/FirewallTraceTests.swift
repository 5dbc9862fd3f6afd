import Common
import Foundation
import JSON
import TestSupport
import Testing

@testable import Doctor

/// nft's output for an operator's rules, without a host.
struct FirewallRulesetTests {
    private static func shown(_ trace: FirewallTrace) -> [String] {
        trace.blocks.map { "\($0.table) \($0.chain)\($0.isCertain ? "" : "?")" }
    }

    private static func blocks(_ file: String, bridge: String, port: UInt16) throws -> [String] {
        let bytes = try Data(contentsOf: URL(filePath: Program.fixtures).appending(path: "firewall/\(file).json"))
        return shown(FirewallTrace(try JSONParsing.value(of: Array(bytes)), bridge: bridge, ports: port...port))
    }

    @Test(
        arguments: [
            // firewalld, with the bridge in a zone of libvirt's and in none.
            ("firewalld", "br0", 49200, []), ("firewalld", "virbr0", 49200, []),
            ("firewalld", "br1", 49200, ["firewalld filter_INPUT"]),
            ("firewalld", "br1", 22, []),
            // iptables-nft: matches of iptables are not followed, its targets are known.
            ("iptables", "br0", 49200, ["filter INPUT?"]), ("iptables", "lo", 49200, []),
            // A host with a named set, a named map of verdicts and a policy.
            ("server", "br0", 49200, ["filter input?"]), ("server", "br1", 49200, ["filter input?"]),
            ("server", "lo", 49200, []),
        ] as [(String, String, UInt16, [String])])
    func `a whole ruleset is followed`(file: String, bridge: String, port: UInt16, expected: [String]) throws {
        #expect(try Self.blocks(file, bridge: bridge, port: port) == expected)
    }

    /// A base chain with rules, each a list of statements as nft prints them, and further objects of the ruleset.
    private static func blocks(
        _ rules: [String], policy: String = "accept", chain: String = #""hook": "input", "prio": 0"#, family: String = "inet",
        table: String = "", ports: ClosedRange<UInt16> = 80...80, more: [String] = []
    ) throws -> [String] {
        let head = #"{"table": {"family": "\#(family)", "name": "t"\#(table)}}"#
        let base =
            #"{"chain": {"family": "\#(family)", "table": "t", "name": "c", "type": "filter", \#(chain), "policy": "\#(policy)"}}"#
        let items = [head, base] + more + rules.map { rule("c", $0, family) }
        return shown(
            FirewallTrace(
                try JSONParsing.value(of: #"{"nftables": [\#(items.joined(separator: ","))]}"#), bridge: "br0", ports: ports))
    }

    private static func rule(_ chain: String, _ statements: String, _ family: String = "inet") -> String {
        #"{"rule": {"family": "\#(family)", "table": "t", "chain": "\#(chain)", "expr": [\#(statements)]}}"#
    }

    private static func called(_ name: String, _ rules: String...) -> [String] {
        [#"{"chain": {"family": "inet", "table": "t", "name": "\#(name)"}}"#] + rules.map { rule(name, $0) }
    }

    private static func match(_ op: String, _ left: String, _ right: String) -> String {
        #"{"match": {"op": "\#(op)", "left": \#(left), "right": \#(right)}}"#
    }

    private static let drop = #"{"drop": null}"#
    private static let accept = #"{"accept": null}"#
    private static let dport = #"{"payload": {"protocol": "tcp", "field": "dport"}}"#
    private static let daddr = #"{"payload": {"protocol": "ip", "field": "daddr"}}"#
    private static let iifname = #"{"meta": {"key": "iifname"}}"#
    private static let state = #"{"ct": {"key": "state"}}"#

    @Test(
        arguments: [
            (match("==", dport, "80"), true), (match("==", dport, "81"), false), (match("!=", dport, "80"), false),
            (match("!=", dport, "81"), true), (match("==", dport, #"{"range": [79, 80]}"#), true),
            (match("!=", dport, #"{"range": [79, 80]}"#), false), (match("==", dport, #"{"range": [81, 90]}"#), false),
            (match("==", dport, #"{"set": [22, {"range": [80, 90]}]}"#), true),
            (match("==", dport, #"{"set": [{"elem": {"val": 80, "counter": {"packets": 0, "bytes": 0}}}]}"#), true),
            (match("!=", dport, #"{"set": [80, {"range": [90, 100]}]}"#), false),
            (match("<", dport, "81"), true), (match("<", dport, "80"), false), (match(">=", dport, "80"), true),
            (match(">", dport, "80"), false),
            (match("<=", dport, "79"), false), (match("==", dport, #""@ports""#), nil), (match("!=", dport, #""@ports""#), nil),
            (match("==", dport, #"{"set": [22, "@ports"]}"#), nil), (match("==", dport, #"{"set": [80, "@ports"]}"#), true),
            (match("==", dport, #""http""#), nil), (match("==", dport, #"{"range": ["a", "b"]}"#), nil),
            (match("==", daddr, #""169.254.169.254""#), true), (match("!=", daddr, #""169.254.169.254""#), false),
            (match("!=", daddr, #"{"prefix": {"addr": "10.0.0.0", "len": 8}}"#), true),
            (match("==", daddr, #"{"prefix": {"addr": "169.254.0.0", "len": 16}}"#), true),
            (match("==", daddr, #"{"range": ["169.254.0.0", "169.254.255.255"]}"#), true),
            (match("==", daddr, #"{"range": ["10.0.0.1", "10.0.0.9"]}"#), false), (match("==", daddr, #""@nets""#), nil),
            (match("==", iifname, #""br0""#), true), (match("!=", iifname, #""br0""#), false),
            (match("==", iifname, #""br*""#), true),
            (match("==", iifname, #""vir*""#), false), (match("==", iifname, #""br\\*""#), nil),
            (match("==", iifname, #""@ifs""#), nil),
            (match("==", #"{"meta": {"key": "iif"}}"#, "5"), nil), (match("==", #"{"meta": {"key": "iif"}}"#, #""br0""#), true),
            (match("==", #"{"meta": {"key": "l4proto"}}"#, #"{"set": ["tcp", "udp"]}"#), true),
            (match("==", #"{"meta": {"key": "nfproto"}}"#, #""ipv6""#), false),
            (match("==", #"{"meta": {"key": "protocol"}}"#, #""ip6""#), false),
            (match("!=", #"{"meta": {"key": "pkttype"}}"#, #""host""#), false),
            (match("==", #"{"meta": {"key": "mark"}}"#, "1"), nil), (match("==", #"{"meta": {"key": "skuid"}}"#, "0"), nil),
            (match("in", state, #"["established", "related"]"#), false), (match("in", state, #""untracked""#), true),
            (match("!=", state, #"{"|": ["established", "related"]}"#), nil), (match("!=", state, #""new""#), true),
            // nftables ends a rule that matches more of an untracked connection.
            (match("!=", #"{"ct": {"key": "mark"}}"#, "1"), false),
            (match("in", #"{"ct": {"key": "status"}}"#, #""dnat""#), false),
            // Any match of another protocol is about other packets.
            (match("!=", #"{"payload": {"protocol": "udp", "field": "dport"}}"#, "53"), false),
            (match("!=", #"{"payload": {"protocol": "ip6", "field": "daddr"}}"#, #""::1""#), false),
            (match("==", #"{"payload": {"protocol": "ip", "field": "saddr"}}"#, #""10.0.0.1""#), nil),
            (match("==", #"{"payload": {"base": "th", "offset": 16, "len": 16}}"#, "80"), nil),
            (match("==", #"{"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, ["fin", "syn"]]}"#, #""syn""#), nil),
            (match("==", #"{"fib": {"result": "type", "flags": ["daddr"]}}"#, #""local""#), nil),
            (match("==", #"{"concat": [\#(iifname), \#(dport)]}"#, #"{"concat": ["br0", 80]}"#), nil),
            (match("~", dport, "80"), nil), (match("==", #"{"something": "new"}"#, "1"), nil),
            (#"{"limit": {"rate": 5, "burst": 5, "per": "second"}}"#, nil),
            (#"{"quota": {"val": 10, "val_unit": "mbytes"}}"#, nil),
            (#"{"ct count": {"val": 20, "inv": true}}"#, nil), (#"{"set": {"op": "add", "elem": 1, "set": "@s"}}"#, nil),
            (#"{"meter": {"key": 1, "stmt": {"limit": {"rate": 5, "per": "second"}}, "name": "f"}}"#, nil),
            (#"{"xt": {"type": "match", "name": "conntrack"}}"#, nil), (#"{"xt": null}"#, nil), (#"{"something new": {}}"#, nil),
            (#"{"counter": {"packets": 0, "bytes": 0}}"#, true), (#"{"counter": "named"}"#, true),
            (#"{"log": {"prefix": "x"}}"#, true),
            (#"{"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}"#, true), (#"{"notrack": null}"#, true),
            (#"{"xt": {"type": "target", "name": "LOG"}}"#, true),
        ] as [(String, Bool?)])
    func `a drop is certain where the condition before it is decided, and otherwise possible`(condition: String, holds: Bool?)
        throws
    {
        let expected: [String] = if let holds { holds ? ["t c"] : [] } else { ["t c?"] }
        #expect(try Self.blocks(["\(condition), \(Self.drop)"]) == expected)
        #expect(
            try Self.blocks(["\(condition), \(Self.accept)"], policy: "drop")
                == (holds == true ? [] : holds == false ? ["t c"] : ["t c?"]))
    }

    @Test func `a condition that some of the ports meet is not decided`() throws {
        let accepts = { (op: String, right: String) in ["\(Self.match(op, Self.dport, right)), \(Self.accept)"] }
        for (rule, expected) in [
            (accepts("==", #"{"range": [61000, 65535]}"#), []), (accepts("==", #"{"range": [61000, 65534]}"#), ["t c?"]),
            (accepts("==", "61000"), ["t c?"]), (accepts("==", #"{"set": [22, {"range": [60000, 61000]}]}"#), ["t c?"]),
            (accepts("==", #"{"range": [1, 60999]}"#), ["t c"]), (accepts(">", "60999"), []), (accepts(">", "61000"), ["t c?"]),
            (accepts("<", "61001"), ["t c?"]), (accepts("<=", "60999"), ["t c"]), (accepts("!=", "80"), []),
            (accepts("!=", "62000"), ["t c?"]),
        ] {
            #expect(try Self.blocks(rule, policy: "drop", ports: 61000...65535) == expected, "\(rule)")
        }
    }

    @Test func `an unknown statement may drop the packet`() throws {
        for statement in [#"{"queue": {"num": 1}}"#, #"{"xt": null}"#, #"{"tproxy": {"port": 1}}"#, #"{"something new": {}}"#] {
            #expect(try Self.blocks([statement]) == ["t c?"], "\(statement)")
            #expect(try Self.blocks([statement], policy: "drop") == ["t c?"], "\(statement)")
        }
        #expect(try Self.blocks([#"{"xt": {"type": "target", "name": "REJECT"}}"#]) == ["t c"])
        #expect(try Self.blocks(["\(Self.match("==", Self.dport, "81")), {\"queue\": null}"]) == [])
    }

    @Test func `verdict maps apply the packet's element`() throws {
        func map(_ key: String, _ elements: String) -> String { #"{"vmap": {"key": \#(key), "data": {"set": [\#(elements)]}}}"# }
        let drops = #"{"drop": null}"#
        let web = Self.called("web", Self.drop)
        #expect(try Self.blocks([map(Self.dport, "[22, {\"accept\": null}], [80, \(drops)]")]) == ["t c"])
        #expect(try Self.blocks([map(Self.dport, "[22, \(drops)]")]) == [])
        #expect(
            try Self.blocks([map(Self.dport, #"[{"range": [80, 90]}, {"jump": {"target": "web"}}]"#)], more: web) == ["t web"])
        #expect(try Self.blocks([map(Self.dport, #"["*", {"drop": null}], [80, {"accept": null}]"#)]) == [])
        #expect(try Self.blocks([map(Self.dport, #"[22, {"accept": null}], ["*", {"drop": null}]"#)]) == ["t c"])
        #expect(
            try Self.blocks([map(Self.state, #"["established", {"accept": null}], ["untracked", {"drop": null}]"#)]) == ["t c"])
        #expect(try Self.blocks([map(#"{"meta": {"key": "mark"}}"#, "[1, \(drops)]")]) == ["t c?"])
        #expect(
            try Self.blocks(
                [map(#"{"meta": {"key": "mark"}}"#, #"[1, {"jump": {"target": "none"}}], ["*", {"drop": null}]"#), Self.accept],
                more: Self.called("none")) == ["t c?"], "what came back is accepted")
        #expect(
            try Self.blocks([
                map(#"{"concat": [\#(Self.iifname), \#(Self.dport)]}"#, #"[{"concat": ["br0", 80]}, {"drop": null}]"#)
            ]) == ["t c?"])
        let named = #"{"vmap": {"key": \#(Self.dport), "data": "@m"}}"#
        let elements =
            #"{"map": {"family": "inet", "table": "t", "name": "m", "type": "inet_service", "map": "verdict", "elem": [[80, {"drop": null}]]}}"#
        #expect(try Self.blocks([named], more: [elements]) == ["t c?"], "a program may change it")
        #expect(try Self.blocks([named], policy: "drop") == ["t c"], "without elements")
    }

    @Test func `calls are followed with the known conditions`() throws {
        let jump = #"{"jump": {"target": "a"}}"#
        let mark = Self.match("==", #"{"meta": {"key": "mark"}}"#, "1")
        #expect(try Self.blocks([jump], more: Self.called("a", "\(mark), \(Self.accept)", Self.drop)) == ["t a?"])
        #expect(
            try Self.blocks(
                [jump, Self.accept], policy: "drop", more: Self.called("a", "\(mark), {\"return\": null}", Self.drop)) == ["t a?"]
        )
        #expect(try Self.blocks(["\(mark), \(jump)"], more: Self.called("a", Self.drop)) == ["t a?"])
        // One of two chains drops it: reported for the base chain, which calls both.
        #expect(try Self.blocks(["\(mark), \(jump)"], policy: "drop", more: Self.called("a", Self.drop)) == ["t c"])
        #expect(try Self.blocks([#"{"goto": {"target": "a"}}"#, Self.accept], policy: "drop", more: Self.called("a")) == ["t c"])
        #expect(
            try Self.blocks(["\(mark), {\"goto\": {\"target\": \"a\"}}", Self.accept], policy: "drop", more: Self.called("a"))
                == ["t c?"])
        #expect(try Self.blocks([#"{"jump": {"target": "gone"}}"#]) == ["t c?"])
        #expect(try Self.blocks([jump], more: Self.called("a", jump)) == ["t a?"], "nftables has no such circle")
    }

    @Test func `where the packet's fate is unknown, nothing is reported`() throws {
        let rule = "\(Self.match("==", Self.iifname, #""br0""#)), \(Self.drop)"
        #expect(try Self.blocks([rule], family: "bridge") == ["t c?"], "a frame comes by a port of the bridge")
        let untracked = "\(Self.match("in", Self.state, #""untracked""#)), \(Self.drop)"
        #expect(try Self.blocks([untracked], chain: #""hook": "prerouting", "prio": -300"#) == ["t c"])
        #expect(try Self.blocks([untracked], chain: #""hook": "prerouting", "prio": -400"#) == ["t c?"], "before our own rules")
        #expect(try Self.blocks([untracked], family: "bridge") == ["t c?"])
        let port = "\(Self.match("==", Self.dport, "80")), \(Self.drop)"
        let rewriting = #"{"mangle": {"key": \#(Self.dport), "value": 80}}"#
        #expect(try Self.blocks([rewriting, port]) == ["t c?"])
        let dscp = #"{"mangle": {"key": {"payload": {"protocol": "ip", "field": "dscp"}}, "value": "cs1"}}"#
        #expect(try Self.blocks([dscp, port]) == ["t c"])
        #expect(try Self.blocks([Self.drop], table: #", "flags": "dormant""#) == [])
        #expect(try Self.blocks([Self.drop], table: #", "flags": ["owner", "dormant"]"#) == [])
        #expect(
            try Self.blocks([Self.drop], table: #", "flags": "inet""#) == ["t c?"], "so says nft 1.0.6 of a table that is dormant"
        )
    }

    @Test func `many calls of the same chains are followed once`() throws {
        let jumps = { (name: Int) in Array(repeating: #"{"jump": {"target": "a\#(name)"}}"#, count: 20) }
        let chains = (1..<16).flatMap { number in
            [#"{"chain": {"family": "inet", "table": "t", "name": "a\#(number)"}}"#]
                + jumps(number + 1).map { Self.rule("a\(number)", $0) }
        }
        #expect(try Self.blocks(jumps(1), more: chains + Self.called("a16", Self.drop)) == ["t a16"])
    }
}

/// Rules that an operator may have, as nft prints them, in a separate network namespace.
@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces")) struct FirewallTraceTests {
    /// The chains that drop a packet that enters by br0, as `table chain`, with `?` where that is not certain.
    private static func blocks(_ rules: String) throws -> [String] {
        let host = try NetworkNamespace()
        try Command.succeed(["nft", "-f", "-"], in: host.name, input: rules)
        let text = try Command.succeed(["nft", "-j", "list", "ruleset"], in: host.name)
        return FirewallTrace(try JSONParsing.value(of: text), bridge: "br0", ports: 80...80).blocks.map {
            "\($0.table) \($0.chain)\($0.isCertain ? "" : "?")"
        }
    }

    private static func input(_ rules: String, policy: String = "accept", more: String = "") -> String {
        "table inet t {\n\(more)\nchain incoming { type filter hook input priority 0; policy \(policy); \(rules)\n}\n}\n"
    }

    @Test(
        arguments: [
            ("", [], "accept"), ("", ["t incoming"], "drop"),
            ("tcp dport 80 accept;", [], "drop"), ("tcp dport 22 accept;", ["t incoming"], "drop"),
            ("iifname \"br0\" accept;", [], "drop"), ("iifname \"br1\" accept;", ["t incoming"], "drop"),
            ("iifname \"br*\" tcp dport { 22, 80 } accept;", [], "drop"), ("tcp dport 1-1024 accept;", [], "drop"),
            ("iifname \"br0\" drop;", ["t incoming"], "accept"), ("iifname != \"lo\" reject;", ["t incoming"], "accept"),
            ("ip saddr 10.0.0.0/8 drop;", ["t incoming?"], "accept"),
            ("ip saddr 10.0.0.0/8 accept; drop;", ["t incoming?"], "accept"),
            ("ct state established,related accept; ct state invalid drop; drop;", ["t incoming"], "accept"),
            ("ct state { new, untracked } tcp dport 80 counter accept; drop;", [], "accept"),
            // Connections to the server's sockets are not tracked, so none is new.
            ("ct state new tcp dport 80 counter accept; drop;", ["t incoming"], "accept"),
            ("ip daddr 169.254.0.0/16 drop;", ["t incoming"], "accept"), ("ip daddr != 169.254.169.254 drop;", [], "accept"),
            ("udp dport 80 drop; meta l4proto udp drop; icmp type echo-request drop; ip6 daddr fe80::/10 drop;", [], "accept"),
            ("meta nfproto ipv6 drop; ip protocol tcp drop;", ["t incoming"], "accept"),
        ] as [(String, [String], String)]) func `a chain is followed`(rules: String, expected: [String], policy: String) throws
    {
        #expect(try Self.blocks(Self.input(rules, policy: policy)) == expected)
    }

    @Test func `called chains are followed, and their returns`() throws {
        let more = "chain web { tcp dport 80 accept; }\nchain strict { iifname \"br0\" drop; }\nchain none { return; }"
        #expect(try Self.blocks(Self.input("jump web; drop;", more: more)) == [])
        #expect(try Self.blocks(Self.input("jump strict;", more: more)) == ["t strict"])
        #expect(try Self.blocks(Self.input("iifname \"br1\" jump strict;", more: more)) == [])
        #expect(try Self.blocks(Self.input("ip saddr 10.0.0.1 jump strict;", more: more)) == ["t strict?"])
        #expect(try Self.blocks(Self.input("jump none; goto web;", policy: "drop", more: more)) == [])
        #expect(try Self.blocks(Self.input("goto none; accept;", policy: "drop", more: more)) == ["t incoming"])
    }

    @Test func `other hooks and families, and the server's own table, drop nothing here`() throws {
        #expect(
            try Self.blocks(
                """
                table inet a { chain out { type filter hook output priority 0; policy drop; }; }
                table ip6 b { chain incoming { type filter hook input priority 0; policy drop; }; }
                table inet virt_metadata { chain incoming { type filter hook input priority 0; policy drop; }; }
                table ip c { chain pre { type filter hook prerouting priority 0; policy drop; }; }
                """) == ["c pre"])
    }
}

import Common
import JSON
import TestSupport
import Testing

@testable import Server

/// Rules that an operator may have, read as nft prints them, in a network namespace of their own.
@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces")) struct FirewallTraceTests {
    /// What stops a packet that comes by br0, as `table chain`, with `?` where that is not certain.
    private static func blocks(_ rules: String) throws -> [String] {
        let host = try NetworkNamespace()
        try Command.succeed(["nft", "-f", "-"], in: host.name, input: rules)
        let text = try Command.succeed(["nft", "-j", "list", "ruleset"], in: host.name)
        return FirewallTrace(try JSONParsing.value(of: text), bridge: "br0").blocks.map {
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
            ("ct state new tcp dport 80 counter accept; drop;", [], "accept"),
            ("ip daddr 169.254.0.0/16 drop;", ["t incoming"], "accept"), ("ip daddr != 169.254.169.254 drop;", [], "accept"),
            ("udp dport 80 drop; meta l4proto udp drop; icmp type echo-request drop; ip6 daddr fe80::/10 drop;", [], "accept"),
            ("meta nfproto ipv6 drop; ip protocol tcp drop;", ["t incoming"], "accept"),
        ] as [(String, [String], String)]) func `a chain is followed`(rules: String, expected: [String], policy: String) throws
    {
        #expect(try Self.blocks(Self.input(rules, policy: policy)) == expected)
    }

    @Test func `chains that are called are followed, and where they return`() throws {
        let more = "chain web { tcp dport 80 accept; }\nchain strict { iifname \"br0\" drop; }\nchain none { return; }"
        #expect(try Self.blocks(Self.input("jump web; drop;", more: more)) == [])
        #expect(try Self.blocks(Self.input("jump strict;", more: more)) == ["t strict"])
        #expect(try Self.blocks(Self.input("iifname \"br1\" jump strict;", more: more)) == [])
        #expect(try Self.blocks(Self.input("ip saddr 10.0.0.1 jump strict;", more: more)) == ["t strict?"])
        #expect(try Self.blocks(Self.input("jump none; goto web;", policy: "drop", more: more)) == [])
        #expect(try Self.blocks(Self.input("goto none; accept;", policy: "drop", more: more)) == ["t incoming"])
    }

    @Test func `other hooks and families, and our own table, stop nothing here`() throws {
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

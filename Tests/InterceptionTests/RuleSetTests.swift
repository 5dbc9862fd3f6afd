import Common
import Foundation
import TestSupport
import Testing

@testable import Interception

/// The text of the commands for nft; the system tests and the siege test their effect.
struct RuleSetTests {
    private static let bridge = RuleSet.BridgeFacts(
        index: 7, name: "br0", mac: MACAddress(bits: 0x0200_0000_00FE), linkLocal: IPAddress("fe80::fe"),
        answered: [AnsweredAddress(metadata: MetadataAddress.v4, host: MetadataAddress.v4)], connectionsPerSecond: 100,
        isEnding: false, ports: 61000...65535)
    private let mac = MACAddress(bits: 0x5254_0000_0001)

    private func port(_ name: String, _ index: Int32, listeningOn first: UInt16) -> RuleSet.GuestPort {
        RuleSet.GuestPort(
            name: name, index: index, linkMAC: MACAddress(bits: 0xFE54_0000_0001), macs: [mac],
            listeners: [.init(mac: mac, port: first), .init(mac: nil, port: first + 1)])
    }

    private var rules: RuleSet {
        var rules = RuleSet()
        rules.closeHost(["br0"], unserved: [], guarded: ["br0"], ports: 61000...65535)
        rules.serve(Self.bridge, isGuarded: true)
        rules.guardBridge(Self.bridge, cards: [mac], links: [], hasRouters: false, hasSpanningTree: true)
        rules.serve(port("tap1", 11, listeningOn: 61000), of: Self.bridge, isGuarded: true)
        return rules
    }

    @Test func `unchanged rules give no commands`() {
        #expect(rules.changes(from: rules) == nil)
    }

    @Test func `an added or removed port changes only its own chains`() throws {
        var more = rules
        more.serve(port("tap2", 12, listeningOn: 61002), of: Self.bridge, isGuarded: true)
        let coming = try #require(more.changes(from: rules))
        #expect(
            coming.contains(
                "add chain netdev virt_metadata from_port_12 { type filter hook ingress device \"tap2\" priority -310;"))
        #expect(
            coming.contains(
                "add element netdev virt_metadata replies_7 { 61002 : goto reply_7_61002, 61003 : goto reply_7_61003 }"))
        #expect(!coming.contains("from_port_11") && !coming.contains("delete table"))
        let going = try #require(rules.changes(from: more))
        #expect(going.hasPrefix("delete element netdev virt_metadata link_macs_7 { 12 : fe:54:00:00:00:01 }\n"))
        #expect(going.contains("\ndelete element netdev virt_metadata replies_7 { 61002 : goto reply_7_61002"))
        #expect(going.contains("delete chain netdev virt_metadata from_port_12"))
        #expect(!going.contains("from_port_11") && !going.contains("delete table"))
    }

    @Test func `a renamed port recreates the whole table, because a chain keeps its device`() throws {
        var other = RuleSet()
        other.closeHost(["br0"], unserved: [], guarded: ["br0"], ports: 61000...65535)
        other.serve(Self.bridge, isGuarded: true)
        other.guardBridge(Self.bridge, cards: [mac], links: [], hasRouters: false, hasSpanningTree: true)
        other.serve(port("tap9", 11, listeningOn: 61000), of: Self.bridge, isGuarded: true)
        #expect(other.changes(from: rules) == other.script)
    }

    @Test func `a port without a socket is dropped, and an ending bridge accepts no connection`() {
        var rules = RuleSet()
        rules.serve(
            .init(name: "tap1", index: 11, linkMAC: MACAddress(bits: 0xFE54_0000_0001), macs: [], listeners: []), of: Self.bridge,
            isGuarded: false)
        #expect(rules.netdev.chains["http_11"]?.rules.last == "counter name not_served drop")
        #expect(rules.netdev.chains["http_11"]?.rules.contains { $0.contains("goto to_host_") } == false)
        let ending = RuleSet.BridgeFacts(
            index: 7, name: "br0", mac: mac, linkLocal: nil, answered: Self.bridge.answered, connectionsPerSecond: 100,
            isEnding: true,
            ports: 61000...65535)
        rules.serve(port("tap1", 11, listeningOn: 61000), of: ending, isGuarded: false)
        #expect(
            rules.netdev.chains["http_11"]?.rules.contains("@th,104,8 & 0x12 == 0x02 counter name not_served drop") == true)
    }

    @Test func `the connection rate is part of the rules`() {
        let limit = "@th,104,8 & 0x12 == 0x02 limit rate over 100/second burst 200 packets counter name rate_limited drop"
        #expect(rules.netdev.chains["http_11"]?.rules.contains(limit) == true)
    }

    @Test func `spanning tree messages are dropped only where the bridge takes part in the protocol`() {
        var without = rules
        without.guardBridge(Self.bridge, cards: [mac], links: [], hasRouters: false, hasSpanningTree: false)
        let dropped = "counter name bpdu drop"
        #expect(rules.script.contains(dropped) && !without.script.contains(dropped))
    }

    @Test func `the mark of guests' router advertisements is not one that a socket accepts`() {
        let text = PacketMarks(upperHalf: 0x7FFF).routerOfGuests
        #expect(text == "0xffff0000")
        let marks = PacketMarks(upperHalf: 0x1234)
        #expect(marks.routerOfGuests == "0x92340000" && marks.isMarked.hasSuffix("== 0x12340000"))
    }

    @Test func `a question of the host leaves by an isolated uplink in its own name, or not at all`() {
        func questions(from bridge: RuleSet.BridgeFacts) -> String? {
            var rules = RuleSet()
            rules.guardUplink("eth0", index: 2, of: bridge, hasRouters: true)
            rules.isolateUplink("eth0", index: 2, of: bridge)
            return rules.netdev.chains["uplink_out_discovery_7"]?.rules.last
        }
        #expect(questions(from: Self.bridge)?.hasSuffix("ip6 saddr set fe80::fe") == true)
        let without = RuleSet.BridgeFacts(
            index: 7, name: "br0", mac: mac, linkLocal: nil, answered: [], connectionsPerSecond: nil, isEnding: false,
            ports: 61000...65535)
        #expect(questions(from: without)?.hasSuffix("drop") == true)
    }

    @Test(arguments: ["a*", "a\"b", "a\\b", "a b", "é", "a\nb", ""])
    func `a name that nft would misread cannot be in a rule`(name: String) {
        #expect(!LinkName.isQuotable(name))
        var rules = RuleSet()
        rules.closeHost([name], unserved: [name], guarded: [name], ports: 61000...65535)
        #expect(rules.inet.sets["bridges"]?.elements.isEmpty == true)
    }
}

/// nft accepts the rules, and the changes turn one rule set into the other.
@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root"))
struct RuleTransitionTests {
    private let host: NetworkNamespace

    init() throws {
        host = try NetworkNamespace()
        for bridge in ["br0", "br1"] { try host.addBridge(bridge) }
        for port in ["tap1", "tap2", "tap3", "up0"] {
            try host.run("ip", "link", "add", port, "type", "veth", "peer", "name", "far-\(port)")
        }
    }

    private func index(_ link: String) throws -> Int32 {
        let text = try host.run("cat", "/sys/class/net/\(link)/ifindex").trimmingCharacters(in: .whitespacesAndNewlines)
        return try #require(Int32(text))
    }

    /// Rules of two bridges, one of them redirected, with these ports on the first.
    private func rules(_ taps: [String: [UInt64]], uplink: Bool, guarded: Bool = true, rate: Int? = 100) throws -> RuleSet {
        var rules = RuleSet()
        rules.closeHost(["br0", "br1", "br9"], unserved: ["br9"], guarded: ["br0", "br1", "br9"], ports: 61000...65535)
        for (number, name) in ["br0", "br1"].enumerated() {
            let v4 = number == 0 ? MetadataAddress.v4 : IPAddress(v4: 0xC000_0201)
            let v6 = number == 0 ? MetadataAddress.uniqueLocal : try #require(IPAddress("2001:db8::1"))
            let bridge = RuleSet.BridgeFacts(
                index: try index(name), name: name, mac: MACAddress(bits: 0x0200_0000_00FE),
                linkLocal: IPAddress("fe80::fe"),
                answered: [
                    .init(metadata: MetadataAddress.v4, host: v4), .init(metadata: MetadataAddress.uniqueLocal, host: v6),
                ], connectionsPerSecond: rate, isEnding: false, ports: 61000...65535)
            rules.serve(bridge, isGuarded: guarded)
            let macs = taps.values.flatMap { $0 }.map { MACAddress(bits: $0) }
            if guarded { rules.guardBridge(bridge, cards: Set(macs), links: [], hasRouters: false, hasSpanningTree: number == 0) }
            guard number == 0 || taps["tap3"] != nil else { continue }
            for (tap, bits) in taps where (tap == "tap3") == (number == 1) {
                let own = bits.map { MACAddress(bits: $0) }
                let first = UInt16(61000 + 10 * (Int(tap.suffix(1)) ?? 0))
                var listeners = own.enumerated().map { RuleSet.Listener(mac: $1, port: first + UInt16($0)) }
                listeners.append(.init(mac: nil, port: first + 9))
                rules.serve(
                    .init(
                        name: tap, index: try index(tap), linkMAC: MACAddress(bits: 0xFE54_0000_0001), macs: own,
                        listeners: listeners), of: bridge, isGuarded: guarded)
            }
            if uplink, number == 0 {
                rules.guardUplink("up0", index: try index("up0"), of: bridge, hasRouters: true)
                rules.isolateUplink("up0", index: try index("up0"), of: bridge)
            }
        }
        return rules
    }

    /// The kernel's tables after a script.
    private func apply(_ script: String) throws -> String {
        let result = try Command.run(["nft", "-f", "-"], in: host.name, input: script)
        try #require(result.status == 0, "\(result.stderr)\n\(script)")
        // The doctor reads them so, and nft ends by an assertion of its own over some rules that it has itself written.
        try host.run("nft", "-j", "list", "ruleset")
        // Chains stand in the order in which they were made, and elements of sets in the order of their hashes.
        let blocks = try host.run("nft", "-s", "list", "ruleset").components(separatedBy: "\t}\n")
        let words = blocks.map { $0.split { " ,\n\t{}".contains($0) }.sorted().joined(separator: " ") }
        return words.sorted().joined(separator: "\n")
    }

    @Test func `each transition gives the other rule set`() throws {
        let steps = [
            try rules([:], uplink: false),
            try rules(["tap1": [1]], uplink: false),
            try rules(["tap1": [1], "tap2": [2, 3], "tap3": [4]], uplink: true),
            try rules(["tap1": [1, 5], "tap2": [2], "tap3": [4]], uplink: true),
            try rules(["tap2": [2], "tap3": []], uplink: false),
            try rules(["tap2": [2], "tap3": []], uplink: false, guarded: false, rate: nil),
            try rules(["tap1": [1]], uplink: true),
            try rules([:], uplink: false),
        ]
        for (old, new) in zip(steps, steps.dropFirst()) {
            _ = try apply(old.script)
            let changes = try #require(new.changes(from: old))
            #expect(!changes.contains("delete table"), "a step of its own")
            let stepped = try apply(changes)
            #expect(try apply(new.script) == stepped)
        }
    }

    @Test func `a port that is gone does not block the others' rules`() throws {
        let (old, new) = (try rules(["tap1": [1], "tap2": [2]], uplink: false), try rules(["tap2": [2]], uplink: false))
        _ = try apply(old.script)
        try host.run("ip", "link", "delete", "tap1")
        let stepped = try apply(try #require(new.changes(from: old)))
        #expect(try apply(new.script) == stepped)
    }
}

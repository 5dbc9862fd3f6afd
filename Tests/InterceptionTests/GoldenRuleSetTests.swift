import Common
import Foundation
import TestSupport
import Testing

@testable import Interception

/// Whole rule sets, as `fixtures/nftables` has them: `make golden` rewrites them for review, and nft must accept them.
struct GoldenRuleSetTests {
    /// The inputs of one file's rules.
    struct Example: CustomTestStringConvertible {
        let name: String
        let inputs: RuleInputs
        var settings = InterceptionSettings()

        var testDescription: String { name }
        var script: String { RuleSet(on: inputs, settings, marks: PacketMarks(upperHalf: 0x1234)).script }
        var url: URL { Self.folder.appending(path: "\(name).nft") }

        static let folder = URL(filePath: #filePath).appending(path: "../../../fixtures/nftables").standardizedFileURL
    }

    /// A guest of one card, and a tap that is no domain's yet.
    private static let taps = [
        port(
            "tap1", 11, InterceptionExamples.instance(1, "web", .init(0x5254_0000_0001, tap: "tap1")), [0x5254_0000_0001, nil],
            61000),
        port("tap2", 12, nil, [nil], 61002),
    ]
    /// A guest of two cards that may be one bond, each of which may send as the other.
    private static let bond = ["tap1", "tap2"].enumerated().map { number, tap in
        port(
            tap, 11 + Int32(number),
            InterceptionExamples.instance(1, "bond", .init(0x5254_0000_0001, tap: "tap1"), .init(0x5254_0000_0002, tap: "tap2")),
            [0x5254_0000_0001, 0x5254_0000_0002, nil], 61000 + 3 * UInt16(number))
    }
    /// Two taps of a domain with more cards than a rule names.
    private static let manyCards = [11, 12].map { (index: Int32) in
        let cards = (1...6).map { InterceptionExamples.Card(0x5254_0000_0000 + UInt64($0), tap: "tap\($0)") }
        return port(
            "tap\(index - 10)", index, InterceptionExamples.instance(1, "cards", cards), [0x5254_0000_0001, nil],
            61000 + 2 * UInt16(index))
    }
    private static let unserved = [port("tap1", 11, nil, [], 0), port("tap2", 12, nil, [], 0)]
    private static let uplink = RuleInputs.Port(
        name: "eth0", index: 2, mac: MACAddress(bits: 0x0200_0000_0002), isTap: false, hasRouters: true, claimants: [],
        listeners: [])
    private static let own = MetadataAddress.all.map { AnsweredAddress(metadata: $0, host: $0) }
    private static let redirected = [
        AnsweredAddress(metadata: MetadataAddress.v4, host: IPAddress(v4: 0xC000_0201)),
        AnsweredAddress(metadata: MetadataAddress.linkLocal, host: address("fe80::1")),
        AnsweredAddress(metadata: MetadataAddress.uniqueLocal, host: address("2001:db8::1")),
    ]

    static let examples: [Example] = {
        var unguarded = InterceptionSettings()
        unguarded.guardsPorts = false
        return [
            Example(name: "address", inputs: inputs(bridge(own, taps, hasSpanningTree: true))),
            Example(name: "address-without-ipv6", inputs: inputs(bridge([own[0]], taps))),
            Example(name: "redirect", inputs: inputs(bridge(redirected, taps))),
            Example(name: "bond", inputs: inputs(bridge(own, bond))),
            Example(name: "many-cards", inputs: inputs(bridge(own, manyCards))),
            Example(name: "uplink", inputs: inputs(bridge(own, taps + [uplink], isolatesUplinks: true))),
            Example(name: "guard-off", inputs: inputs(bridge(own, taps + [uplink])), settings: unguarded),
            Example(name: "ending", inputs: inputs(bridge(own, taps), isEnding: true)),
            Example(
                name: "closed",
                inputs: RuleInputs(
                    closed: ["br0", "br1"], unserved: [.init(name: "br0", index: 7), .init(name: "br1", index: nil)],
                    bridges: [bridge([], unserved + [uplink])], isEnding: false)),
        ]
    }()

    @Test(arguments: examples) func `the rules are those of the file`(example: Example) throws {
        let expected = (try? String(contentsOf: example.url, encoding: .utf8)) ?? ""
        let script = example.script
        guard expected != script else { return }
        if ProcessInfo.processInfo.environment["GOLDEN"] == "write" {
            try FileManager.default.createDirectory(at: Example.folder, withIntermediateDirectories: true)
            return try Data(script.utf8).write(to: example.url)
        }
        let (old, new) = (expected.components(separatedBy: "\n"), script.components(separatedBy: "\n"))
        let changes = new.difference(from: old).map { change in
            switch change {
            case .insert(let line, let text, _): "+\(line + 1) \(text)"
            case .remove(let line, let text, _): "-\(line + 1) \(text)"
            }
        }
        Issue.record(
            "\(example.url.lastPathComponent) has other lines; `make golden` writes it anew\n\(changes.joined(separator: "\n"))")
    }

    @Test func `each file belongs to a rule set`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Example.folder.path)
        #expect(Set(files) == Set(Self.examples.map(\.url.lastPathComponent)))
    }

    @Test(.enabled(if: NetworkNamespace.isAvailable, "needs root"), arguments: examples)
    func `nft accepts the file, alone and as a replacement`(example: Example) throws {
        let host = try NetworkNamespace()
        try host.addBridge("br0")
        for port in ["tap1", "tap2", "eth0"] {
            try host.run("ip", "link", "add", port, "type", "veth", "peer", "name", "far-\(port)")
        }
        let path = example.url.path
        // Checked by nft and by the kernel, which does not keep them.
        let checked = try Command.run(["nft", "-c", "-f", path], in: host.name)
        #expect(checked.status == 0 && checked.stderr == "", "\(checked.stderr)")
        #expect(try host.run("nft", "list", "tables") == "")
        try host.run("nft", "-f", path)
        try host.run("nft", "-c", "-f", path)
    }

    // MARK: Inputs

    private static func port(
        _ name: String, _ index: Int32, _ domain: Instance?, _ macs: [UInt64?], _ first: UInt16
    ) -> RuleInputs.Port {
        let listeners = macs.enumerated().map { RuleSet.Listener(mac: $1.map { MACAddress(bits: $0) }, port: first + UInt16($0)) }
        return RuleInputs.Port(
            name: name, index: index, mac: MACAddress(bits: 0xFE54_0000_0000 + UInt64(index)), isTap: true,
            hasRouters: true, claimants: domain.map { [$0] } ?? [], listeners: listeners)
    }

    private static func bridge(
        _ answered: [AnsweredAddress], _ ports: [RuleInputs.Port], hasSpanningTree: Bool = false, isolatesUplinks: Bool = false
    ) -> RuleInputs.Bridge {
        RuleInputs.Bridge(
            name: "br0", index: 7, mac: InterceptionExamples.bridgeMAC, hasSpanningTree: hasSpanningTree,
            linkLocal: address("fe80::fe"), answered: answered, isolatesUplinks: isolatesUplinks, ports: ports)
    }

    private static func inputs(_ bridge: RuleInputs.Bridge, isEnding: Bool = false) -> RuleInputs {
        RuleInputs(closed: ["br0"], bridges: [bridge], isEnding: isEnding)
    }

    private static func address(_ text: String) -> IPAddress {
        guard let address = IPAddress(text) else { preconditionFailure("\(text) is an address") }
        return address
    }
}

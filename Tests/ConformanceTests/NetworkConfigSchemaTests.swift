import Common
import Foundation
import JSON
import Testing

@testable import Description

/// Compares the tables of network configurations with cloud-init's own schema, which is in its package.
@Suite(.enabled(if: NetworkDocuments.hasClient("cloud-init-newer"), "needs cloud-init: run Tests/clients/install-cloud-init.sh"))
struct NetworkConfigSchemaTests {
    private func definitions() throws -> JSONValue {
        let path = ".build/clients/cloud-init-newer/usr/lib/python3/dist-packages/cloudinit/config/schemas/"
        let file = Fixtures.package.appending(path: path + "schema-network-config-v2.json")
        return try #require(try JSONParsing.value(of: Fixtures.bytes(of: file))["$defs"])
    }

    /// The properties of a definition and their words, if it has a list of them.
    private func properties(_ definition: JSONValue?) -> [(name: String, schema: JSONValue)] {
        guard case .object(let members)? = definition?["properties"] else { return [] }
        return members.map { ($0.name, $0.value) }
    }

    private func expect(_ definition: JSONValue?, in keys: [NetworkConfigKey], _ path: String, atLeast count: Int) {
        let all = properties(definition)
        #expect(all.count >= count, "\(path)")
        for (name, schema) in all {
            guard let key = keys.first(where: { $0.name == name }) else {
                Issue.record("\(path)/\(name) is unknown")
                continue
            }
            if case .netplan = key.reader { Issue.record("\(path)/\(name) is not netplan's alone") }
            if case .array(let words)? = schema["enum"], case .word(let known) = key.form {
                let missing = words.filter { if case .string(let word) = $0 { !known.contains(word) } else { false } }
                #expect(missing == [], "\(path)/\(name)")
            }
        }
    }

    private func keys(of name: String, in keys: [NetworkConfigKey]) throws -> [NetworkConfigKey] {
        let key = try #require(keys.first { $0.name == name })
        switch key.form {
        case .mapping(let inner), .list(.mapping(let inner)): return inner
        default: return []
        }
    }

    @Test func `every key and word of cloud-init's schema is known`() throws {
        let all = try definitions()
        let kinds = [
            ("mapping_physical", NetworkConfigKey.ethernet), ("mapping_bond", NetworkConfigKey.bond),
            ("mapping_bridge", NetworkConfigKey.bridge), ("mapping_vlan", NetworkConfigKey.vlan),
        ]
        expect(all["network_config_version2"], in: NetworkConfigKey.all, "", atLeast: 6)
        for (name, keys) in kinds {
            expect(all["mapping"], in: keys, name, atLeast: 12)
            expect(all[name], in: keys, name, atLeast: 2)
        }
        expect(all["dhcp-overrides"], in: NetworkConfigKey.overrides, "overrides", atLeast: 9)
        let link = all["mapping"]?["properties"]
        expect(link?["routes"]?["items"], in: NetworkConfigKey.route, "routes", atLeast: 3)
        try expect(link?["nameservers"], in: keys(of: "nameservers", in: NetworkConfigKey.ethernet), "nameservers", atLeast: 2)
        for (name, kind) in kinds where ["mapping_bond", "mapping_bridge"].contains(name) {
            let parameters = all[name]?["properties"]?["parameters"]
            try expect(parameters, in: keys(of: "parameters", in: kind), "\(name)/parameters", atLeast: 6)
        }
        let match = all["mapping_physical"]?["properties"]?["match"]
        try expect(match, in: keys(of: "match", in: NetworkConfigKey.ethernet), "match", atLeast: 3)
    }

    // MARK: Faults

    private static let mac = MACAddress(bits: 0x5254_0000_0001)

    /// A valid configuration with a value of every form, and what may stand in its place.
    private static let base: JSONValue = .object([
        JSONMember("version", .integer(2)), JSONMember("renderer", .string("networkd")),
        JSONMember(
            "ethernets",
            .object([
                JSONMember(
                    "lan",
                    .object([
                        JSONMember("match", .object([JSONMember("macaddress", .string(mac.description))])),
                        JSONMember("set-name", .string("lan0")), JSONMember("wakeonlan", .bool(false)),
                        JSONMember("dhcp4", .bool(true)), JSONMember("dhcp6", .bool(false)), JSONMember("mtu", .integer(1500)),
                        JSONMember("optional", .bool(false)),
                        JSONMember(
                            "dhcp4-overrides",
                            .object([
                                JSONMember("use-dns", .bool(false)), JSONMember("route-metric", .integer(5)),
                                JSONMember("use-domains", .string("route")), JSONMember("hostname", .string("a")),
                            ])), JSONMember("addresses", .array([.string("192.0.2.1/24")])),
                        JSONMember(
                            "routes",
                            .array([
                                .object([
                                    JSONMember("to", .string("198.51.100.0/24")), JSONMember("via", .string("192.0.2.2")),
                                    JSONMember("metric", .integer(1)),
                                ])
                            ])),
                        JSONMember(
                            "nameservers",
                            .object([
                                JSONMember("addresses", .array([.string("192.0.2.3")])),
                                JSONMember("search", .array([.string("a.example")])),
                            ])),
                    ]))
            ])),
        JSONMember(
            "bonds",
            .object([
                JSONMember(
                    "bond0",
                    .object([
                        JSONMember("interfaces", .array([.string("lan")])),
                        JSONMember(
                            "parameters",
                            .object([
                                JSONMember("mode", .string("802.3ad")), JSONMember("mii-monitor-interval", .string("100")),
                                JSONMember("min-links", .integer(1)), JSONMember("up-delay", .integer(1)),
                                JSONMember("arp-ip-targets", .array([.string("192.0.2.4")])),
                            ])),
                    ]))
            ])),
        JSONMember(
            "vlans",
            .object([JSONMember("v5", .object([JSONMember("id", .integer(5)), JSONMember("link", .string("bond0"))]))])),
    ])

    private static let values: [JSONValue] = [
        .null, .bool(true), .integer(7), .real(1.5), .string("yes"), .string("7"), .string("text"), .array([]), .object([]),
        .array([.integer(1)]), .array([.string("x")]),
    ]

    /// Every value that differs from another one in a single place: replaced, or with one more member.
    private static func variants(of value: JSONValue) -> [JSONValue] {
        var all = values.filter { $0 != value }
        switch value {
        case .object(let members):
            for (index, member) in members.enumerated() {
                all += variants(of: member.value).map { variant in
                    var changed = members
                    changed[index] = JSONMember(member.name, variant)
                    return .object(changed)
                }
                var fewer = members
                fewer.remove(at: index)
                all.append(.object(fewer))
            }
            all.append(.object(members + [JSONMember("unknown-key", .integer(1))]))
        case .array(let items):
            for (index, item) in items.enumerated() {
                all += variants(of: item).map { variant in
                    var changed = items
                    changed[index] = variant
                    return .array(changed)
                }
            }
        case .null, .bool, .integer, .real, .string: break
        }
        return all
    }

    @Test func `what cloud-init's schema rejects is an error or a note here`() throws {
        let all = [Self.base] + Self.variants(of: Self.base)
        #expect(all.count > 400)
        let texts = all.map { JSONEncoding.text($0) }
        let lines = try NetworkDocuments.judged(by: "cloud_init_schema.py", texts, areTexts: true)
        #expect(lines.count == all.count)
        var (rejected, accepted) = (0, 0)
        for (value, line) in zip(all, lines) {
            let faults = try JSONDecoder().decode([String].self, from: Data(line.utf8))
            let document = NetworkConfigDocument(JSONEncoding.bytes(value), interfaces: [Self.mac])
            if faults.isEmpty {
                accepted += document.isUsable ? 1 : 0
            } else {
                rejected += 1
                #expect(!document.remarks.all.isEmpty, "\(faults): \(JSONEncoding.text(value))")
            }
        }
        // The tables are stricter: they know what an address is, and which links there are.
        #expect(rejected > 200 && accepted > 20)
        #expect(NetworkConfigDocument(JSONEncoding.bytes(Self.base), interfaces: [Self.mac]).isUsable)
    }
}

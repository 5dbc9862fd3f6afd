import Common
import Description
import FoundationEssentials
import Testing

/// The operator's own network configuration: what is accepted, and what is said of the rest.
struct NetworkConfigTests {
    /// A domain with the interfaces `52:54:00:00:00:01` to `…:03`, and a network configuration that begins in line 2.
    private func assembled(_ configuration: String, others: String = "") throws -> InstanceAssembly.Assembled {
        let cards = (2...3).map {
            "<interface type='bridge'><mac address='52:54:00:00:00:0\($0)'/><source bridge='br0'/></interface>"
        }
        let element = "\(others)<network-config><![CDATA[\n\(configuration)\n]]></network-config>"
        return try InstanceAssembly(readsBare: false).assemble(domain(element, devices: cards.joined()))
    }

    private func findings(_ configuration: String) throws -> [String] {
        // Of the other elements and interfaces there are notes where the configuration is refused.
        try assembled(configuration).findings.filter { $0.element == "network-config" }.map { finding in
            "\(finding.line): \(finding.weight == .note ? "note: " : "")\(finding.problem)"
        }
    }

    private func ownFindings(_ elements: String) throws -> [String] {
        try InstanceAssembly(readsBare: false).assemble(domain(elements)).findings.map { "\($0.element): \($0.problem)" }
    }

    private let instead =
        "1: it is not served: guests get the network configuration of the other elements and of libvirt instead"
    private let card = "{match: {macaddress: \"52:54:00:00:00:01\"}, dhcp4: true}"

    @Test func `a configuration is served byte for byte, and read with the lines of the XML`() throws {
        let text = "# my network\nversion: 2\nethernets:\n  lan: \(card)   # café"
        let found = try assembled(text)
        #expect(found.findings == [])
        let passed = try #require(found.instance.documents.networkConfiguration)
        #expect(passed.bytes == Array(text.utf8))
        #expect(passed.links.map(\.id) == ["lan"] && passed.links.map(\.networks.count) == [1])
    }

    private static let readable: [(String, [String])] = [
        (#"{"version": 2, "ethernets": {"lan": {"match": {"macaddress": "52:54:00:00:00:01"}, "dhcp4": true}}}"#, ["lan"]),
        ("network: {version: 2, ethernets: {lan: {match: {macaddress: \"52:54:00:00:00:01\"}, dhcp4: true}}}", ["lan"]),
        (
            """
            version: 2
            ethernets:
              a: &a {dhcp4: true, match: {macaddress: "52:54:00:00:00:01"}}
              b: {<<: *a, match: {macaddress: "52:54:00:00:00:02"}}
            """,
            ["a", "b"]
        ),
        ("version: 2\nethernets: {}\nvlans: {}", []),
    ]

    @Test(arguments: readable) func `JSON, netplan's outermost key, and anchors with merged keys are read`(
        text: String, links: [String]
    ) throws {
        let found = try assembled(text)
        #expect(!found.findings.contains { $0.weight == .unusable })
        #expect(found.instance.documents.networkConfiguration?.links.map(\.id) == links)
        #expect(found.instance.documents.networkConfiguration?.links.allSatisfy { $0.networks.count == 1 } == true)
    }

    // MARK: Errors

    private static let unusable: [(String, String)] = [
        (
            "version: 1\nconfig: []",
            "2: version: version 1 is not supported: expected version: 2, with links below ethernets, bonds and vlans"
        ),
        ("ethernets: {}", "2: version: missing key: expected version: 2"),
        ("network: {version: 2}\nethernets: {}", "3: ethernets: unknown key next to 'network': move it below 'network'"),
        (
            "network: {version: 3}",
            "2: network/version: version 3 is not supported: expected version: 2, with links below ethernets, bonds and vlans"
        ),
        ("- version: 2", "2: invalid value: found a list: expected a mapping of keys to values"),
        ("version: 2\nethernets: [", "3: invalid YAML: did not find expected node content"),
        ("version: 2\n\tethernets: {}", "3: invalid YAML: found a tab character that violates indentation"),
        ("version: 2\nversion: 2", "3: invalid YAML: duplicate key 'version', first in line 1"),
        ("version: 2\nethernets: *lan", "3: invalid YAML: unknown anchor 'lan'"),
        ("# nothing", "2: empty: expected version: 2, and links below ethernets"),
        ("version: 2\nethernet: {}", "3: ethernet: unknown key; did you mean 'ethernets'?"),
        ("version: 2\nx: 1", "3: x: unknown key: expected one of bonds, bridges, ethernets, renderer, version, vlans"),
        ("version: 2\nethernets: !lan {}", "3: ethernets: unknown tag '!lan': cloud-init accepts none here; remove it"),
        ("version: 2\nethernets: {1: {}}", "3: ethernets: invalid value '1': expected a text as key, in quotation marks"),
        ("version: 2\nethernets: {<<: 1}", "3: ethernets: invalid value '1': expected a mapping of keys to values"),
        ("version: 2\nethernets:\n  lan:", "4: ethernets/lan: missing value: expected a mapping of keys to values"),
        (
            "version: 2\nrenderer: NetworkManger",
            "3: renderer: invalid value 'NetworkManger': expected one of networkd, NetworkManager"
        ),
    ]

    @Test(arguments: unusable) func `what is no configuration of version 2 is refused with its line`(
        text: String, finding: String
    ) throws {
        #expect(try findings(text).filter { !$0.contains("note: ") } == [instead, finding])
        #expect(try assembled(text).instance.documents.networkConfiguration == nil)
    }

    private static let values: [(String, String)] = [
        ("dhpc4: true", "dhpc4: unknown key; did you mean 'dhcp4'?"),
        ("dhcp4: \"true\"", "dhcp4: invalid value 'true': expected true or false, without quotation marks"),
        ("optional: \"yes\"", "optional: invalid value 'yes': expected true or false, without quotation marks"),
        ("mtu: \"1500\"", "mtu: invalid value '1500': expected an integer from 0 to 4294967295, without quotation marks"),
        ("mtu: -1", "mtu: invalid value '-1': expected an integer from 0 to 4294967295, without quotation marks"),
        ("mtu: [1]", "mtu: invalid value: found a list: expected an integer from 0 to 4294967295, without quotation marks"),
        ("addresses: 192.0.2.1/24", "addresses: invalid value '192.0.2.1/24': expected a list, such as [a, b]"),
        (
            "addresses: [192.0.2.1]",
            "addresses: invalid value '192.0.2.1': expected ADDRESS/PREFIX, such as 192.0.2.10/24 or 2001:db8::10/64"
        ),
        (
            "addresses: [192.0.2.1/33]",
            "addresses: invalid value '192.0.2.1/33': expected ADDRESS/PREFIX, such as 192.0.2.10/24 or 2001:db8::10/64"
        ),
        (
            "addresses: [{}]",
            "addresses: invalid value: found a mapping: expected ADDRESS/PREFIX, such as 192.0.2.10/24 or 2001:db8::10/64"
        ),
        ("gateway4: 2001:db8::1", "gateway4: invalid value '2001:db8::1': expected an IPv4 address"),
        ("routes: [{via: 192.0.2.1}]", "routes: missing key 'to': expected the destination, such as 0.0.0.0/0"),
        ("routes: [{to: 0.0.0.0/0, via: fe80::1}]", "routes: '0.0.0.0/0' and 'fe80::1' are of different address families"),
        (
            "routes: [{to: lan, via: 192.0.2.1}]",
            "routes/to: invalid value 'lan': expected ADDRESS/PREFIX, such as 198.51.100.0/24"
        ),
        (
            "routes: [{to: 10.0.0.0/8, via: 192.0.2.1, metric: low}]",
            "routes/metric: invalid value 'low': expected an integer from 0 to 2147483647, without quotation marks"
        ),
        ("nameservers: [192.0.2.53]", "nameservers: invalid value: found a list: expected a mapping of keys to values"),
        ("nameservers: {search: lab}", "nameservers/search: invalid value 'lab': expected a list, such as [a, b]"),
        (
            "nameservers: {search: [1]}",
            "nameservers/search: '1' without quotation marks is a number in YAML: write \"1\""
        ),
        ("nameservers: {addresses: [dns]}", "nameservers/addresses: invalid value 'dns': expected an IP address"),
        ("dhcp4-overrides: {use-dsn: false}", "dhcp4-overrides/use-dsn: unknown key; did you mean 'use-dns'?"),
        (
            "dhcp4-overrides: {use-domains: maybe}",
            "dhcp4-overrides/use-domains: invalid value 'maybe': expected true, false or route"
        ),
        (
            "set-name: a-name-of-sixteen",
            "set-name: invalid value 'a-name-of-sixteen': expected a name of 1 to 15 characters without '/', ':' and spaces"
        ),
        (
            "id: 1",
            "id: unknown key: expected one of accept-ra, addresses, dhcp4, dhcp4-overrides, dhcp6, dhcp6-overrides, match, mtu, nameservers, optional, renderer, routes, set-name, wakeonlan"
        ),
    ]

    @Test(arguments: values) func `a value of a link that is not what version 2 has is refused`(
        values: String, problem: String
    ) throws {
        let text = "version: 2\nethernets:\n  lan: {match: {macaddress: \"52:54:00:00:00:01\"}, \(values)}"
        #expect(try findings(text).filter { !$0.contains("note: ") } == [instead, "4: ethernets/lan/\(problem)"])
    }

    @Test func `a MAC address must be one of the domain, in quotation marks, once`() throws {
        let head = "version: 2\nethernets:\n  lan: "
        #expect(
            try findings(head + "{match: {macaddress: \"52:54:00:00:00:09\"}}") == [
                instead,
                "4: ethernets/lan/match/macaddress: no interface of the domain has the MAC address 52:54:00:00:00:09: "
                    + "expected 52:54:00:00:00:01, 52:54:00:00:00:02, 52:54:00:00:00:03",
            ])
        #expect(
            try findings(head + "{match: {macaddress: 52:54:00:00:00:01}}") == [
                instead,
                "4: ethernets/lan/match/macaddress: '52:54:00:00:00:01' without quotation marks is a number in YAML: "
                    + "write \"52:54:00:00:00:01\"",
            ])
        #expect(
            try findings(head + "\(card)\n  wan: \(card)") == [
                instead,
                "5: ethernets/wan/match/macaddress: duplicate MAC address, also of ethernets/lan: describe an interface once",
            ])
        #expect(
            try findings(head + "{match: {macaddress: \"52:54:00:00:00:0A\"}}").last?.contains("52:54:00:00:00:0a: expected")
                == true)
        #expect(
            try findings(head + "{set-name: lan0}") == [
                instead, "4: ethernets/lan/set-name: cloud-init renames a link by its MAC address: add match: {macaddress: …}",
            ])
    }

    private static let sections: [(String, String)] = [
        ("bonds: {b: {dhcp4: true}}", "bonds/b/interfaces: missing key: expected the names of its links, such as [lan0, lan1]"),
        ("bonds: {b: {interfaces: [lna]}}", "bonds/b/interfaces: no link is named 'lna'; did you mean 'lan'?"),
        (
            "bonds: {b: {interfaces: [quite-another]}}",
            "bonds/b/interfaces: no link is named 'quite-another': define it below ethernets, bonds, bridges or vlans"
        ),
        (
            "bonds: {b: {interfaces: [lan]}, c: {interfaces: [lan]}}",
            "bonds/c/interfaces: 'lan' is also a member of bonds/b: a link has one master"
        ),
        (
            "bonds: {b: {interfaces: [lan], parameters: {primary: wan}}}",
            "bonds/b/parameters/primary: 'wan' is not a member: expected one of the names in interfaces"
        ),
        (
            "bonds: {b: {interfaces: [lan], parameters: {mode: 4}}}",
            "bonds/b/parameters/mode: '4' without quotation marks is a number in YAML: expected one of balance-rr, active-backup, balance-xor, broadcast, 802.3ad, balance-tlb, balance-alb"
        ),
        (
            "bonds: {b: {interfaces: [lan], parameters: {mii-monitor-interval: soon}}}",
            "bonds/b/parameters/mii-monitor-interval: invalid value 'soon': expected a number of milliseconds, such as 100, or a time such as 1s"
        ),
        ("bonds: {lan: {interfaces: []}}", "bonds/lan: duplicate name, also in ethernets: give each link a name of its own"),
        (
            "bonds: {bond-of-everything: {interfaces: []}}",
            "bonds/bond-of-everything: invalid name: expected a name of 1 to 15 characters without '/', ':' and spaces, as the link's in Linux"
        ),
        ("vlans: {v: {link: lan}}", "vlans/v/id: missing key: expected the VLAN's tag, an integer"),
        ("vlans: {v: {id: 1}}", "vlans/v/link: missing key: expected the name of the link below"),
        (
            "vlans: {v: {id: 4095, link: lan}}",
            "vlans/v/id: invalid value '4095': expected an integer from 0 to 4094, without quotation marks"
        ),
        ("vlans: {v: {id: 1, link: v}}", "vlans/v/link: a link cannot be on itself: expected the name of another link"),
        ("vlans: {v: {id: 1, link: lan, mtuu: 1}}", "vlans/v/mtuu: unknown key; did you mean 'mtu'?"),
    ]

    @Test(arguments: sections) func `links on links must fit each other`(section: String, problem: String) throws {
        #expect(try findings("version: 2\nethernets: {lan: \(card)}\n\(section)") == [instead, "4: \(problem)"])
    }

    // MARK: Bounds

    @Test func `a configuration has at most 256 KiB, and is refused as a whole beyond`() throws {
        let text = "version: 2\nethernets: {lan: \(card)}\n#"
        let most = text + String(repeating: "#", count: (256 << 10) - text.utf8.count)
        #expect(try findings(most) == [])
        for more in [most + "#", text + String(repeating: "#", count: 1 << 20)] {
            #expect(try findings(more) == [instead, "2: \(more.utf8.count) bytes: expected at most 262144 (256 KiB)"])
        }
    }

    @Test func `aliases that multiply are refused by their number`() throws {
        var text = "version: 2\nx0: &x0 [1,1,1,1,1,1,1,1,1,1]\n"
        for level in 1...6 {
            text += "x\(level): &x\(level) [" + Array(repeating: "*x\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
        }
        #expect(try findings(text).last?.hasSuffix("invalid YAML: more than 100000 values, including aliases") == true)
    }

    @Test func `a hundred remarks are listed, errors before notes`() throws {
        let notes = (1...150).map { "  n\($0): {critical: true}" }.joined(separator: "\n")
        let found = try findings("version: 2\nethernets:\n\(notes)")
        #expect(found.count == 101 && found.last?.contains("more remarks are left out") == true)
        let both = try findings("version: 2\nethernets:\n\(notes)\n  last: {mtu: high}")
        #expect(both.count == 102 && both.contains { $0.contains("ethernets/last/mtu: invalid value 'high'") })
    }

    @Test func `base64 has the lines of the configuration in its findings`() throws {
        let found = try ownFindings("<network-config encoding='base64'>dmVyc2lvbjogMgp4OiAxCg==</network-config>")
        #expect(
            found == [
                "network-config: line 2 of the configuration: x: unknown key: expected one of bonds, bridges, ethernets, renderer, version, vlans",
                "network-config: \(instead.dropFirst(3))",
            ])
    }

    @Test func `an indented block loses the indentation of the XML, and keeps its lines`() throws {
        let element = "<network-config>\n    version: 2\n    ethernets:\n      lan: {mtu: x}\n  </network-config>"
        let found = try InstanceAssembly(readsBare: false).assemble(domain(element)).findings
        #expect(found.first { $0.problem.contains("mtu") }?.line == 4)
        let one = try InstanceAssembly(readsBare: false).assemble(domain("<network-config>version: 2\nx: 1</network-config>"))
            .findings
        #expect(one.first { $0.problem.contains("unknown key") }?.line == 2)
    }

    // MARK: What cloud-init's own reader refuses

    @Test(arguments: ["dhcp4:\ttrue", "mtu: 1400\t# jumbo", "addresses:\t[192.0.2.7/24]"])
    func `a tab between values is refused, as cloud-init's YAML does`(line: String) throws {
        let text = "version: 2\nethernets:\n  lan:\n    match: {macaddress: \"52:54:00:00:00:01\"}\n    \(line)"
        #expect(
            try findings(text).contains("6: invalid YAML: a tab separates or indents here: cloud-init's YAML allows spaces only"))
        #expect(try assembled(text).instance.documents.networkConfiguration == nil)
    }

    @Test func `JSON with tabs is refused too, and a tab in a text or a comment is not`() throws {
        let json = "{\"version\": 2,\n\t\"ethernets\": {\"lan\": \(card)}}"
        #expect(try findings(json).contains { $0.hasPrefix("3: invalid YAML: a tab") })
        #expect(try findings("# a\tb\nversion: 2\nethernets:\n  lan: \(card)") == [])
    }

    @Test func `a byte order mark precedes a configuration`() throws {
        let text = "\u{FEFF}version: 2\nethernets:\n  lan: \(card)\n"
        let element = "<network-config encoding='base64'>\(Data(text.utf8).base64EncodedString())</network-config>"
        let found = try InstanceAssembly(readsBare: false).assemble(domain(element))
        #expect(found.findings.map(\.description) == [])
        #expect(found.instance.documents.networkConfiguration?.bytes == Array(text.utf8))
    }

    // MARK: Links and addresses that contradict each other

    @Test(arguments: [
        ("bonds: {b: {interfaces: [b]}}", ["bonds/b"]),
        ("bonds: {b: {interfaces: [c]}, c: {interfaces: [b]}}", ["bonds/b", "bonds/c"]),
        ("vlans: {v: {id: 1, link: w}, w: {id: 2, link: v}}", ["vlans/v", "vlans/w"]),
    ]) func `links on each other in a circle are refused`(links: String, paths: [String]) throws {
        let found = try findings("version: 2\n\(links)").filter { !$0.contains("note: ") }
        #expect(
            found.dropFirst()
                == paths.map { "3: \($0): the links below this one form a circle: remove a name from interfaces or link" }[...])
    }

    @Test(arguments: [
        ("addresses: [192.0.2.0/24]", "addresses: 192.0.2.0 is the address of its network 192.0.2.0/24"),
        ("addresses: [224.0.0.1/24]", "addresses: 224.0.0.1 is a multicast address: no guest can use it"),
        ("addresses: [192.0.2.7/24, 192.0.2.7/24]", "addresses: duplicate address 192.0.2.7, also of ethernets/lan"),
        (
            "addresses: [192.0.2.7/24], routes: [{to: 0.0.0.0/0, via: 192.0.2.7}]",
            "routes: the gateway 192.0.2.7 is the link's own address: guests refuse the route"
        ),
        (
            "addresses: [192.0.2.7/24], routes: [{to: 0.0.0.0/0, via: 192.0.2.255}]",
            "routes: the gateway 192.0.2.255 is the broadcast address of its network 192.0.2.0/24: guests refuse the route"
        ),
        (
            "addresses: [192.0.2.7/24], routes: [{to: 0.0.0.0/0, via: 192.0.2.1}, {to: 0.0.0.0/0, via: 192.0.2.2}]",
            "routes: a second default route with the same metric: guests refuse it, or choose one"
        ),
        ("dhcp4: true, nameservers: {addresses: [0.0.0.0]}", "nameservers/addresses: 0.0.0.0 is the unspecified address"),
        ("dhcp4: true, mtu: 10", "mtu: 10 is not an MTU of an Ethernet link: expected an integer from 68 to 65535"),
        ("dhcp6: true, mtu: 1000", "mtu: an MTU of 1000 leaves no IPv6 on the link: it needs 1280 (RFC 8200)"),
    ]) func `a value that no guest can use is served and noted`(values: String, problem: String) throws {
        let text = "version: 2\nethernets:\n  lan: {match: {macaddress: \"52:54:00:00:00:01\"}, \(values)}"
        let found = try findings(text)
        #expect(found.count == 1 && found.first?.hasPrefix("4: note: ethernets/lan/\(problem)") == true, "\(found)")
        #expect(try assembled(text).instance.documents.networkConfiguration != nil)
    }

    @Test func `an address with the prefix length 0 costs the configuration: netplan fails on it`() throws {
        let text = "version: 2\nethernets:\n  lan: {match: {macaddress: \"52:54:00:00:00:01\"}, addresses: [192.0.2.7/0]}"
        #expect(try findings(text).contains { $0.hasPrefix("4: ethernets/lan/addresses: invalid value '192.0.2.7/0'") })
    }

    @Test(arguments: [
        "ethernets: {\"en*\": {dhcp4: true}}", "vlans: {\"v[1]\": {id: 1, link: e}}\nethernets: {e: {dhcp4: true}}",
    ])
    func `a name that netplan takes for a pattern is refused`(links: String) throws {
        #expect(
            try findings("version: 2\n\(links)").contains { $0.contains("invalid name: netplan takes '*', '?' and brackets") })
    }

    @Test func `hundreds of links on each other are examined`() throws {
        let links = (0..<500).map { "  v\($0): {id: 5, link: v\($0 + 1)}" }.joined(separator: "\n")
        let found = try findings("version: 2\nvlans:\n\(links)\n  v500: {id: 5, link: v0}")
        #expect(found.contains { $0.contains("form a circle") })
    }

    private static func texts(_ count: Int, _ text: (Int) -> String) -> String { (0..<count).map(text).joined(separator: ", ") }
    private static func addresses(_ count: Int) -> String { texts(count) { "10.\($0 >> 8).\($0 & 255).1/24" } }
    private static let link = "match: {macaddress: \"52:54:00:00:00:01\"}"
    private static let limits: [(String, String)] = [
        ("vlans: {\(texts(513) { "v\($0): {id: 5, link: lan}" })}", "vlans/v512: more than 512 links of one kind"),
        ("ethernets: {l: {addresses: [\(addresses(257))]}}", "ethernets/l/addresses: more than 256 items"),
        (
            "ethernets: {l: {dhcp4: true, routes: [\(texts(257) { "{to: 10.\($0 >> 8).\($0 & 255).0/24, via: 10.0.0.1}" })]}}",
            "ethernets/l/routes: more than 256 items"
        ),
        (
            "ethernets: {l: {dhcp4: true, nameservers: {addresses: [\(texts(257) { "10.0.\($0 >> 8).\($0 & 255)" })]}}}",
            "ethernets/l/nameservers/addresses: more than 256 items"
        ),
        (
            "ethernets: {l: {dhcp4: true, nameservers: {search: [\(texts(257) { "a\($0).example" })], addresses: [10.0.0.1]}}}",
            "ethernets/l/nameservers/search: more than 256 items"
        ),
        ("bridges: {b: {interfaces: [\(texts(257) { "e\($0)" })]}}", "bridges/b/interfaces: more than 256 items"),
        (
            "ethernets: {l0: {addresses: &a [\(addresses(256))]}, \(texts(16) { "l\($0 + 1): {addresses: *a}" })}",
            "ethernets/l16/addresses: more than 4096 items of all links"
        ),
    ]

    @Test(arguments: limits) func `links and their lists have limits, beyond which the configuration is refused`(
        links: String, problem: String
    ) throws {
        let found = try findings("version: 2\n\(links)").filter { !$0.contains("note: ") }
        #expect(found.count == 2 && found.first == instead && found.last?.hasSuffix(": \(problem)") == true, "\(found)")
    }

    @Test func `a configuration at the limits is read`() throws {
        let text = "version: 2\nethernets: {l: {\(Self.link), addresses: [\(Self.addresses(256))]}}"
        let found = try assembled(text)
        #expect(!found.findings.contains { $0.weight == .unusable })
        #expect(found.instance.documents.networkConfiguration?.links.first?.networks.count == 256)
    }
}

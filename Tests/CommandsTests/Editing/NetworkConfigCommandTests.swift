import Foundation
import TestSupport
import Testing

/// `set` and `unset` of a network configuration, and of what a link is told besides its addresses.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct NetworkConfigCommandTests {
    private static let mac = "52:54:00:00:00:01"
    private let domains: EditedDomains

    init() throws {
        domains = try EditedDomains()
        let card = "<interface type='bridge'><mac address='\(Self.mac)'/><source bridge='br0'/></interface>"
        try domains.define(disks: card, start: true)
    }

    private func configuration(mac: String = mac, _ more: String = "") -> String {
        "# mine\nversion: 2\nethernets:\n  lan: {match: {macaddress: \"\(mac)\"}, dhcp4: true\(more)}\n"
    }

    @Test func `a configuration from a file is served byte for byte, and removed`() async throws {
        let file = try domains.file("net.yaml", configuration())
        let output = try await domains.succeed("set", "web", "--file", "network-config=\(file)")
        #expect(output.stderr.contains("web: running domain updated"), "\(output)")
        let served = try await domains.succeed("tree", "web", "--path", "/nocloud/network-config")
        #expect(served.stdout == configuration())
        let converted = try await domains.succeed("tree", "web", "--path", "/openstack/latest/network_data.json")
        #expect(converted.stdout.contains(#""id": "lan", "type": "phy""#), "\(converted)")
        try await _ = domains.succeed("unset", "web", "network-config")
        let derived = try await domains.succeed("tree", "web", "--path", "/nocloud/network-config")
        #expect(derived.stdout.hasPrefix(#"{"version": 2, "ethernets": {"interface0""#), "\(derived)")
    }

    @Test func `a configuration that guests cannot use is refused before libvirt sees it`() async throws {
        let old = try domains.definition()
        for (text, problem) in [
            (configuration(mac: "52:54:00:00:00:09"), "no interface of the domain has the MAC address 52:54:00:00:00:09"),
            (configuration(", dhpc6: true"), "ethernets/lan/dhpc6: unknown key; did you mean 'dhcp6'?"),
            ("version: 1\nconfig: []\n", "version 1 is not supported: expected version: 2"),
            ("version: 2\nethernets: [\n", "invalid YAML: "),
            (configuration() + String(repeating: "#", count: 1 << 19), "bytes: expected at most 262144 (256 KiB)"),
        ] {
            let file = try domains.file("net.yaml", text)
            let output = try await domains.run("set", "web", "--file", "network-config=\(file)")
            #expect(output.status == 1, "\(output)")
            #expect(output.stderr.contains("virt-metadata: web: network-config: "), "\(output)")
            #expect(output.stderr.contains(problem), "\(output)")
        }
        let literal = try await domains.run("set", "web", "network-config=@net.yaml")
        #expect(literal.status == 1)
        #expect(literal.stderr.contains("--file network-config=net.yaml"), "\(literal)")
        #expect(try domains.definition() == old)
    }

    @Test func `search domains, metrics and overrides have paths`() async throws {
        let link = "interfaces/interface[\(Self.mac)]"
        try await _ = domains.succeed(
            "set", "web", "\(link)/address=192.0.2.7/24", "\(link)/gateway=192.0.2.1", "\(link)/gateway@metric=50",
            "\(link)/dns=192.0.2.53", "\(link)/search+=lab.example", "\(link)/search+=example.org",
            "\(link)/route[198.51.100.0/24]@via=192.0.2.254",
            "\(link)/route[198.51.100.0/24]@metric=60", "\(link)/optional=yes", "\(link)/ipv6=dhcp",
            "\(link)/dhcp6-overrides@use-dns=no")
        let text = try await domains.succeed("tree", "web", "--path", "/nocloud/network-config").stdout
        for part in [
            #"{"to": "0.0.0.0/0", "via": "192.0.2.1", "metric": 50}"#,
            #"{"to": "198.51.100.0/24", "via": "192.0.2.254", "metric": 60}"#, #""search": ["lab.example", "example.org"]"#,
            #""optional": true"#, #""dhcp6-overrides": {"use-dns": false}"#,
        ] {
            #expect(text.contains(part), "\(text)")
        }
        try await _ = domains.succeed(
            "unset", "web", "\(link)/gateway@metric", "\(link)/search", "\(link)/dhcp6-overrides@use-dns", "\(link)/optional")
        let left = try domains.definition()
        for word in ["search", "overrides", "optional", "metric='50'"] { #expect(!left.contains(word), "\(left)") }
        let wrong = try await domains.run("set", "web", "\(link)/dhcp4-overrides@use-dsn=no")
        #expect(
            wrong.stderr.contains("dhcp4-overrides has no attribute 'use-dsn'; expected one of hostname, route-metric"),
            "\(wrong)")
        let value = try await domains.run("set", "web", "\(link)/dhcp4-overrides@use-dns=never")
        #expect(value.status == 1 && value.stderr.contains("invalid value 'never' for use-dns: expected yes or no"), "\(value)")
    }
}

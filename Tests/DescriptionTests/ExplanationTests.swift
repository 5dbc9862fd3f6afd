import Common
import Description
import Testing

/// Where each value of an instance comes from.
struct ExplanationTests {
    private static func layer(
        _ kind: InstanceDefaults.Layer.Kind, _ values: KeyValuePairs<String, String>, merge: ListMerge? = nil
    )
        throws -> InstanceDefaults.Layer
    {
        let all = try values.enumerated().map { number, value in
            SharedValue(try ElementPath(value.key), Array(value.value.utf8), line: 11 + number)
        }
        return .init(kind, all, domain: kind == .all ? ("example.org", 5) : nil, merge: merge, file: "c.yaml", line: 10)
    }

    /// The sources by path, in words; of a list one line for each item.
    private static func sources(_ elements: String) throws -> [String: [String]] {
        let network = """
            <network><name>lab</name><forward mode='nat'/><mtu size='1450'/><bridge name='virbr7'/><ip address='192.0.2.1' prefix='24'>
            <dhcp><host mac='52:54:00:00:00:02' ip='192.0.2.20'/><range start='192.0.2.10' end='192.0.2.99'/></dhcp></ip></network>
            """
        let defaults = InstanceDefaults(
            all: try layer(.all, ["project-id": "p", "tags/tag[env]": "test", "userdata": "#!/bin/sh"]),
            networks: ["lab": try layer(.network("lab"), ["placement/availability-zone": "eu-1a"])],
            profiles: [
                try layer(
                    .profile("web"),
                    [
                        "tags/tag[role]": "web", "userdata": "#cloud-config\n{}", "interfaces/interface[*]/dns": "192.0.2.53",
                        "imds@tokens": "required", "security-groups": "http",
                    ], merge: .add)
            ])
        let assembly = try InstanceAssembly(networks: [Array(network.utf8)], defaults: defaults, readsBare: false)
        let devices = "<interface type='network'><mac address='52:54:00:00:00:02'/><source network='lab'/></interface>"
        let explained = try assembly.explain(domain(elements, devices: devices))
        return Dictionary(grouping: explained.values, by: \.path).mapValues { $0.map { "\($0.text) | \($0.origin)" } }
    }

    @Test func `every value names its source`() throws {
        let sources = try Self.sources(
            "\n<profile>web</profile>\n<instance-type>small</instance-type>\n<tags merge='add'>\n<tag name='own'>1</tag></tags>\n"
                + "<userdata merge='add'>#!/bin/sh</userdata><interfaces>"
                + "<interface mac='52:54:00:00:00:02'><mtu>1400</mtu></interface></interfaces>")
        let expected: [String: [String]] = [
            "instance-id": ["i-8367916213784288a | derived: 'i-' and 17 digits of the domain's UUID"],
            "name": ["web | libvirt: <name>"], "hostname": ["web.example.org | derived: the domain's <name>"],
            "domain": ["example.org | defaults (c.yaml:5)"],
            "instance-type": ["small | element (line 3)"], "project-id": ["p | defaults (c.yaml:11)"],
            "placement/availability-zone": ["eu-1a | network lab (c.yaml:11)"],
            "placement/region": ["eu-1 | derived: the availability zone"],
            "tags/tag[env]": ["test | defaults (c.yaml:12)"], "tags/tag[role]": ["web | profile web (c.yaml:11)"],
            "tags/tag[own]": ["1 | element (line 5)"], "security-groups/group": ["http | profile web (c.yaml:15)"],
            "userdata": [
                "text/x-shellscript (9 bytes) | defaults (c.yaml:13)", "text/cloud-config (16 bytes) | profile web (c.yaml:12)",
                "text/x-shellscript (9 bytes) | element (line 6)",
            ],
            "imds@tokens": ["required | profile web (c.yaml:14)"],
            "instance-action": ["none | derived: the default"],
            "interfaces/interface[52:54:00:00:00:02]/mtu": ["1400 | element (line 6)"],
            "interfaces/interface[52:54:00:00:00:02]/dns": ["192.0.2.53 | profile web (c.yaml:13)"],
            "interfaces/interface[52:54:00:00:00:02]/address": ["192.0.2.20 | libvirt: <host> of the network 'lab'"],
            "interfaces/interface[52:54:00:00:00:02]/ipv4": ["dhcp | libvirt: the network 'lab'"],
            "interfaces/interface[52:54:00:00:00:02]@mac": ["52:54:00:00:00:02 | libvirt: <interface>"],
        ]
        for (path, values) in expected { #expect(sources[path] == values, "\(path)") }
        #expect(!sources.values.joined().contains { $0.contains("unknown") })
    }

    @Test func `settings and networks are sources, too`() throws {
        let sources = try Self.sources("")
        #expect(sources["imds@tokens"] == ["optional | setting session-tokens"])
        #expect(sources["interfaces/interface[52:54:00:00:00:02]/mtu"] == ["1450 | libvirt: <mtu> of the network 'lab'"])
        #expect(sources["tags/tag[env]"] == ["test | defaults (c.yaml:12)"])
        #expect(sources["tags/tag[role]"] == nil)
    }

    @Test func `nothing that may be secret is shown`() throws {
        let sources = try Self.sources(
            "<userdata>hunter2</userdata><vendordata>\"hunter2\"</vendordata><files><file path='/x'>hunter2</file></files>"
                + "<additional>{\"a\": \"hunter2\"}</additional><iam><security-credentials role='r'>{\"k\": \"hunter2\"}"
                + "</security-credentials></iam><network-config>hunter2</network-config>")
        #expect(!sources.values.joined().contains { $0.contains("hunter2") })
        #expect(sources["files/file[/x]"] == ["(7 bytes) | element (line 1)"])
    }
}

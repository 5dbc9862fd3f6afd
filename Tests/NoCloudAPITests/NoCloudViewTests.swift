import Common
import Foundation
import NoCloudAPI
import Testing

struct NoCloudViewTests {
    private static func instance(
        keys: [PublicKey] = [], userData: [UInt8]? = nil, vendorData: JSONValue? = nil, interfaces: [NetworkInterface] = [],
        links: [VirtualLink] = [], placement: [Common.Tag] = [], tags: [Common.Tag] = [], additional: JSONValue? = nil,
        provider: String? = nil
    ) throws -> Instance {
        let uuid = try #require(InstanceUUID("83679162-1378-4288-a2d4-70e13ec132aa"))
        let names = InstanceNames(
            domain: uuid, domainName: "web", uuid: uuid, id: "i-1", name: "web", hostname: "web.example")
        var (launch, access, documents) = (LaunchFacts(type: "t"), GuestAccess(), OperatorDocuments())
        (launch.placement, access.publicKeys) = (placement, keys)
        (documents.userData, documents.vendorData) = (userData, vendorData)
        (documents.tags, documents.additionalValue, launch.provider) = (tags, additional, provider)
        return Instance(
            names: names, launch: launch, access: access, documents: documents, interfaces: interfaces, virtualLinks: links)
    }

    private static func read(_ path: String, of instance: Instance) throws -> String? {
        let question = Question(
            about: instance, address: nil, interface: nil, entropy: Entropy { [UInt8](repeating: 0, count: $0) })
        let node = NoCloudView().node(at: try #require(TreePath(target: path)), for: question)
        return try (node?.content).map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    private static func mac(_ last: Int) throws -> MACAddress { try #require(MACAddress("52:54:00:00:00:0\(last)")) }

    @Test func `the four files exist for every instance`() throws {
        let bare = try Self.instance()
        #expect(try Self.read("/nocloud/", of: bare) == "meta-data\nuser-data\nvendor-data\nnetwork-config")
        #expect(try Self.read("/nocloud", of: bare) == "meta-data\nuser-data\nvendor-data\nnetwork-config")
        #expect(
            try Self.read("/nocloud/meta-data", of: bare)
                == #"{"instance-id": "i-1", "local-hostname": "web.example", "instance-type": "t"}"#)
        for file in ["user-data", "vendor-data", "network-config"] { #expect(try Self.read("/nocloud/\(file)", of: bare) == "") }
        for other in ["/nocloud/other", "/nocloud/meta-data/x", "/nocloud/latest"] {
            #expect(try Self.read(other, of: bare) == nil)
        }
    }

    @Test func `the operator's values are served`() throws {
        let keys = [
            PublicKey(name: "a", formats: [Tag("openssh-key", "ssh-rsa A"), Tag("x509", "PEM")]),
            PublicKey(name: "b", formats: [Tag("x509", "PEM")]), PublicKey(name: "c", formats: [Tag("openssh-key", "ssh-rsa C")]),
        ]
        let instance = try Self.instance(
            keys: keys, userData: Array("#!/bin/sh\n".utf8), placement: [Tag("region", "eu"), Tag("availability-zone", "eu-1")])
        #expect(
            try Self.read("/nocloud/meta-data", of: instance)
                == #"{"instance-id": "i-1", "local-hostname": "web.example", "public-keys": ["ssh-rsa A", "ssh-rsa C"], "#
                + #""instance-type": "t", "availability-zone": "eu-1", "zone": "eu-1", "region": "eu"}"#)
        #expect(try Self.read("/nocloud/user-data", of: instance) == "#!/bin/sh\n")
    }

    @Test func `tags, the provider's name and the operator's own data are members of the meta-data`() throws {
        let own = JSONValue.object([JSONMember("a", .integer(1)), JSONMember("b", .object([JSONMember("c", .null)]))])
        let instance = try Self.instance(tags: [Tag("env", "test"), Tag("a/b", "")], additional: own, provider: "libvirt:///x")
        #expect(
            try Self.read("/nocloud/meta-data", of: instance)
                == #"{"instance-id": "i-1", "local-hostname": "web.example", "instance-type": "t", "provider-id": "libvirt:///x", "#
                + #""tags": {"env": "test", "a/b": ""}, "additional": {"a": 1, "b": {"c": null}}}"#)
    }

    @Test(arguments: [
        (JSONValue.string("#cloud-config\n"), "#cloud-config\n"),
        (.object([JSONMember("cloud-init", .string("#cloud-config\n")), JSONMember("x", .null)]), "#cloud-config\n"),
        (.array([.string("a"), .integer(1), .string("b")]), "#cloud-config-archive\n[\"a\", \"b\"]\n"),
        (.object([JSONMember("cloud-init", .array([.string("a")]))]), "#cloud-config-archive\n[\"a\"]\n"),
        (.object([JSONMember("other", .string("x"))]), ""), (.object([JSONMember("cloud-init", .object([]))]), ""),
        (.integer(1), ""), (.array([]), ""),
    ]) func `vendor data is what cloud-init's OpenStack datasource extracts`(value: JSONValue, text: String) throws {
        #expect(try Self.read("/nocloud/vendor-data", of: Self.instance(vendorData: value)) == text)
    }

    @Test func `each interface is matched by its MAC address`() throws {
        var first = NetworkInterface(mac: try Self.mac(1))
        first.mtu = 1400
        var second = NetworkInterface(mac: try Self.mac(2))
        let address = try #require(IPAddress("192.0.2.7"))
        second.configuration.addresses = [InterfaceAddress(address, prefixLength: 24)]
        second.configuration.gateways = [try #require(IPAddress("192.0.2.1"))]
        second.configuration.nameServers = [try #require(IPAddress("192.0.2.53"))]
        let text = try Self.read("/nocloud/network-config", of: Self.instance(interfaces: [first, second]))
        #expect(
            text == #"{"version": 2, "ethernets": {"interface0": {"match": {"macaddress": "52:54:00:00:00:01"}, "dhcp4": true, "#
                + #""dhcp6": true, "accept-ra": true, "mtu": 1400}, "interface1": {"match": {"macaddress": "52:54:00:00:00:02"}, "dhcp4": false, "#
                + #""addresses": ["192.0.2.7/24"], "routes": [{"to": "0.0.0.0/0", "via": "192.0.2.1"}], "#
                + #""nameservers": {"addresses": ["192.0.2.53"]}}}}"#)
    }

    /// The members of the ethernets after their MAC addresses.
    private static func ethernets(_ interfaces: NetworkInterface...) throws -> [String] {
        let text = try read("/nocloud/network-config", of: instance(interfaces: interfaces)) ?? ""
        return text.components(separatedBy: #""match": {"macaddress": "#).dropFirst().map {
            String($0.drop { $0 != "}" }.dropFirst(3))
        }
    }

    private static func interface(_ last: Int, _ change: (inout NetworkInterface) throws -> Void = { _ in }) throws
        -> NetworkInterface
    {
        var interface = NetworkInterface(mac: try mac(last))
        try change(&interface)
        return interface
    }

    @Test func `a gateway outside the subnet is on the link, and static IPv6 accepts no router advertisements`() throws {
        let card = try Self.interface(1) {
            $0.configuration.addresses = ["203.0.113.5/32", "2001:db8::5/64"].compactMap { InterfaceAddress($0) }
            $0.configuration.gateways = ["203.0.113.1", "fe80::1"].compactMap { IPAddress($0) }
        }
        #expect(
            try Self.ethernets(card) == [
                #""dhcp4": false, "accept-ra": false, "addresses": ["203.0.113.5/32", "2001:db8::5/64"], "routes": "#
                    + #"[{"to": "0.0.0.0/0", "via": "203.0.113.1", "on-link": true}, {"to": "::/0", "via": "fe80::1"}]}}}"#
            ])
    }

    @Test func `DHCP has the operator's routes, and each link that uses it a metric`() throws {
        let (to, router) = (try #require(AddressRange("198.51.100.0/24")), try #require(IPAddress("192.0.2.254")))
        let route = try #require(Route(to: to, by: router, metric: 50))
        let cards = try [1, 2].map { number in
            try Self.interface(number) {
                $0.configuration.ipv4 = .dhcp
                if number == 1 { $0.configuration.routes = [route] }
            }
        }
        let routes = #""routes": [{"to": "198.51.100.0/24", "via": "192.0.2.254", "metric": 50}]}"#
        #expect(try Self.ethernets(cards[0]) == [#""dhcp4": true, "dhcp6": true, "accept-ra": true, "# + routes + "}}"])
        let both = try Self.ethernets(cards[0], cards[1])
        // netplan refuses the configuration if the families differ.
        let metric = { (number: Int) in
            #""dhcp4": true, "dhcp4-overrides": {"route-metric": \#(number)}, "dhcp6": true, "#
                + #""dhcp6-overrides": {"route-metric": \#(number)}, "accept-ra": true"#
        }
        #expect(both.first?.hasPrefix(metric(100) + ", " + routes) == true)
        #expect(both.last == metric(200) + "}}}")
    }

    @Test func `what one family is to ignore, the other ignores too`() throws {
        let card = try Self.interface(1) {
            $0.configuration.overrides.ipv4 = [JSONMember("use-dns", .bool(false)), JSONMember("use-mtu", .bool(true))]
            $0.configuration.overrides.ipv6 = [JSONMember("use-ntp", .bool(false)), JSONMember("use-mtu", .bool(false))]
        }
        let both = #"{"use-dns": false, "use-mtu": true, "use-ntp": false}"#
        let start = #""dhcp4": true, "dhcp4-overrides": \#(both), "dhcp6": true, "dhcp6-overrides": \#(both), "#
        #expect(try Self.ethernets(card).first?.hasPrefix(start) == true)
    }

    @Test func `a link without IPv6 has no link-local address, and one without any address is optional`() throws {
        let card = try Self.interface(1) { $0.configuration.ipv6 = LinkConfiguration.IPv6Method.none }
        #expect(try Self.ethernets(card) == [#""dhcp4": true, "accept-ra": false, "link-local": []}}}"#])
        let bare = try Self.interface(2) {
            $0.configuration.ipv4 = LinkConfiguration.IPv4Method.none
            $0.configuration.ipv6 = LinkConfiguration.IPv6Method.none
        }
        #expect(
            try Self.ethernets(card, bare).last == #""optional": true, "dhcp4": false, "accept-ra": false, "link-local": []}}}"#)
    }

    @Test func `a guest does not wait for a link that is down, or of which nothing is known`() throws {
        let (first, second) = (try Self.interface(1), try Self.interface(2))
        #expect(try Self.ethernets(first, second).last?.hasPrefix(#""optional": true, "dhcp4": true, "#) == true)
        let down = try Self.interface(1) { $0.isDown = true }
        #expect(try Self.ethernets(down, second).first?.hasPrefix(#""optional": true, "dhcp4": true, "#) == true)
        #expect(try Self.ethernets(down) == [])
    }

    @Test func `a static link searches the network's domain`() throws {
        let card = try Self.interface(1) {
            var network = NetworkReference(name: "n", uuid: "u", offersDHCP: true)
            network.hostAddresses = ["192.0.2.1/24"].compactMap { InterfaceAddress($0) }
            network.advertised4.searchDomains = ["lab.example"]
            $0.network = network
            $0.configuration.addresses = ["192.0.2.5/24"].compactMap { InterfaceAddress($0) }
        }
        #expect(
            try Self.ethernets(card) == [
                #""dhcp4": false, "addresses": ["192.0.2.5/24"], "routes": [{"to": "169.254.169.254/32", "via": "192.0.2.1"}], "#
                    + #""nameservers": {"addresses": ["192.0.2.1"], "search": ["lab.example"]}}}}"#
            ])
    }

    @Test func `bonds and VLANs are listed by name`() throws {
        let interfaces = [NetworkInterface(mac: try Self.mac(1)), NetworkInterface(mac: try Self.mac(2))]
        var asked = LinkConfiguration()
        (asked.ipv4, asked.ipv6) = (.dhcp, .slaac)
        let bond = VirtualLink(
            name: "bond0",
            kind: .bond(
                mode: "802.3ad", members: interfaces.map(\.mac),
                parameters: [Tag("bond_miimon", "100"), Tag("bond_lacp_rate", "fast")]),
            mac: try Self.mac(1), configuration: asked)
        let vlan = VirtualLink(
            name: "v5", kind: .vlan(id: 5, on: .bond("bond0")), mac: try Self.mac(1), configuration: LinkConfiguration())
        let text = try Self.read("/nocloud/network-config", of: Self.instance(interfaces: interfaces, links: [bond, vlan]))
        let ending = text?.firstRange(of: #""bonds""#)?.lowerBound ?? text?.endIndex
        #expect(
            text.flatMap { text in ending.map { String(text[$0...]) } }
                == #""bonds": {"bond0": {"interfaces": ["interface0", "interface1"], "#
                + #""macaddress": "52:54:00:00:00:01", "parameters": {"mode": "802.3ad", "mii-monitor-interval": "100", "#
                + #""lacp-rate": "fast"}, "dhcp4": true, "dhcp6": true, "accept-ra": true}}, "#
                + #""vlans": {"v5": {"id": 5, "link": "bond0", "dhcp4": false}}}"#)
    }

    @Test func `a VLAN has its own MAC address, if that is not the one of the link below`() throws {
        let interfaces = [NetworkInterface(mac: try Self.mac(1))]
        for (mac, own) in [(1, ""), (2, #""macaddress": "52:54:00:00:00:02", "#)] {
            let vlan = VirtualLink(
                name: "v5", kind: .vlan(id: 5, on: .interface(try Self.mac(1))), mac: try Self.mac(mac),
                configuration: LinkConfiguration())
            let text = try Self.read("/nocloud/network-config", of: Self.instance(interfaces: interfaces, links: [vlan]))
            #expect(text?.hasSuffix(#""vlans": {"v5": {"id": 5, "link": "interface0", \#(own)"dhcp4": false}}}"#) == true)
        }
    }
}

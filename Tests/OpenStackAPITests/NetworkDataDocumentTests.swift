import Common
import OpenStackAPI
import Testing

@Suite struct NetworkDataDocumentTests {
    private func document(_ interfaces: NetworkInterface...) -> String? {
        read("/openstack/latest/network_data.json", .example(interfaces: interfaces))
    }

    @Test func `a link is named by its number and gets its addresses by DHCP`() {
        #expect(
            document(.example(network: "default", bridge: "virbr0", mtu: 1400)) == """
                {"links": [{"id": "interface0", "type": "phy", "mtu": 1400, "ethernet_mac_address": "52:54:00:00:00:01"}], \
                "networks": [{"id": "network0", "type": "ipv4_dhcp", "link": "interface0", "network_id": "uuid-of-default"}], "services": []}
                """)
    }

    @Test func `a network is known by its UUID, else by its bridge, else by its link`() {
        #expect(document(.example(network: "default", bridge: "virbr0"))?.contains(#""network_id": "uuid-of-default""#) == true)
        #expect(document(.example(bridge: "br0"))?.contains(#""network_id": "br0""#) == true)
        #expect(document(.example())?.contains(#""network_id": "interface0""#) == true)
        #expect(document(.example())?.contains(#""mtu": null"#) == true)
    }

    @Test func `a link without DHCP has no network, and the others keep their numbers`() {
        #expect(
            document(.example(1, network: "quiet", offersDHCP: false), .example(2, bridge: "br0")) == """
                {"links": [{"id": "interface0", "type": "phy", "mtu": null, "ethernet_mac_address": "52:54:00:00:00:01"}, \
                {"id": "interface1", "type": "phy", "mtu": null, "ethernet_mac_address": "52:54:00:00:00:02"}], \
                "networks": [{"id": "network0", "type": "ipv4_dhcp", "link": "interface1", "network_id": "br0"}, \
                {"id": "network1", "type": "ipv6_slaac", "link": "interface1", "network_id": "br0"}], "services": []}
                """)
    }

    @Test func `a document without networks does not exist, so that the guest falls back to DHCP`() {
        #expect(document() == nil)
        #expect(document(.example(network: "quiet", offersDHCP: false)) == nil)
        let quiet = Instance.example(interfaces: [.example(network: "quiet", offersDHCP: false)])
        #expect(read("/openstack/latest", quiet)?.contains("network_data") == false)
    }

    // MARK: The operator's configuration

    private func link(_ change: (inout NetworkInterface) -> Void, network: NetworkReference? = nil) -> NetworkInterface {
        var interface = NetworkInterface(mac: MACAddress(bits: 0x5254_0000_0001))
        interface.network = network
        change(&interface)
        return interface
    }

    private func networks(_ interfaces: NetworkInterface...) -> String? {
        let text = read("/openstack/latest/network_data.json", .example(interfaces: interfaces))
        guard let start = text?.firstRange(of: #""networks": "#)?.upperBound, let text else { return nil }
        return String(text[start...].dropLast())
    }

    private func network(_ change: (inout NetworkReference) -> Void) -> NetworkReference {
        var network = NetworkReference(name: "n", uuid: "u", offersDHCP: false)
        change(&network)
        return network
    }

    @Test func `operator's addresses of both families are configured with routes and name servers`() throws {
        let configured = link {
            $0.bridge = "br0"
            $0.configuration.addresses = ["192.0.2.7/23", "2001:db8::7/64", "192.0.2.8/32"].compactMap { InterfaceAddress($0) }
            $0.configuration.gateways = ["192.0.2.1", "fe80::1"].compactMap { IPAddress($0) }
            $0.configuration.nameServers = ["2001:db8::53", "192.0.2.53"].compactMap { IPAddress($0) }
            $0.configuration.routes = [("10.0.0.0/8", "192.0.2.2"), ("2001:db8:1::/48", "2001:db8::2")].compactMap { to, by in
                AddressRange(to).flatMap { to in IPAddress(by).flatMap { Route(to: to, by: $0) } }
            }
        }
        #expect(
            networks(configured) == """
                [{"id": "network0", "type": "ipv4", "link": "interface0", "ip_address": "192.0.2.7", "netmask": "255.255.254.0", \
                "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"}, \
                {"network": "10.0.0.0", "netmask": "255.0.0.0", "gateway": "192.0.2.2"}], "network_id": "br0", \
                "services": [{"type": "dns", "address": "192.0.2.53"}], "dns_nameservers": ["192.0.2.53"]}, \
                {"id": "network1", "type": "ipv4", "link": "interface0", "ip_address": "192.0.2.8", "netmask": "255.255.255.255", \
                "routes": [], "network_id": "br0", "services": []}, \
                {"id": "network2", "type": "ipv6", "link": "interface0", "ip_address": "2001:db8::7", \
                "netmask": "ffff:ffff:ffff:ffff::", "routes": [{"network": "::", "netmask": "::", "gateway": "fe80::1"}, \
                {"network": "2001:db8:1::", "netmask": "ffff:ffff:ffff::", "gateway": "2001:db8::2"}], "network_id": "br0", \
                "services": [{"type": "dns", "address": "2001:db8::53"}], "dns_nameservers": ["2001:db8::53"]}], \
                "services": [{"type": "dns", "address": "192.0.2.53"}, {"type": "dns", "address": "2001:db8::53"}]
                """)
    }

    @Test func `an address without a prefix is ignored, and the link uses DHCP`() {
        let configured = link { $0.configuration.addresses = [InterfaceAddress("192.0.2.7")].compactMap(\.self) }
        #expect(networks(configured)?.contains(#""type": "ipv4_dhcp""#) == true)
    }

    @Test func `the operator's address replaces a libvirt network's DHCP for its family only`() {
        var dhcp = NetworkReference(name: "n", uuid: "u", offersDHCP: true)
        dhcp.ipv6 = .slaac
        let configured = link(
            { $0.configuration.addresses = [InterfaceAddress("192.0.2.7/24")].compactMap(\.self) }, network: dhcp)
        let found = networks(configured) ?? ""
        #expect(found.contains(#""type": "ipv4", "#) && !found.contains("ipv4_dhcp"))
        #expect(found.contains(#""type": "ipv6_slaac", "link": "interface0", "network_id": "u"}"#))
    }

    @Test func `on a libvirt network the host is router and name server of a static link`() {
        let addresses = [InterfaceAddress("192.0.2.1/24"), InterfaceAddress("2001:db8::1/64")].compactMap(\.self)
        let configured = { (change: @escaping (inout NetworkReference) -> Void) in
            self.networks(
                self.link(
                    { $0.configuration.addresses = [InterfaceAddress("192.0.2.7/24")].compactMap(\.self) },
                    network: self.network {
                        ($0.hostAddresses, $0.leadsOut) = (addresses, true)
                        change(&$0)
                    })) ?? ""
        }
        let route = #""gateway": "192.0.2.1"}]"#
        let server = #""services": [{"type": "dns", "address": "192.0.2.1"}], "dns_nameservers": ["192.0.2.1"]}"#
        #expect(configured { _ in }.contains(route) && configured { _ in }.contains(server))
        let isolated = configured { $0.leadsOut = false }
        #expect(
            isolated.contains(
                #""routes": [{"network": "169.254.169.254", "netmask": "255.255.255.255", "gateway": "192.0.2.1"}]"#))
        #expect(!configured { $0.resolvesNames = false }.contains(server))
        let searched = configured { $0.advertised4.searchDomains = ["lab.example"] }
        #expect(searched.contains(server.dropLast() + #", "dns_search": ["lab.example"]}"#))
        #expect(
            !configured { ($0.advertised4.searchDomains, $0.resolvesNames) = (["lab.example"], false) }.contains("dns_search"))
        let routed = configured { network in
            network.routes = [AddressRange("10.0.0.0/8")].compactMap {
                $0.flatMap { to in IPAddress("192.0.2.9").flatMap { Route(to: to, by: $0) } }
            }
        }
        #expect(routed.contains(#"{"network": "10.0.0.0", "netmask": "255.0.0.0", "gateway": "192.0.2.9"}]"#))
    }

    @Test(arguments: [
        (LinkConfiguration.IPv6Method.slaac, "ipv6_slaac"), (.dhcp, "ipv6_dhcp"), (.stateful, "ipv6_dhcpv6-stateful"),
        (.stateless, "ipv6_dhcpv6-stateless"),
    ]) func `the operator says how a link gets addresses by IPv6`(method: LinkConfiguration.IPv6Method, type: String) {
        let asked = link { $0.configuration.ipv6 = method }
        #expect(
            networks(asked) == """
                [{"id": "network0", "type": "ipv4_dhcp", "link": "interface0", "network_id": "interface0"}, \
                {"id": "network1", "type": "\(type)", "link": "interface0", "network_id": "interface0"}], "services": []
                """)
    }

    /// cloud-init before 23.1 does not take it for one on the link, and needs a route to it.
    @Test func `a gateway outside the subnet is not among the routes, and one leads to it`() {
        let configured = link {
            $0.configuration.addresses = ["203.0.113.5/32"].compactMap { InterfaceAddress($0) }
            $0.configuration.gateways = ["203.0.113.1"].compactMap { IPAddress($0) }
        }
        #expect(
            networks(configured) == """
                [{"id": "network0", "type": "ipv4", "link": "interface0", "ip_address": "203.0.113.5", "netmask": "255.255.255.255", \
                "gateway": "203.0.113.1", \
                "routes": [{"network": "203.0.113.1", "netmask": "255.255.255.255", "gateway": "0.0.0.0"}], \
                "network_id": "interface0", "services": []}], "services": []
                """)
    }

    @Test func `a network with DHCP has the operator's routes`() {
        let configured = link {
            $0.configuration.ipv6 = .slaac
            $0.configuration.gateways = ["192.0.2.254", "fe80::1"].compactMap { IPAddress($0) }
        }
        #expect(
            networks(configured) == """
                [{"id": "network0", "type": "ipv4_dhcp", "link": "interface0", "network_id": "interface0", \
                "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.254"}]}, \
                {"id": "network1", "type": "ipv6_slaac", "link": "interface0", "network_id": "interface0", \
                "routes": [{"network": "::", "netmask": "::", "gateway": "fe80::1"}]}], "services": []
                """)
    }

    @Test func `a link that is down, or of which nothing is known, has no networks`() {
        var down = link { $0.configuration.ipv4 = .dhcp }
        down.isDown = true
        #expect(networks(down) == nil)
        let both = document(down, .example(2, bridge: "br0"), .example(3, bridge: "br1")) ?? ""
        #expect(
            both.contains(
                #""networks": [{"id": "network0", "type": "ipv4_dhcp", "link": "interface1", "network_id": "br0"}, "#
                    + #"{"id": "network1", "type": "ipv6_slaac", "link": "interface1", "network_id": "br0"}], "#))
        #expect(both.contains(#"{"id": "interface2", "type": "phy", "#))
    }

    @Test func `a guest heeds router advertisements beside static addresses if a network of the right type follows`() {
        let types = { (method: LinkConfiguration.IPv6Method) in
            (self.networks(
                self.link {
                    $0.configuration.addresses = ["2001:db8::7/64"].compactMap { InterfaceAddress($0) }
                    $0.configuration.ipv6 = method
                }) ?? "").split(separator: #""type": ""#).dropFirst().map { String($0.prefix { $0 != "\"" }) }
        }
        #expect(types(.slaac) == ["ipv6", "ipv6_dhcp"] && types(.stateless) == ["ipv6", "ipv6_dhcp"])
        #expect(types(.stateful) == ["ipv6", "ipv6_dhcpv6-stateful"] && types(.none) == ["ipv6"])
    }

    @Test func `a gateway outside the subnet comes before others, which have metrics`() {
        let static1 = link {
            $0.configuration.addresses = ["192.0.2.7/24"].compactMap { InterfaceAddress($0) }
            $0.configuration.gateways = ["192.0.2.1"].compactMap { IPAddress($0) }
        }
        var hosted = NetworkInterface(mac: MACAddress(bits: 0x5254_0000_0002))
        hosted.configuration.addresses = ["203.0.113.5/32"].compactMap { InterfaceAddress($0) }
        hosted.configuration.gateways = ["203.0.113.1"].compactMap { IPAddress($0) }
        let found = networks(static1, hosted) ?? ""
        #expect(
            found.contains(#""gateway": "192.0.2.1", "metric": 200}"#)
                && found.contains(#""gateway": "203.0.113.1", "routes": [{"network": "203.0.113.1", "#))
        // Two of them cannot both be without a metric.
        var other = hosted
        other.mac = MACAddress(bits: 0x5254_0000_0003)
        #expect(networks(hosted, other)?.contains(#""gateway": "203.0.113.1", "metric": 200}]"#) == true)
    }

    @Test func `a link configured without addresses has none`() {
        #expect(networks(link { $0.configuration.ipv4 = LinkConfiguration.IPv4Method.none }) == nil)
        let quiet = link({ $0.configuration.ipv6 = LinkConfiguration.IPv6Method.none }, network: network { $0.ipv6 = .slaac })
        #expect(networks(quiet) == nil)
    }

    @Test func `bonds and VLANs are links, and members of a bond have no addresses`() throws {
        let cards = [1, 2].map { NetworkInterface(mac: MACAddress(bits: 0x5254_0000_0000 | $0)) }
        var configuration = LinkConfiguration()
        configuration.addresses = [InterfaceAddress("192.0.2.7/24")].compactMap(\.self)
        configuration.mtu = 1400
        var asked = LinkConfiguration()
        asked.ipv4 = .dhcp
        let links = [
            VirtualLink(
                name: "bond0", kind: .bond(mode: "802.3ad", members: cards.map(\.mac), parameters: [Tag("bond_miimon", "100")]),
                mac: cards[0].mac, configuration: asked),
            VirtualLink(name: "vlan5", kind: .vlan(id: 5, on: .bond("bond0")), mac: cards[0].mac, configuration: configuration),
        ]
        let document = read("/openstack/latest/network_data.json", .example(virtualLinks: links, interfaces: cards))
        #expect(
            document == """
                {"links": [{"id": "interface0", "type": "phy", "mtu": null, "ethernet_mac_address": "52:54:00:00:00:01"}, \
                {"id": "interface1", "type": "phy", "mtu": null, "ethernet_mac_address": "52:54:00:00:00:02"}, \
                {"id": "bond0", "type": "bond", "ethernet_mac_address": "52:54:00:00:00:01", \
                "bond_links": ["interface0", "interface1"], "bond_mode": "802.3ad", "bond_miimon": 100}, \
                {"id": "vlan5", "type": "vlan", "mtu": 1400, "ethernet_mac_address": "52:54:00:00:00:01", \
                "vlan_link": "bond0", "vlan_id": 5, "vlan_mac_address": "52:54:00:00:00:01"}], \
                "networks": [{"id": "network0", "type": "ipv4_dhcp", "link": "bond0", "network_id": "bond0"}, \
                {"id": "network1", "type": "ipv4", "link": "vlan5", "ip_address": "192.0.2.7", "netmask": "255.255.255.0", \
                "routes": [], "network_id": "vlan5", "services": []}], "services": []}
                """)
    }
}

import Common
import Description
import Testing

/// The links of guests on real libvirt networks.
struct GuestLinksTests {
    private static let mac = "52:54:00:00:00:02"

    /// The links of a domain with interfaces on the network `n`, written out.
    private func links(
        _ network: String, _ elements: String = "", devices: String = "<interface type='network'>\(tap)</interface>"
    ) throws -> [GuestLink] {
        let (network, domain) = (Array("<network><name>n</name>\(network)</network>".utf8), machine(elements, devices))
        return try InstanceAssembly(networks: [network], readsBare: false).assemble(domain).instance.guestLinks
    }

    private static let tap = "<mac address='\(mac)'/><source network='n'/>"

    private func machine(_ elements: String, _ devices: String) -> [UInt8] {
        Array(
            """
            <domain type='test'><name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>\
            <metadata><instance xmlns='urn:virt-metadata:instance:1'><interfaces><interface mac='\(Self.mac)'>\(elements)</interface>\
            </interfaces></instance></metadata><devices>\(devices)</devices></domain>
            """.utf8)
    }

    private func configurations(_ network: String, _ elements: String = "") throws -> [String] {
        try #require(try links(network, elements).first).networks.map(\.text)
    }

    private static let nat = """
        <forward mode='nat'/><bridge name='virbr9'/><domain name='c.example'/>\
        <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.9'/></dhcp></ip>
        """

    // MARK: Name servers

    @Test(arguments: [
        "<dns><forwarder domain='apps.c.example' addr='127.0.0.1'/><forwarder addr='192.0.2.53' port='1053'/></dns>",
        "<dns><forwarder addr='192.0.2.53'/></dns>", "<dns><forwarder domain='apps.c.example'/></dns>", "",
    ]) func `a guest asks the network's own server, never a forwarder`(dns: String) throws {
        #expect(
            try configurations(Self.nat + dns, "<address>192.168.122.20/24</address>") == [
                "192.168.122.20/24 route 0.0.0.0/0 via 192.168.122.1 dns 192.168.122.1 search c.example"
            ])
        #expect(try configurations(Self.nat + dns) == ["dhcp4"])
    }

    @Test func `without DNS on the network a guest has the operator's servers alone`() throws {
        let quiet = Self.nat + "<dns enable='no'><forwarder addr='192.0.2.53'/></dns>"
        #expect(
            try configurations(quiet, "<address>192.168.122.20/24</address>") == [
                "192.168.122.20/24 route 0.0.0.0/0 via 192.168.122.1"
            ])
        for network in [quiet, Self.nat] {
            #expect(
                try configurations(network, "<address>192.168.122.20/24</address><dns>192.0.2.54</dns>") == [
                    "192.168.122.20/24 route 0.0.0.0/0 via 192.168.122.1 dns 192.0.2.54"
                ])
        }
    }

    @Test func `of several addresses of the host the one in the guest's subnet is the server`() throws {
        let network = Self.nat + "<ip address='192.168.123.1' prefix='24'/><ip family='ipv6' address='fd00:9::1' prefix='64'/>"
        #expect(
            try configurations(network, "<address>192.168.123.20/24</address><address>fd00:9::20/64</address>") == [
                "192.168.123.20/24 route 0.0.0.0/0 via 192.168.123.1 dns 192.168.123.1 search c.example",
                "fd00:9::20/64 route ::/0 via fd00:9::1 dns fd00:9::1 search c.example",
            ])
    }

    @Test(arguments: [
        (
            "dhcp-option=option:dns-server,10.0.5.57,8.8.8.8",
            "route 0.0.0.0/0 via 192.168.122.1 dns 10.0.5.57 dns 8.8.8.8 search c.example"
        ),
        ("dhcp-option=6,0.0.0.0", "route 0.0.0.0/0 via 192.168.122.1 dns 192.168.122.1 search c.example"),
        ("dhcp-option=6", "route 0.0.0.0/0 via 192.168.122.1"),
        ("dhcp-option=tag:a,6,10.0.5.57", "route 0.0.0.0/0 via 192.168.122.1 dns 192.168.122.1 search c.example"),
        ("dhcp-option=option:router,192.168.122.9", "route 0.0.0.0/0 via 192.168.122.9 dns 192.168.122.1 search c.example"),
        (
            "dhcp-option=3", "route 169.254.169.254/32 via 192.168.122.1 dns 192.168.122.1 search c.example"
        ),
        (
            "dhcp-option=3,10.9.9.9", "route 169.254.169.254/32 via 192.168.122.1 dns 192.168.122.1 search c.example"
        ),
    ]) func `a static guest has the router and the servers that DHCP advertises`(option: String, rest: String) throws {
        let options = """
            <d:options xmlns:d='http://libvirt.org/schemas/network/dnsmasq/1.0'><d:option value='\(option)'/></d:options>
            """
        #expect(
            try configurations(Self.nat + options, "<address>192.168.122.20/24</address>") == ["192.168.122.20/24 \(rest)"])
    }

    // MARK: IPv6

    @Test(arguments: [
        (
            "<ip family='ipv6' address='fd2e::1' prefix='120'><dhcp><range start='fd2e::14' end='fd2e::3c'/></dhcp></ip>",
            ["dhcpv6-stateful"]
        ),
        ("<ip family='ipv6' address='fd2e::1' prefix='64'/>", ["slaac"]), ("<ip family='ipv6' address='fd2e::1'/>", ["slaac"]),
        ("<ip family='ipv6' address='fd2e::1' prefix='120'/>", []),
        ("<ip family='ipv6' address='fd2e::1' prefix='120'/><ip family='ipv6' address='fd2f::1' prefix='64'/>", ["slaac"]),
        (
            "<ip address='192.0.2.1' prefix='24'><dhcp><host name='web' ip='192.0.2.5'/></dhcp></ip><ip family='ipv6' address='fd2e::1' prefix='64'/>",
            ["dhcp4", "slaac"]
        ),
    ]) func `a network promises the families that libvirt assigns`(ranges: String, configured: [String]) throws {
        let network = "<forward mode='nat'><nat ipv6='yes'/></forward><bridge name='virbr6'/>" + ranges
        #expect(try configurations(network) == configured)
    }

    // MARK: Routes

    @Test func `routes and gateways apply to DHCP too`() throws {
        let route = "<route to='198.51.100.0/24' via='192.168.122.254' metric='50'/>"
        #expect(
            try configurations(Self.nat, "<ipv4>dhcp</ipv4>\(route)<dns>192.0.2.53</dns>") == [
                "dhcp4 route 198.51.100.0/24 via 192.168.122.254 metric 50 dns 192.0.2.53"
            ])
        #expect(
            try configurations(Self.nat, "<gateway>192.168.122.254</gateway>") == ["dhcp4 route 0.0.0.0/0 via 192.168.122.254"])
    }

    @Test func `a gateway outside the subnet is on the link`() throws {
        let bridge = "<forward mode='bridge'/><bridge name='br0'/>"
        #expect(
            try configurations(
                bridge,
                "<address>203.0.113.5/32</address><address>2001:db8::5/128</address>"
                    + "<gateway>203.0.113.1</gateway><gateway>2001:db8:1::1</gateway>"
            ) == [
                "203.0.113.5/32 route 0.0.0.0/0 via 203.0.113.1 on-link", "2001:db8::5/128 route ::/0 via 2001:db8:1::1 on-link",
            ])
        #expect(
            try configurations(bridge, "<address>2001:db8::5/128</address><gateway>fe80::1</gateway>") == [
                "2001:db8::5/128 route ::/0 via fe80::1"
            ])
    }

    @Test func `a network's route is not for its router, and only one default route is served`() throws {
        let route = "<route address='192.168.222.0' prefix='24' gateway='192.168.122.2' metric='2'/>"
        let other = "192.168.122.3/24"
        let all = "<route address='0.0.0.0' netmask='0.0.0.0' gateway='192.168.122.2'/>"
        let rest = "dns 192.168.122.1 search c.example"
        for (routes, address, expected) in [
            (route, "192.168.122.2/24", ""), (route, other, " route 192.168.222.0/24 via 192.168.122.2 metric 2"),
            (all, other, ""),
            (all, "192.168.122.2/24", ""), ("<route address='10.0.0.0' prefix='8' gateway='10.9.9.9'/>", other, ""),
        ] {
            #expect(
                try configurations(Self.nat + routes, "<address>\(address)</address>") == [
                    "\(address) route 0.0.0.0/0 via 192.168.122.1\(expected) \(rest)"
                ])
        }
    }

    @Test func `the default route of a second link has a metric`() throws {
        let devices = [2, 3].map { interface($0) }
        let second = "</interface><interface mac='52:54:00:00:00:03'><address>192.0.2.8/24</address><gateway>192.0.2.1</gateway>"
        let found = try links(
            "", "<address>192.0.2.7/24</address><gateway>192.0.2.1</gateway>" + second, devices: devices.joined())
        #expect(
            found.map { $0.networks.map(\.text) } == [
                ["192.0.2.7/24 route 0.0.0.0/0 via 192.0.2.1"], ["192.0.2.8/24 route 0.0.0.0/0 via 192.0.2.1 metric 200"],
            ])
    }

    // MARK: Interfaces

    private func interface(_ number: Int, _ type: String = "bridge", _ source: String = "bridge='br0'", _ more: String = "")
        -> String
    {
        "<interface type='\(type)'><mac address='52:54:00:00:00:0\(number)'/><source \(source)/>\(more)</interface>"
    }

    @Test func `only the first link of which nothing is known is expected to have DHCP`() throws {
        let links = { (devices: String) in
            try self.links(Self.nat, devices: devices).map { link in
                link.networks.map(\.text).joined(separator: "+") + (link.isOptional ? " optional" : "")
            }
        }
        let both = "dhcp4+slaac"
        #expect(try links(interface(2) + interface(3)) == [both, both + " optional"])
        #expect(try links(interface(2, "network", "network='n'") + interface(3)) == ["dhcp4", both + " optional"])
        #expect(try links(interface(2) + interface(3, "network", "network='n'")) == [both, "dhcp4"])
        #expect(try links(interface(2) + interface(3, "network", "network='inactive'")) == [both, "dhcp4"])
        #expect(try links(interface(2, "hostdev", "") + interface(3)) == [both + " optional", both])
        #expect(
            try links(interface(2, "bridge", "bridge='br0'", "<link state='down'/>") + interface(3)) == [
                both + " optional", both,
            ])
    }

    @Test func `the operator's elements make a second link required`() throws {
        let second = "</interface><interface mac='52:54:00:00:00:03'><ipv4>dhcp</ipv4>"
        #expect(try links("", second, devices: interface(2) + interface(3)).map(\.isOptional) == [false, false])
        let static6 = "</interface><interface mac='52:54:00:00:00:03'><address>2001:db8::7/64</address>"
        let found = try #require(try links("", static6, devices: interface(2) + interface(3)).last)
        #expect(found.networks.map(\.text) == ["2001:db8::7/64"] && !found.isOptional)
    }

    @Test func `a teaming pair is one link, that of the persistent half`() throws {
        let transient = interface(2, "hostdev", "", "<vlan><tag id='5'/></vlan><teaming type='transient' persistent='ua-b'/>")
        let persistent = interface(2, "network", "network='n'", "<teaming type='persistent'/><alias name='ua-b'/>")
        for devices in [persistent + transient, transient + persistent] {
            let found = try links(Self.nat, devices: devices)
            #expect(found.count == 1 && found.first?.networks.map(\.text) == ["dhcp4"] && found.first?.isOptional == false)
        }
        // The fast half alone, and two interfaces whose author gave them one address.
        #expect(try links(Self.nat, devices: transient).count == 1)
        #expect(try links(Self.nat, devices: interface(2) + interface(2)).map(\.id) == ["interface0"])
    }
}

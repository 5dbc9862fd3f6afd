import Common
import Description
import Testing

/// Networks by libvirt's own rules: what its parser takes, and what its dnsmasq does with that.
struct NetworkXMLTests {
    private typealias Example = GuestLinkExample
    private static let (nat, range, address) = (Example.nat, Example.range, Example.address)
    private static let ipv6 = "<ip family='ipv6' address='fd00:9::1' prefix='64'>"

    private static let leased6 = ipv6 + "<dhcp><range start='fd00:9::2' end='fd00:9::9'/></dhcp></ip>"

    /// Where the host has an address, but leases none.
    private static func hosts(_ entries: String) -> String {
        "\(nat)<ip address='192.168.122.1' prefix='24'><dhcp>\(entries)</dhcp></ip>"
    }

    private static func hosts6(_ entries: String) -> String { "\(nat)\(ipv6)<dhcp>\(entries)</dhcp></ip>" }

    // MARK: Reservations

    @Test(
        arguments: [
            (hosts("<host mac='52:54:00:00:00:02' ip='192.168.122.50'/>"), ["192.168.122.50"], [String]()),
            // dnsmasq takes the last one.
            (
                hosts("<host mac='52:54:00:00:00:02' ip='192.168.122.50'/><host mac='52:54:00:00:00:02' ip='192.168.122.51'/>"),
                ["192.168.122.51"], []
            ),
            // libvirt takes groups of one digit, and white space at the end, and keeps them.
            (hosts("<host mac='52:54:0:0:0:2 ' ip='192.168.122.50'/>"), ["192.168.122.50"], []),
            (hosts("<host name='web' ip='192.168.122.50'/>"), [], ["192.168.122.50"]),
            (hosts("<host name='WEB' ip='192.168.122.50'><lease expiry='0'/></host>"), [], ["192.168.122.50"]),
            (hosts("<host name='web.lab.example' ip='192.168.122.50'/>"), [], []),
            (hosts("<host name='db' ip='192.168.122.50'/>"), [], []),
            // A MAC address excludes other guests of that name.
            (hosts("<host mac='52:54:00:00:00:09' name='web' ip='192.168.122.50'/>"), [], []),
            (
                hosts("<host name='web' ip='192.168.122.50'/><host mac='52:54:00:00:00:02' ip='192.168.122.51'/>"),
                ["192.168.122.51"], []
            ),
            (hosts6("<host name='web' ip='fd00:9::50'/>"), [], ["fd00:9::50"]),
            (hosts6("<host id='00:03:00:01:52:54:00:00:00:02' ip='fd00:9::50'/>"), [], ["fd00:9::50"]),
            (hosts6("<host id='0:3:0:1:52:54:0:0:0:2' ip='fd00:9::50'/>"), [], ["fd00:9::50"]),
            (hosts6("<host id='00:01:00:01:2a:2b:2c:2d:52:54:00:00:00:02' name='x' ip='fd00:9::50'/>"), [], ["fd00:9::50"]),
            (
                hosts6("<host id='00:04:83:67:91:62:13:78:42:88:a2:d4:70:e1:3e:c1:32:aa' ip='fd00:9::50'/>"), [], ["fd00:9::50"]
            ),
            // As firmware reads it from SMBIOS.
            (
                hosts6("<host id='00:04:62:91:67:83:78:13:88:42:a2:d4:70:e1:3e:c1:32:aa' ip='fd00:9::50'/>"), [], ["fd00:9::50"]
            ),
            (hosts6("<host id='00:02:00:00:ab:11:01:02:03:04:05:06:07:08' ip='fd00:9::50'/>"), [], []),
            (hosts6("<host id='00:03:00:01:52:54:00:00:00:09' ip='fd00:9::50'/>"), [], []),
            (hosts6("<host id='000300015254' name='web' ip='fd00:9::50'/>"), [], ["fd00:9::50"]),
        ] as [(String, [String], [String])])
    func `an address is reserved by MAC address, and expected by name or identifier`(
        body: String, reserved: [String], expected: [String]
    ) throws {
        let interface = try #require(try Example.assembled(body).instance.interfaces.first)
        #expect(interface.reservations.map(\.description) == reserved)
        #expect(interface.expectedAddresses.map(\.description) == expected)
        #expect(try Example.findings(body) == [])
    }

    @Test func `a host name with a domain expects the addresses for its first part`() throws {
        let body = Self.hosts("<host name='web' ip='192.168.122.50'/>")
        let more = "<hostname>web.lab.example</hostname>"
        let found = try Example.assembled(body, more: more).instance.interfaces.first
        #expect(found?.expectedAddresses.map(\.description) == ["192.168.122.50"])
        let other = try Example.assembled(body, more: "<hostname>www.lab.example</hostname>").instance.interfaces.first
        #expect(other?.expectedAddresses == [])
    }

    @Test func `of two interfaces on a network one expects the guest's address`() throws {
        let second = "<interface type='network'><mac address='52:54:00:00:00:03'/><source network='n'/></interface>"
        let devices = Example.interface + second
        let named = Self.hosts6("<host name='web' ip='fd00:9::50'/>")
        let interfaces = { (body: String) in
            try Example.assembled(body, devices: devices).instance.interfaces.map { $0.expectedAddresses.map(\.description) }
        }
        #expect(try interfaces(named) == [["fd00:9::50"], []])
        // The identifier of a guest may contain the MAC address of any interface.
        #expect(
            try interfaces(Self.hosts6("<host id='00:03:00:01:52:54:00:00:00:03' ip='fd00:9::50'/>")) == [["fd00:9::50"], []])
    }

    @Test(
        arguments: [
            (hosts("<host ip='192.168.122.50'/>"), "ip/dhcp/host: missing mac or name: expected one of them"),
            (hosts("<host mac='01:00:5e:00:00:01' ip='192.168.122.50'/>"), "expected the MAC address of one interface"),
            (hosts("<host mac='x' ip='192.168.122.50'/>"), "ip/dhcp/host: invalid mac 'x'"),
            (hosts("<host mac='52:54:00:00:00:02'/>"), "ip/dhcp/host: missing or invalid ip ''"),
            (hosts("<host mac='52:54:00:00:00:02' ip='192.168.122.500'/>"), "missing or invalid ip '192.168.122.500'"),
            (hosts("<host mac='52:54:00:00:00:02' ip='192.168.123.5'/>"), "note: 192.168.123.5 is outside of 192.168.122.0/24"),
            (hosts("<host name='-web' ip='192.168.122.50'/>"), "invalid name '-web': expected a host name"),
            (hosts6("<host mac='52:54:00:00:00:02' ip='fd00:9::50'/>"), "a mac for IPv6: expected the guest's name or the id"),
            (hosts6("<host ip='fd00:9::50'/>"), "missing name or id: expected one of them for IPv6"),
            (hosts6("<host id='00:03:xx' ip='fd00:9::50'/>"), "invalid id '00:03:xx': expected octets in hexadecimal"),
            (hosts6("<host name='web' ip='192.168.122.50'/>"), "note: 192.168.122.50 is outside of fd00:9::/64"),
        ] as [(String, String)])
    func `an entry that libvirt or dnsmasq does not use is named, and not used`(body: String, problem: String) throws {
        let interface = try #require(try Example.assembled(body).instance.interfaces.first)
        #expect(interface.reservations == [] && interface.expectedAddresses == [])
        let found = try Example.findings(body)
        #expect(found.count == 1 && found[0].contains(problem), "\(found)")
    }

    @Test func `a reservation in a line of dnsmasq may spell a MAC address as libvirt does`() throws {
        let body = Self.nat + Self.range + Example.options("dhcp-host=52:54:0:0:0:2,192.168.122.5")
        #expect(try Example.assembled(body).instance.interfaces.first?.reservations.map(\.description) == ["192.168.122.5"])
    }

    @Test func `of a line of dnsmasq its first 1,024 bytes count, and of an option its first values`() throws {
        let servers = (0..<100_000).map { _ in "::1" }.joined(separator: ",")
        let routes = (0..<10_000).map { "10.0.\($0 % 250).0/24,192.168.122.1" }.joined(separator: ",")
        let body =
            Self.nat + Self.range + Self.leased6.replacing(Self.nat, with: "")
            + Example.options("dhcp-option=option6:dns-server,\(servers)", "dhcp-option=121,\(routes)")
        let network = try #require(try Example.assembled(body).instance.interfaces.first?.network)
        #expect((1...64).contains(network.advertised(.v6).nameServers?.count ?? 0))
        #expect((1...64).contains(network.advertised(.v4).routes?.count ?? 0))
        let found = try Example.findings(body)
        #expect(found.count(where: { $0.contains("more than 1024 bytes: dnsmasq takes the rest for a line of its own") }) == 2)
    }

    @Test func `a trunk of one VLAN is a trunk`() throws {
        let vlans = { (attribute: String) in
            try Example.assembled(Self.nat + Self.range + "<vlan\(attribute)><tag id='42'/></vlan>").instance.interfaces.map(
                \.vlan)
        }
        #expect(try vlans("") == [42] && vlans(" trunk='no'") == [42] && vlans(" trunk='yes'") == [nil])
    }

    @Test func `findings of one network are limited`() throws {
        let many = (0..<5_000).map { "<host mac='x' ip='192.168.122.\($0 % 250)'/>" }.joined()
        let found = try Example.findings(Self.hosts(many))
        #expect(found.count == 100 && found.last?.hasSuffix("; further ones are not listed") == true)
    }

    @Test func `the addresses and the routes of a network are bounded: each is compared with the others`() throws {
        let addresses = (0..<100).map { "<ip address='10.\($0).0.1' prefix='24'/>" }.joined()
        let routes = (0..<300).map { "<route address='11.\($0 >> 8).\($0 & 255).0' prefix='24' gateway='10.0.0.2'/>" }.joined()
        #expect(
            try Example.findings(addresses + routes) == [
                "ip: more than 64 such elements; the first 64 are used",
                "route: more than 256 such elements; the first 256 are used",
            ])
        let interface = try #require(try Example.assembled(addresses + routes).instance.interfaces.first)
        #expect(interface.network?.hostAddresses.count == 64 && interface.network?.routes.count == 256)
    }

    // MARK: DHCP

    @Test(
        arguments: [
            (nat + range, "dhcp4"),
            (
                hosts("<range start='192.168.122.2' end='192.168.122.9'><lease expiry='0'/></range>"), "dhcp4"
            ),
            ("\(nat)<ip address='192.168.122.1' prefix='24'><dhcp><bootp file='pxe'/></dhcp></ip>", ""),
            (hosts("<host mac='52:54:00:00:00:02' ip='192.168.122.50'/>"), "dhcp4"),
            (hosts("<host name='web' ip='192.168.122.50'/>"), "dhcp4"), (hosts("<host name='db' ip='192.168.122.50'/>"), ""),
            (hosts("<host mac='52:54:00:00:00:09' ip='192.168.122.50'/>"), ""),
            (hosts6("<host name='db' ip='fd00:9::50'/>"), "dhcpv6-stateful; ra"),
            ("\(nat)<dns enable='no'/>\(range)", "dhcp4"),
            // Without DHCP and DNS libvirt runs no dnsmasq, which would send router advertisements.
            ("\(nat)<dns enable='no'/>\(ipv6)</ip>", ""), ("\(nat)\(ipv6)</ip>", "slaac; ra"),
            ("\(nat)<dns enable='no'/>\(range)\(ipv6)</ip>", "dhcp4; slaac; ra"),
            // Both families; a second prefix is not advertised beside DHCPv6.
            (
                "\(nat)\(range)\(leased6)<ip family='ipv6' address='fd00:8::1' prefix='64'/>", "dhcp4; dhcpv6-stateful; ra"
            ),
            // Advertisements still bring a router and name servers.
            ("\(nat)<ip family='ipv6' address='fd00:9::1' prefix='80'/>", "ra"),
            ("\(nat)\(range)<ip family='ipv6' address='fd00:9::1' prefix='80'/>", "dhcp4; ra"),
            ("<bridge name='virbr9'/>\(range)", "dhcp4"), ("<forward mode='route'/>\(range)", "dhcp4"),
            ("<forward mode='open'/>\(range)", "dhcp4"), ("<forward mode='bridge'/><bridge name='br0'/>", "dhcp4; slaac; ra"),
            ("<forward mode='bridge' dev='eth0'/>", "dhcp4; slaac; ra"),
            ("<forward mode='private' dev='eth0'/>", "dhcp4; slaac; ra"),
            ("<forward mode='passthrough' dev='eth0'/>", "dhcp4; slaac; ra"),
            ("<forward mode='hostdev' managed='yes'><pf dev='eth3'/></forward>", "dhcp4; slaac; ra; optional"),
        ] as [(String, String)])
    func `a guest asks for the addresses that libvirt assigns to it`(body: String, link: String) throws {
        #expect(try Example.links(body) == [link])
        #expect(try Example.findings(body) == [])
    }

    @Test func `check names a guest to which a network leases nothing`() throws {
        let body = Self.hosts("<host mac='52:54:00:00:00:09' ip='192.168.122.50'/>")
        let problem = """
            52:54:00:00:00:02 gets no IPv4 address from the network 'n': its <dhcp> has no <range>, and no <host> with this MAC \
            address or the guest's host name
            """
        let named = { (elements: String) in try Example.assembled(body, elements).findings.contains { $0.problem == problem } }
        #expect(try named(""))
        #expect(try !named(Self.address))
        #expect(try !named("<ipv4>none</ipv4>"))
    }

    // MARK: What libvirt refuses

    /// A network with these addresses, and one that is right.
    @Test(
        arguments: [
            ("<ip address='10.9.0.1' prefix='33'/>", "ip: invalid prefix '33': expected an integer from 0 to 32"),
            ("<ip address='10.9.0.1' prefix='x'/>", "ip: invalid prefix 'x'"),
            (
                "<ip address='10.9.0.1' netmask='255.0.255.0'/>",
                "ip: invalid netmask '255.0.255.0': expected ones followed by zeros"
            ),
            ("<ip address='10.9.0.1' netmask='255.255.255.255.0'/>", "ip: invalid netmask"),
            ("<ip address='10.9.0.1' netmask='ffff::'/>", "ip: invalid netmask 'ffff::'"),
            ("<ip address='10.9.0.1' netmask='255.255.0.0' prefix='16'/>", "ip: both prefix and netmask"),
            ("<ip address='224.0.0.1'/>", "ip: neither prefix nor netmask"),
            ("<ip address='10.9.0'/>", "ip: missing or invalid address '10.9.0'"), ("<ip/>", "ip: missing or invalid address ''"),
            ("<ip address='fd00:8::1' prefix='64'/>", "ip: fd00:8::1 is not of the family ipv4: add family='ipv6'"),
            ("<ip family='ipv6' address='10.9.0.1' prefix='24'/>", "ip: 10.9.0.1 is not of the family ipv6"),
            ("<ip family='inet6' address='fd00:8::1'/>", "ip: invalid family 'inet6': expected ipv4 or ipv6"),
            (
                "<ip family='ipv6' address='fd00:8::1' prefix='129'/>",
                "ip: invalid prefix '129': expected an integer from 0 to 128"
            ),
            ("<ip family='ipv6' address='fd00:8::1' netmask='ffff::'/>", "ip: a netmask for IPv6"),
            (
                "<ip address='10.9.0.1' prefix='8'><dhcp><range start='10.0.0.2' end='10.0.0.9'/></dhcp></ip>",
                "ip/dhcp: a second <dhcp> of one address family"
            ),
            (
                "<ip address='10.9.0.1' prefix='24'><dhcp><range start='10.9.1.2' end='10.9.1.9'/></dhcp></ip>",
                "ip/dhcp/range: invalid range: expected start and end in 10.9.0.0/24"
            ),
            (
                "<ip address='10.9.0.1' prefix='24'><dhcp><range start='10.9.0.9' end='10.9.0.2'/></dhcp></ip>",
                "the lower one first"
            ), ("<ip address='10.9.0.1' prefix='24'><dhcp><range start='10.9.0.9'/></dhcp></ip>", "invalid range"),
            (
                "<route address='10.0.0.0' prefix='8' gateway='10.9.9.9'/>",
                "route: the gateway 10.9.9.9 is in the subnet of no <ip>"
            ),
            (
                "<route address='10.0.0.1' prefix='8' gateway='192.168.122.2'/>",
                "route: 10.0.0.1 is not a network address: expected 10.0.0.0/8"
            ), ("<route address='10.0.0.0' gateway='192.168.122.2'/>", "route: neither prefix nor netmask"),
            ("<route address='10.0.0.0' prefix='8'/>", "route: missing or invalid gateway ''"),
            ("<route address='10.0.0.0' prefix='8' gateway='fd00::1'/>", "route: missing or invalid gateway 'fd00::1'"),
            ("<route address='10.0.0.0' prefix='8' gateway='192.168.122.2' metric='0'/>", "route: invalid metric '0'"),
            ("<route address='10.0.0.0' netmask='255.0.255.0' gateway='192.168.122.2'/>", "route: invalid netmask"),
            ("<domain name='a b'/>", "domain: 'a b' is not a valid domain name"), ("<mtu size='10'/>", "mtu: invalid size '10'"),
            ("<mtu size='9k'/>", "mtu: invalid size '9k': expected an integer from 68 to 65535"),
        ] as [(String, String)])
    func `a value that libvirt refuses costs itself`(element: String, problem: String) throws {
        let found = try Example.findings(Self.nat + Self.range + element)
        #expect(found.count == 1 && found[0].contains(problem), "\(found)")
        let plain = "192.168.122.20/24 route 0.0.0.0/0 via 192.168.122.1 dns 192.168.122.1"
        #expect(try Example.links(Self.nat + Self.range + element, Self.address) == [plain])
        #expect(try Example.links(Self.nat + Self.range + element) == ["dhcp4"])
        #expect(try Example.assembled(Self.nat + Self.range + element).instance.interfaces.first?.mtu == nil)
    }

    @Test(
        arguments: [
            ("<forward mode='bridge'/><bridge name='br0'/>\(range)", "ip: libvirt gives the host no address on a network with"),
            ("<forward mode='hostdev'/>\(range)", "<forward mode='hostdev'>"),
            ("<forward mode='nat'/><bridge name='virbr9'/>", "forward: mode 'nat' needs a usable <ip>"),
            ("<forward mode='route'/><ip address='10.9.0.1' prefix='33'/>", "forward: mode 'route' needs a usable <ip>"),
            ("<forward mode='nats'/>\(range)", "forward: invalid mode 'nats': expected one of none, nat, route"),
        ] as [(String, String)])
    func `a mode and addresses that do not fit are named`(body: String, problem: String) throws {
        #expect(try Example.findings(body).contains { $0.contains(problem) })
        #expect(try Example.links(body).first?.hasPrefix("dhcp4") == true)
    }

    @Test(
        arguments: [
            ("<ip address='192.168.122.1'/>", "192.168.122.0/24"), ("<ip address='10.1.2.3'/>", "10.0.0.0/8"),
            ("<ip address='172.16.0.1'/>", "172.16.0.0/16"), ("<ip address='192.168.122.1' prefix='0'/>", "192.168.122.0/24"),
            ("<ip family='ipv6' address='fd00:9::1'/>", "fd00:9::/64"),
            ("<ip address='192.168.122.1' netmask='255.255.255.128'/>", "192.168.122.0/25"),
        ] as [(String, String)])
    func `an address without a prefix has the one that libvirt takes`(element: String, subnet: String) throws {
        let network = try #require(try Example.assembled(Self.nat + element).instance.interfaces.first?.network)
        #expect(network.ranges.map(\.description) == [subnet])
        #expect(try Example.findings(Self.nat + element) == [])
    }

    // MARK: VLANs

    @Test(
        arguments: [
            ("<vlan><tag id='7'/></vlan>", "", "", 7), ("<vlan><tag id='7'/></vlan>", "", "<vlan><tag id='9'/></vlan>", 9),
            ("<vlan trunk='yes'><tag id='7'/><tag id='8'/></vlan>", "", "", nil),
            ("<portgroup name='a'><vlan><tag id='5'/></vlan></portgroup>", " portgroup='a'", "", 5),
            ("<portgroup name='a'><vlan><tag id='5'/></vlan></portgroup>", "", "", nil),
            ("<portgroup name='a' default='yes'><vlan><tag id='5'/></vlan></portgroup>", "", "", 5),
            ("<vlan><tag id='7'/></vlan><portgroup name='a'/>", " portgroup='a'", "", 7),
            ("<vlan><tag id='7'/></vlan><portgroup name='a'/>", " portgroup='b'", "", 7),
            ("<vlan><tag id='7'/></vlan><portgroup name='a' default='yes'/>", "", "", 7),
            (
                "<vlan><tag id='7'/></vlan><portgroup name='a'><vlan trunk='yes'><tag id='8'/><tag id='9'/></vlan></portgroup>",
                " portgroup='a'", "", nil
            ),
            ("<vlan><tag id='7'/></vlan>", "", "<vlan trunk='yes'><tag id='1'/><tag id='2'/></vlan>", nil),
        ] as [(String, String, String, Int?)])
    func `the host's VLAN is the interface's, else its port group's, else the network's`(
        body: String, group: String, own: String, vlan: Int?
    ) throws {
        let devices = """
            <interface type='network'><mac address='52:54:00:00:00:02'/><source network='n'\(group)/>\(own)</interface>
            """
        let network = "<forward mode='bridge'/><bridge name='ovs'/><virtualport type='openvswitch'/>" + body
        #expect(try Example.assembled(network, devices: devices).instance.interfaces.map(\.vlan) == [vlan])
    }
}

import Common
import Description
import Testing

/// Guests with addresses of the operator's, on networks of every mode: what DHCP would tell them, they are told too.
struct StaticGuestTests {
    private typealias Example = GuestLinkExample
    private static let (nat, range, address) = (Example.nat, Example.range, Example.address)
    private static let metadata = "route 169.254.169.254/32 via 192.168.122.1"
    private static let host = "route 0.0.0.0/0 via 192.168.122.1"

    private static let isolated = "<bridge name='virbr9'/>" + range

    @Test(
        arguments: [
            (nat + range, "\(host) dns 192.168.122.1"), ("<forward mode='route'/>\(range)", "\(host) dns 192.168.122.1"),
            ("<forward mode='open'/>\(range)", "\(host) dns 192.168.122.1"), (isolated, "\(metadata) dns 192.168.122.1"),
            ("<forward mode='none'/>\(range)", "\(metadata) dns 192.168.122.1"),
            ("<dns enable='no'/>\(isolated)", metadata),
            // The host has an address, but in none of the guest's subnets.
            ("<bridge name='virbr9'/><ip address='10.9.0.1' prefix='24'/>", "dns 10.9.0.1"),
            ("<forward mode='bridge'/><bridge name='br0'/>", ""), ("<forward mode='private' dev='eth0'/>", ""),
        ] as [(String, String)])
    func `the host is the router where it forwards, and leads to the metadata address where it does not`(
        body: String, rest: String
    ) throws {
        #expect(try Example.links(body, Self.address) == ["192.168.122.20/24" + (rest.isEmpty ? "" : " " + rest)])
    }

    @Test(
        arguments: [
            // The operator's own routes.
            ("<gateway>192.168.122.9</gateway>", "route 0.0.0.0/0 via 192.168.122.9"),
            ("<route to='169.254.0.0/16' via='192.168.122.9'/>", "route 169.254.0.0/16 via 192.168.122.9"),
            ("<route to='10.0.0.0/8' via='192.168.122.9'/>", "route 10.0.0.0/8 via 192.168.122.9 \(metadata)"),
        ] as [(String, String)])
    func `a route of the operator's to the metadata address is enough`(elements: String, routes: String) throws {
        #expect(
            try Example.links(Self.isolated, Self.address + elements) == ["192.168.122.20/24 \(routes) dns 192.168.122.1"])
    }

    @Test func `another link may lead to the metadata address`() throws {
        let bridge = "<interface type='bridge'><mac address='52:54:00:00:00:03'/><source bridge='br0'/></interface>"
        #expect(
            try Example.links(Self.isolated, Self.address, devices: Example.interface + bridge) == [
                "192.168.122.20/24 dns 192.168.122.1", "dhcp4; slaac; ra; optional",
            ])
        // DHCP of an isolated network tells no router.
        let second = "<interface type='network'><mac address='52:54:00:00:00:03'/><source network='n'/></interface>"
        #expect(
            try Example.links(Self.isolated, Self.address, devices: second + Example.interface) == [
                "dhcp4", "192.168.122.20/24 \(Self.metadata) dns 192.168.122.1",
            ])
        // The host is not its own router.
        let host = Self.isolated.replacing("192.168.122.1'", with: "192.168.122.20'")
        #expect(try Example.links(host, Self.address).first?.contains("169.254") == false)
    }

    @Test(
        arguments: [
            (["dhcp-option=3"], "\(metadata) dns 192.168.122.1"),
            (["dhcp-option=option:router,192.168.122.7"], "route 0.0.0.0/0 via 192.168.122.7 dns 192.168.122.1"),
            (
                ["dhcp-option=3,192.168.122.7", "dhcp-option=3,192.168.122.8"],
                "route 0.0.0.0/0 via 192.168.122.8 dns 192.168.122.1"
            ),
            // Clients of option 121 ignore option 3.
            (
                ["dhcp-option=121,10.0.0.0/8,192.168.122.7,0.0.0.0/0,192.168.122.8"],
                "route 0.0.0.0/0 via 192.168.122.8 route 10.0.0.0/8 via 192.168.122.7 dns 192.168.122.1"
            ),
            (
                ["dhcp-option=option:classless-static-route,10.0.0.0/8,192.168.122.7"],
                "route 10.0.0.0/8 via 192.168.122.7 \(metadata) dns 192.168.122.1"
            ),
            (["dhcp-option=121,169.254.169.254/32,0.0.0.0"], "\(metadata) dns 192.168.122.1"),
            (["dhcp-option=vendor:PXEClient,3,192.168.122.7"], "\(host) dns 192.168.122.1"),
            (["dhcp-option=red,3,192.168.122.7"], "\(host) dns 192.168.122.1"),
            (["dhcp-option=option6:dns-server,[fd00::53]"], "\(host) dns 192.168.122.1"),
            (["dhcp-option=6,192.168.122.7, 192.168.122.8"], "\(host) dns 192.168.122.7 dns 192.168.122.8"),
            (["dhcp-option-force=6,192.168.122.7"], "\(host) dns 192.168.122.7"), (["port=0"], host), (["port=5353"], host),
            (["port=53"], "\(host) dns 192.168.122.1"), (["domain=lab.example"], "\(host) dns 192.168.122.1 search lab.example"),
            (["domain=lab.example,10.0.0.0/8"], "\(host) dns 192.168.122.1"),
            (["dhcp-option=15,lab.example"], "\(host) dns 192.168.122.1 search lab.example"),
            (
                ["dhcp-option=option:domain-search,a.example,b.example", "domain=lab.example"],
                "\(host) dns 192.168.122.1 search a.example search b.example"
            ), (["log-queries", "# dhcp-option=3", "server=/lab/192.0.2.1", ""], "\(host) dns 192.168.122.1"),
        ] as [([String], String)])
    func `dnsmasq's options apply to static guests`(lines: [String], rest: String) throws {
        let options = lines.map { Example.options($0) }.joined()
        #expect(try Example.links(Self.nat + Self.range + options, Self.address) == ["192.168.122.20/24 " + rest])
    }

    @Test func `the options of DHCPv6 are those of IPv6 addresses`() throws {
        let body = Self.nat + "<ip family='ipv6' address='fd00:9::1' prefix='64'/>"
        let address = "<address>fd00:9::20/64</address>"
        let route = "fd00:9::20/64 route ::/0 via fd00:9::1"
        #expect(try Example.links(body, address) == ["\(route) dns fd00:9::1; no-ra"])
        let servers = Example.options("dhcp-option=option6:dns-server,[fd00:9::53],[::]")
        #expect(try Example.links(body + servers, address) == ["\(route) dns fd00:9::53 dns fd00:9::1; no-ra"])
        let domains = Example.options("dhcp-option=option6:24,a.example")
        #expect(try Example.links(body + domains, address) == ["\(route) dns fd00:9::1 search a.example; no-ra"])
    }

    @Test(
        arguments: [
            ("dhcp-range=192.168.122.50,192.168.122.60", "dhcp4"),
            ("dhcp-range=tag:a,192.168.122.50,192.168.122.60,12h", "dhcp4"),
            ("dhcp-range=192.168.122.1,static", ""), ("dhcp-range=192.168.122.0,proxy", ""),
            ("dhcp-range=fd00:9::2,fd00:9::9,64", "dhcpv6-stateful; ra"),
            ("dhcp-range=fd00:9::,ra-stateless", "dhcpv6-stateless; ra"),
            ("dhcp-range=::,constructor:virbr9,ra-names", "slaac; ra"),
            ("dhcp-host=52:54:00:00:00:02,192.168.122.50,12h", "dhcp4"),
            ("dhcp-host=web,192.168.122.50", "dhcp4"), ("dhcp-host=52:54:00:00:00:02,ignore", ""),
            ("dhcp-host=52:54:00:00:00:02,192.168.123.50", ""),
        ] as [(String, String)])
    func `dnsmasq's options may add DHCP`(line: String, link: String) throws {
        let body = Self.nat + "<ip address='192.168.122.1' prefix='24'/>" + Example.options(line)
        #expect(try Example.links(body).map { $0.replacing("; ra", with: "") } == [link.replacing("; ra", with: "")])
    }

    @Test func `dnsmasq's options may take DHCP away, and tell an MTU`() throws {
        let silent = Example.options("no-dhcp-interface=virbr9")
        #expect(try Example.links(Self.nat + Self.range + silent) == [""])
        #expect(try Example.links(Self.nat + Self.range + Example.options("no-dhcp-interface=virbr8")) == ["dhcp4"])
        let mtu = { (body: String) in try Example.assembled(body).instance.interfaces.first?.mtu }
        #expect(try mtu(Self.nat + Self.range + Example.options("dhcp-option=26,1400")) == 1400)
        #expect(try mtu(Self.nat + Self.range + Example.options("dhcp-option=option:mtu,1")) == nil)
        #expect(try mtu(Self.nat + "<mtu size='9000'/>" + Self.range + Example.options("dhcp-option=26,1400")) == 9000)
    }

    // MARK: Router advertisements

    @Test(
        arguments: [
            ("<address>2001:db8::5/64</address>", "2001:db8::5/64; no-ra"),
            ("<address>2001:db8::5/64</address><ipv6>slaac</ipv6>", "2001:db8::5/64; slaac; ra"),
            ("<address>2001:db8::5/64</address><ipv6>dhcpv6-stateful</ipv6>", "2001:db8::5/64; dhcpv6-stateful; ra"),
            ("<address>2001:db8::5/64</address><ipv6>none</ipv6>", "2001:db8::5/64; no-ra"),
            ("<address>192.0.2.5/24</address>", "192.0.2.5/24"), ("", "dhcp4; slaac; ra"), ("<ipv4>none</ipv4>", ""),
            ("<ipv6>none</ipv6>", "dhcp4; no-ra; no-link-local"),
            ("<ipv4>none</ipv4><ipv6>none</ipv6>", "no-ra; no-link-local; optional"),
            ("<address>192.0.2.5/24</address><ipv6>none</ipv6>", "192.0.2.5/24; no-ra; no-link-local"),
        ] as [(String, String)])
    func `on a bridge of the operator's a guest heeds router advertisements unless it is static`(
        elements: String, link: String
    ) throws {
        let bridge = "<interface type='bridge'><mac address='\(Example.mac)'/><source bridge='br0'/></interface>"
        #expect(try Example.links("", elements, devices: bridge) == [link])
    }

    // MARK: Kinds of interfaces

    @Test(
        arguments: [
            ("<interface type='user'>%</interface>", "dhcp4; slaac; ra"),
            ("<interface type='direct'>%</interface>", "dhcp4; slaac; ra; optional"),
            ("<interface type='mcast'>%</interface>", "dhcp4; slaac; ra; optional"),
            ("<interface type='null'>%</interface>", "dhcp4; slaac; ra; optional"),
            ("<interface type='network'>%<source network='n'/></interface>", "dhcp4"),
            ("<interface type='network'>%<source network='inactive'/></interface>", "dhcp4"),
            ("<interface type='network'>%<source network='n'/><link state='down'/></interface>", "dhcp4; optional"),
        ] as [(String, String)])
    func `a second interface is required if a server is known to answer`(device: String, link: String) throws {
        let second = device.replacing("%", with: "<mac address='52:54:00:00:00:03'/>")
        #expect(try Example.links(Self.nat + Self.range, devices: Example.interface + second) == ["dhcp4", link])
    }

    @Test(arguments: ["hostdev", "vdpa", "vhostuser", "udp", "server", "client", "mcast", "internal", "null"])
    func `nobody need answer on a first interface whose other end may be anything`(type: String) throws {
        let first = "<interface type='\(type)'><mac address='52:54:00:00:00:03'/></interface>"
        #expect(
            try Example.links(Self.nat + Self.range, devices: first + Example.interface) == [
                "dhcp4; slaac; ra; optional", "dhcp4",
            ])
    }
}

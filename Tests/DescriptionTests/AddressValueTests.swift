import Common
import Description
import Testing

/// Addresses that no guest can use cost themselves; those that contradict others are noted.
@Suite struct AddressValueTests {
    /// A guest on a NAT network whose host is 192.168.122.1.
    private func assembled(_ elements: String, others: String = "") throws -> InstanceAssembly.Assembled {
        let network = GuestLinkExample.network(GuestLinkExample.nat + GuestLinkExample.range)
        let interfaces = "<interfaces><interface mac='52:54:00:00:00:02'>\(elements)</interface>\(others)</interfaces>"
        let domain = """
            <domain type='test'><name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid><metadata>\
            <instance xmlns='urn:virt-metadata:instance:1'>\(interfaces)</instance></metadata>\
            <devices>\(GuestLinkExample.interface)</devices></domain>
            """
        return try InstanceAssembly(networks: [network], readsBare: false).assemble(Array(domain.utf8))
    }

    private func problems(_ elements: String, others: String = "") throws -> [String] {
        try assembled(elements, others: others).findings.map { "\($0.weight == .note ? "note: " : "")\($0.problem)" }
    }

    private static let own = "<address>192.168.122.7/24</address>"

    // MARK: Refused

    @Test(arguments: [
        ("0.0.0.0/24", "is the unspecified address"), ("::/64", "is the unspecified address"),
        ("255.255.255.255/32", "is the broadcast address"), ("224.0.0.1/24", "is a multicast address"),
        ("ff02::1/64", "is a multicast address"), ("127.0.0.1/8", "is a loopback address"), ("::1/128", "is a loopback address"),
        // netplan fails on it, and with it on all links.
        ("192.168.122.7/0", "has the prefix length 0"), ("2001:db8::7/0", "has the prefix length 0"),
    ]) func `an address that no interface can have is not served`(address: String, reason: String) throws {
        let found = try assembled("<address>\(address)</address>")
        #expect(found.instance.interfaces.first?.addresses == [])
        #expect(found.findings.map(\.weight) == [.unusable] && found.findings[0].problem.hasPrefix("\(address) \(reason)"))
    }

    @Test(arguments: [
        "<gateway>0.0.0.0</gateway>", "<gateway>224.0.0.1</gateway>", "<gateway>127.0.0.1</gateway>", "<gateway>::</gateway>",
        "<route to='10.0.0.0/8' via='0.0.0.0'/>", "<route to='10.0.0.0/8' via='255.255.255.255'/>",
        "<route to='2001:db8::/32' via='ff02::1'/>", "<route to='10.0.0.0/8' via='192.168.122.9' metric='2147483648'/>",
        "<gateway metric='2147483648'>192.168.122.9</gateway>", "<dns>0.0.0.0</dns>", "<dns>224.0.0.251</dns>",
        "<dns>ff02::fb</dns>", "<public-ipv4>0.0.0.0</public-ipv4>", "<public-ipv4>224.0.0.1</public-ipv4>",
        "<address>::ffff:192.0.2.5/24</address>", "<address>fe80::1%eth0/64</address>",
    ]) func `a gateway or name server that is no machine's is not served`(element: String) throws {
        let found = try assembled(Self.own + element)
        #expect(found.findings.filter { $0.weight == .unusable }.count == 1, "\(found.findings)")
        let interface = try #require(found.instance.interfaces.first)
        #expect(interface.configuration.gateways.isEmpty || interface.configuration.gatewayMetrics.isEmpty)
        #expect(interface.configuration.routes.isEmpty && interface.configuration.nameServers.isEmpty)
        #expect(interface.publicIPv4 == nil && interface.addresses.count == 1)
    }

    @Test(arguments: [
        (own + own, "duplicate address 192.168.122.7; the first one is used"),
        (own + "<address>192.168.122.7/16</address>", "duplicate address 192.168.122.7; the first one is used"),
        (own + "<dns>192.0.2.53</dns><dns>192.0.2.53</dns>", "duplicate name server 192.0.2.53; the first one is used"),
        (
            own + "<dns>192.0.2.53</dns><search>a.example</search><search>a.example</search>",
            "duplicate domain 'a.example'; the first one is used"
        ),
        (
            own + "<route to='10.0.0.0/8' via='192.168.122.8'/><route to='10.1.2.3/8' via='192.168.122.9'/>",
            "duplicate route to 10.0.0.0/8; the first one is used"
        ),
    ]) func `of two equal values the first is used`(elements: String, problem: String) throws {
        #expect(try problems(elements) == [problem])
    }

    @Test func `two routes of different metrics are no duplicates`() throws {
        let routes = "<route to='10.0.0.0/8' via='192.168.122.8'/><route to='10.0.0.0/8' via='192.168.122.9' metric='5'/>"
        #expect(try problems(Self.own + routes) == [])
    }

    // MARK: Noted

    @Test(arguments: [
        ("<address>192.168.122.0/24</address>", "the address 192.168.122.0 is the address of its network 192.168.122.0/24"),
        ("<address>192.168.122.255/24</address>", "the address 192.168.122.255 is the broadcast address of its network"),
        ("<address>192.168.122.1/24</address>", "the address 192.168.122.1 is the host's own on the network 'n'"),
        (own + "<gateway>192.168.122.7</gateway>", "the gateway 192.168.122.7 is not served: 192.168.122.7 is the guest's own"),
        (own + "<gateway>192.168.122.255</gateway>", "the gateway 192.168.122.255 is the broadcast address of its network"),
        (
            own + "<gateway>192.168.122.8</gateway><route to='0.0.0.0/0' via='192.168.122.9'/>",
            "the route to 0.0.0.0/0 by 192.168.122.9 is not served: another default route of the link precedes it"
        ),
        (
            own + "<route to='10.0.0.0/8' via='192.168.122.7'/>",
            "the route to 10.0.0.0/8 by 192.168.122.7 is not served: 192.168.122.7 is the guest's own address"
        ),
        (
            own + "<route to='10.0.0.0/8' via='192.0.2.1'/>",
            "the gateway 192.0.2.1 of the route to 10.0.0.0/8 is in no subnet of the interface's addresses"
        ),
        (own + "<dns>127.0.0.53</dns>", "the name server 127.0.0.53 is a loopback address: the guest asks itself"),
        (own + "<ipv4>dhcp</ipv4>", "<ipv4>dhcp</ipv4> has no effect"), (own + "<ipv4>none</ipv4>", "<ipv4>none</ipv4> has no"),
        (
            "<address>2001:db8::7/64</address><ipv6>none</ipv6>",
            "<ipv6>none</ipv6> does not remove the interface's IPv6 addresses"
        ),
        ("<address>2001:db8::7/64</address><mtu>1000</mtu>", "an MTU of 1000 leaves no IPv6 on the interface"),
    ]) func `a value that contradicts others is noted`(elements: String, problem: String) throws {
        let found = try problems(elements)
        #expect(found.count == 1 && found.first?.hasPrefix("note: \(problem)") == true, "\(found)")
    }

    @Test(arguments: [
        own + "<gateway>192.168.122.254</gateway><route to='10.0.0.0/8' via='192.168.122.9'/><dns>192.0.2.53</dns>",
        "<address>192.168.122.0/31</address><gateway>192.168.122.1</gateway>",
        "<address>2001:db8::/64</address><gateway>fe80::1</gateway><ipv6>slaac</ipv6><mtu>1280</mtu>",
    ]) func `usual addresses are not noted`(elements: String) throws {
        #expect(try problems(elements) == [])
    }

    @Test func `more search domains than six are noted, and an MTU above that of the link below`() throws {
        let domains = (0..<7).map { "<search>a\($0).example</search>" }.joined()
        #expect(
            try problems(Self.own + "<dns>192.0.2.53</dns>" + domains)
                == ["note: more than 6 search domains: cloud-init fails on them in RHEL and others"])
        let vlan = "<vlan id='5' on='52:54:00:00:00:02'><ipv4>dhcp</ipv4><mtu>1600</mtu></vlan>"
        #expect(
            try problems("", others: vlan) == [
                "note: the MTU 1600 is larger than that of the link below (1500): guests refuse it"
            ])
        #expect(try problems("<mtu>1600</mtu>", others: vlan) == [])
    }

    @Test func `an address of two links is noted`() throws {
        let vlan = "<vlan id='5' on='52:54:00:00:00:02'>\(Self.own)</vlan>"
        #expect(try problems(Self.own, others: vlan) == ["note: the address 192.168.122.7 is that of interface0, too"])
    }

    // MARK: Links that the guest creates

    @Test(arguments: [
        ("<vlan id='5' on='52:54:00:00:00:02' name='a/b'/>", "the name 'a/b' cannot be that of a link"),
        ("<vlan id='5' on='52:54:00:00:00:02' name='of-sixteen-bytes'/>", "the name 'of-sixteen-bytes' cannot be that of a link"),
        ("<vlan id='5' on='52:54:00:00:00:02' name='a b'/>", "the name 'a b' cannot be that of a link"),
        ("<vlan id='5' on='52:54:00:00:00:02' name='é'/>", "the name 'é' cannot be that of a link"),
        ("<vlan id='5' on='52:54:00:00:00:02' name='a*'/>", "the name 'a*' cannot be that of a link"),
        ("<vlan id='5' on='52:54:00:00:00:02' name='a%d'/>", "the name 'a%d' cannot be that of a link"),
        (
            "<vlan id='5' on='52:54:00:00:00:02' name='interface0'/>",
            "the name 'interface0' is that of an interface in the guest's"
        ),
        ("<vlan id='5' on='52:54:00:00:00:02' mac='01:00:5e:00:00:01'/>", "missing or invalid attribute 'mac'"),
        (
            "<bond mode='802.3ad'><member mac='52:54:00:00:00:02'/><member mac='52:54:00:00:00:02'/></bond>",
            "duplicate member 52:54:00:00:00:02: an interface has one bond"
        ),
    ]) func `a link that no guest can create is reported`(link: String, problem: String) throws {
        let found = try assembled("", others: link)
        let errors = found.findings.filter { $0.weight == .unusable }
        #expect(errors.count == 1 && errors.first?.problem.hasPrefix(problem) == true, "\(found.findings)")
        #expect(found.instance.virtualLinks.allSatisfy { $0.members.count < 2 })
    }

    @Test func `an interface is a member of the first bond that names it`() throws {
        func bond(_ name: String) -> String { "<bond mode='802.3ad' name='\(name)'><member mac='52:54:00:00:00:02'/></bond>" }
        let found = try assembled("", others: bond("a") + bond("b"))
        #expect(found.instance.virtualLinks.map(\.name) == ["a"])
        #expect(
            found.findings.map(\.problem) == [
                "duplicate member 52:54:00:00:00:02: an interface has one bond", "missing <member>",
            ])
    }
}

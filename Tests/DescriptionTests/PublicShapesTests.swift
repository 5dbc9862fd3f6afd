import Description
import Testing

/// Domains and networks of the shapes that people define: `check` reads every one, and names what is not served.
///
/// The shapes are those of libvirt's own examples and of reports of other projects, written anew.
@Suite struct PublicShapesTests {
    /// A piece of XML, and a part of the finding on it; `nil` where nothing is to be said.
    struct Shape: Sendable {
        let xml: String
        let finding: String?

        init(_ xml: String, _ finding: String? = nil) { (self.xml, self.finding) = (xml, finding) }
    }

    private static let unserved = "its requests pass no bridge, so it is not served"

    /// The inside of `<interface>`, after its MAC address, with the type.
    private static let interfaces: [(type: String, shape: Shape)] = [
        ("network", .init("<source network='n1'/><model type='virtio'/>")),
        ("network", .init("<source network='n1' portgroup='web'/><bandwidth><inbound average='1000'/></bandwidth>")),
        ("network", .init("<source network='n1'/><port isolated='yes'/><coalesce><rx><frames max='7'/></rx></coalesce>")),
        ("network", .init("<source network='n1'/><link state='down'/>", "is down (<link state='down'/>)")),
        ("network", .init("<source network='n1'/><mtu size='9000'/><driver name='vhost' queues='4'/><boot order='1'/>")),
        (
            "network",
            .init(
                """
                <source network='n1'/><filterref filter='clean-traffic'><parameter name='IP' value='192.0.2.5'/></filterref>
                """)
        ),
        ("bridge", .init("<source bridge='br0'/><target dev='vnet0'/>")),
        (
            "bridge",
            .init(
                """
                <source bridge='ovsbr0'/><virtualport type='openvswitch'>\
                <parameters interfaceid='09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f'/></virtualport><vlan><tag id='42'/></vlan>
                """)
        ),
        ("bridge", .init("<source bridge='br0'/><vlan trunk='yes'><tag id='42'/><tag id='47'/></vlan><guest dev='eth0'/>")),
        (
            "bridge",
            .init(
                """
                <source bridge='br0'/><virtualport type='midonet'><parameters interfaceid='0b2d64da-3d0e-431e-afdd-804415d6e\
                bbb'/></virtualport>
                """)
        ),
        ("direct", .init("<source dev='eth0' mode='bridge'/>", unserved)),
        (
            "direct",
            .init(
                """
                <source dev='eth0' mode='vepa'/><virtualport type='802.1Qbg'><parameters managerid='11'/></virtualport>
                """, unserved)
        ),
        (
            "hostdev",
            .init(
                """
                <source><address type='pci' domain='0x0000' bus='0x03' slot='0x07' function='0x1'/></source><vlan>\
                <tag id='42'/></vlan>
                """, unserved)
        ),
        (
            "user",
            .init(
                """
                <ip family='ipv4' address='172.17.2.0' prefix='24'/><portForward proto='tcp'><range start='2022' to='22'/>\
                </portForward>
                """, unserved)
        ),
        ("user", .init("<backend type='passt' logFile='/tmp/x.log'/><source dev='eth0'/>", unserved)),
        ("vdpa", .init("<source dev='/dev/vhost-vdpa-0'/>", unserved)),
        ("vhostuser", .init("<source type='unix' path='/tmp/vhost1.sock' mode='server'/><model type='virtio'/>", unserved)),
        ("mcast", .init("<source address='230.0.0.1' port='5558'/>", unserved)),
        ("udp", .init("<source address='127.0.0.1' port='10001'><local address='127.0.0.1' port='10002'/></source>", unserved)),
        ("server", .init("<source address='192.0.2.1' port='5558'/>", unserved)),
        ("client", .init("<source address='192.0.2.1' port='5558'/>", unserved)),
        ("internal", .init("<source name='x'/>", unserved)),
        ("null", .init("", unserved)),
        ("ethernet", .init("<target dev='tapvm1' managed='no'/>", "is served only while its tap 'tapvm1'")),
        (
            "ethernet",
            .init(
                """
                <ip address='192.168.122.9' prefix='24'/><script path='/etc/qemu-ifup'/>
                """, "is served only while its tap")
        ),
        ("vds", .init("<source switchid='aa' portid='1'/>", "unknown type 'vds'")),
    ]

    /// What stands before `<devices>`.
    private static let heads: [Shape] = [
        .init(
            """
            <memory unit='MiB'>1024</memory><vcpu placement='static' current='1'>4</vcpu><os>\
            <type arch='x86_64' machine='q35'>hvm</type></os>
            """),
        .init(
            """
            <memory>1048576</memory><os firmware='efi'><type arch='aarch64' machine='virt'>hvm</type></os>\
            <cpu mode='host-passthrough'/>
            """),
        .init(
            """
            <maxMemory slots='16' unit='GiB'>64</maxMemory><memory unit='GiB'>2</memory><vcpu>2</vcpu><vcpus>\
            <vcpu id='0' enabled='yes'/></vcpus>
            """),
        .init(
            """
            <memory unit='KB'>500000</memory><os><kernel>/k</kernel><cmdline>\
            root=/dev/vda ds=nocloud;s=http://169.254.169.254/nocloud/</cmdline><type>hvm</type></os>
            """),
        .init("<genid/><title>A title</title><description>&lt;b&gt;</description><memory>1</memory><os><type>linux</type></os>"),
        .init(
            """
            <metadata><nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'><nova:name>\
            a</nova:name></nova:instance><app:x xmlns:app='urn:x'><y/></app:x></metadata>
            """
        ),
        .init("<metadata><instance><hostname>x</hostname></instance></metadata>", "instance"),
        .init(
            """
            <metadata><vm:instance xmlns:vm='urn:virt-metadata:instance:1'><vm:hostnam>x</vm:hostnam></vm:instance>\
            </metadata>
            """, "did you mean 'hostname'?"),
        .init("<memory unit='parsec'>1</memory>", "unknown unit 'parsec'"),
        .init("<memory>-1</memory>", "memory: invalid value '-1'"),
        .init("<vm:instance xmlns:vm='urn:virt-metadata:instance:1'/>", "is outside of <metadata>"),
    ]

    /// The inside of `<network>`, after its name.
    private static let networks: [Shape] = [
        .init(
            """
            <forward mode='nat'><nat><port start='1024' end='65535'/></nat></forward>\
            <bridge name='virbr0' stp='on' delay='0'/><ip address='192.168.122.1' netmask='255.255.255.0'><dhcp>\
            <range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip>
            """),
        .init(
            """
            <bridge name='virbr2'/><ip address='192.168.152.1' netmask='255.255.255.0'><dhcp>\
            <range start='192.168.152.2' end='192.168.152.254'><lease expiry='1' unit='hours'/></range></dhcp></ip>
            """),
        .init(
            """
            <forward mode='route' dev='eth1'/><bridge name='virbr1'/><ip address='192.168.122.1' prefix='24'/>\
            <route address='192.168.222.0' prefix='24' gateway='192.168.122.10'/>
            """),
        .init(
            """
            <forward mode='open'/><bridge name='virbr1'/><ip address='192.168.0.1' prefix='24'/>\
            <ip family='ipv6' address='2001:db8:ac10:fe01::1' prefix='64'/>
            """),
        .init("<forward mode='bridge'/><bridge name='br0'/>"),
        .init(
            """
            <forward mode='bridge' dev='eth0'><interface dev='eth0'/></forward>
            """, unserved),
        .init(
            """
            <forward mode='private' dev='eth1'><interface dev='eth1'/><interface dev='eth2'/></forward><vlan>\
            <tag id='549'/></vlan>
            """, unserved),
        .init("<forward mode='hostdev' managed='yes'><pf dev='eth3'/></forward>", unserved),
        .init(
            """
            <forward mode='passthrough'><address type='pci' domain='0' bus='0x11' slot='0x10' function='0x1'/></forward>
            """, unserved),
        .init(
            """
            <forward mode='bridge'/><bridge name='ovsbr0'/><virtualport type='openvswitch'/>\
            <portgroup name='web' default='yes'><vlan><tag id='42'/></vlan></portgroup>
            """),
        .init(
            """
            <bridge name='virbr7'/><dns><srv service='name' protocol='tcp'/><txt name='x' value='y'/>\
            <host ip='192.168.9.2'><hostname>a</hostname></host></dns><ip address='192.168.9.1' prefix='24'>\
            <tftp root='/x'/><dhcp><range start='192.168.9.2' end='192.168.9.9'/><bootp file='p'/></dhcp></ip>
            """),
        .init(
            """
            <forward mode='nat'/><bridge name='v' macTableManager='libvirt'/>\
            <ip family='ipv6' address='2001:db8::1' prefix='64'><dhcp><range start='2001:db8::10' end='2001:db8::ff'/>\
            </dhcp></ip>
            """),
        .init(
            """
            <ip address='192.168.9.1' netmask='255.0.255.0'/>
            """, "invalid netmask"), .init("<ip address='192.168.9.1' prefix='33'/>", "invalid prefix"),
        .init("<ip address='192.168.9.300' prefix='24'/>", "invalid address"),
        .init("<forward mode='teleport'/>", "invalid mode"),
        .init("<mtu size='12'/>", "invalid size"), .init("<route address='10.0.0.0' prefix='8' gateway='192.0.2.1'/>", "route"),
    ]

    private func findings(_ head: String, _ interfaces: [String], network: String) throws -> (domain: [String], network: [String])
    {
        let network = Array("<network><name>n1</name>\(network)</network>".utf8)
        let xml = """
            <domain type='kvm'><name>t1</name><uuid>5e0c3a6e-3b1c-4f0e-9a57-1f5a1c2b3d01</uuid>\(head)<devices>\
            \(interfaces.joined())</devices></domain>
            """
        let own = try NetworkCheck.findings(in: network).map(\.description)
        return (try InstanceAssembly(networks: [network]).assemble(Array(xml.utf8)).findings.map(\.description), own)
    }

    private func card(_ index: Int, _ content: String, type: String) -> String {
        let last = String(index + 256, radix: 16).dropFirst()
        return "<interface type='\(type)'><mac address='52:54:00:00:00:\(last)'/>\(content)</interface>"
    }

    @Test func `more than three hundred combinations are read, and what is not served is named`() throws {
        var count = 0
        for head in Self.heads {
            for (index, (type, shape)) in Self.interfaces.enumerated() {
                let network = Self.networks[0].xml
                let found = try findings(head.xml, [card(index, shape.xml, type: type)], network: network)
                let expected = [head.finding, shape.finding].compactMap(\.self)
                for part in expected {
                    #expect(found.domain.contains { $0.contains(part) }, "\(type): \(shape.xml): \(found.domain)")
                }
                let others = found.domain.filter { text in
                    !expected.contains { text.contains($0) } && !text.contains("nothing says how")
                }
                #expect(others == [], "\(head.xml) \(type) \(shape.xml)")
                #expect(found.network == [])
                count += 1
            }
        }
        #expect(count > 280)
    }

    @Test func `networks of every mode are read, and values that libvirt refuses are named`() throws {
        let cards = [card(1, "<source network='n1'/>", type: "network"), card(2, "<source bridge='br0'/>", type: "bridge")]
        for shape in Self.networks {
            let found = try findings("", cards, network: shape.xml)
            let all = found.network + found.domain.filter { !$0.contains("nothing says how") }
            #expect(all.isEmpty == (shape.finding == nil), "\(shape.xml): \(all)")
            if let part = shape.finding { #expect(all.contains { $0.contains(part) }, "\(shape.xml): \(all)") }
        }
    }

    @Test func `all interfaces of one domain are read together`() throws {
        let cards = Self.interfaces.enumerated().map { card($0.offset, $0.element.shape.xml, type: $0.element.type) }
        let found = try findings(Self.heads[0].xml, cards, network: Self.networks[0].xml)
        #expect(found.domain.count { $0.contains(Self.unserved) } == Self.interfaces.count { $0.shape.finding == Self.unserved })
    }
}

import Common
import Description
import Testing

@Suite struct InstanceAssemblyTests {
    private func instance(_ elements: String = "", devices: String = "") throws -> Instance {
        try assembled(elements, devices: devices).instance
    }

    private func instance(head: String) throws -> Instance {
        try InstanceAssembly(readsBare: false).assemble(domain(head: head)).instance
    }

    // MARK: Derived values

    private let uuid = "<uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>"

    @Test func `missing values come from the domain`() throws {
        let instance = try instance(
            head: "<name>Web_1</name>\(uuid)<vcpu current='1'>4</vcpu><memory unit='KiB'>2097152</memory>")
        #expect(instance.domain.description == "83679162-1378-4288-a2d4-70e13ec132aa")
        #expect(instance.uuid == instance.domain)
        #expect(instance.id == "i-8367916213784288a")
        #expect(instance.domainName == "Web_1" && instance.name == "Web_1" && instance.hostname == "web-1")
        #expect(instance.launch.type == "virt.4c-2048m")
        #expect(instance.launch.index == 0 && instance.launch.action == "none")
        #expect(
            instance.launch.project == nil && instance.launch.placement.isEmpty && instance.launch.images == ImageIdentifiers())
        #expect(
            instance.documents.userData == nil && instance.documents.vendorData == nil && instance.documents.additional == nil)
        #expect(
            instance.access.publicKeys.isEmpty && instance.documents.tags.isEmpty && instance.access.securityGroups.isEmpty
                && instance.machine.disks.isEmpty)
    }

    // MARK: Enabled

    private static let element = "<metadata><instance xmlns='urn:virt-metadata:instance:1'/></metadata>"
    private static let foreign = """
        <metadata><instance xmlns='http://openstack.org/xmlns/libvirt/nova/1.1'/><enabled xmlns='urn:virt-metadata:enabled:1'/>\
        <instance-id>bare</instance-id><name xmlns='urn:virt-metadata:instance:1'/></metadata>
        """
    private static func tables(_ mode: String, _ entry: String, _ value: String) -> String {
        "<sysinfo type='smbios'><system><entry name='\(entry)'>\(value)</entry></system></sysinfo><os><smbios mode='\(mode)'/></os>"
    }

    @Test(arguments: [
        ("", nil as Enablement?), (element, .instanceElement), (foreign, nil),
        (tables("sysinfo", "product", "OpenStack Nova"), .smbiosIdentity("openstack")),
        (tables("sysinfo", "product", "OpenStack Nova") + element, .smbiosIdentity("openstack")),
        (tables("emulate", "product", "OpenStack Nova"), nil), (tables("sysinfo", "product", "Bochs"), nil),
        (tables("sysinfo", "serial", "ds=nocloud;s=http://169.254.169.254/nocloud/"), .smbiosIdentity("nocloud")),
        (tables("sysinfo", "serial", "ds=nocloud;s=http://192.0.2.1/"), nil),
    ])
    func `a domain is enabled by an SMBIOS identity or its element, and nothing else`(xml: String, by: Enablement?) throws {
        let domain = "<domain type='test'><name>web</name>\(uuid)\(xml)</domain>"
        let assembly = try InstanceAssembly(readsBare: false)
        #expect(try assembly.assemble(Array(domain.utf8)).instance.enabledBy == by)
        // `list` shows the same.
        let identity = try DomainDefinition(domain, element: nil).presentIdentity.map { Enablement.smbiosIdentity($0.rawValue) }
        #expect(identity == (by == .instanceElement ? nil : by))
    }

    @Test func `with the persistent metadata its element counts, and the running guest's tables`() throws {
        let (bare, full) = ("", Self.element + Self.tables("sysinfo", "product", "OpenStack Nova"))
        func enablement(_ live: String, _ edited: String) throws -> Enablement? {
            let domains = [live, edited].map { Array("<domain type='test'><name>web</name>\(uuid)\($0)</domain>".utf8) }
            return try InstanceAssembly(readsBare: false).assemble(domains[0], edited: domains[1]).instance.enabledBy
        }
        #expect(try enablement(bare, full) == .instanceElement)
        #expect(try enablement(full, bare) == .smbiosIdentity("openstack"))
        #expect(try enablement(Self.element, bare) == nil)
    }

    @Test(arguments: ["tap\u{212A}", "tap5678901234567", "tap 1", ""])
    func `a link with an unprintable name is not served, and is reported`(name: String) throws {
        for (tap, bridge) in [(name, "br0"), ("tap1", name)] {
            let found = try assembled(
                devices: """
                    <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='\(bridge)'/><target dev='\(tap)'/></interface>
                    """)
            let interface = try #require(found.instance.interfaces.last)
            #expect(interface.tap == (tap == name ? nil : tap) && interface.bridge == (bridge == name ? nil : bridge))
            #expect(found.findings.contains { $0.problem.contains("is not served") })
        }
    }

    @Test func `the operator's values come first`() throws {
        let instance = try instance(
            """
            <instance-id> i-1 </instance-id><name>N</name><hostname>h.example</hostname><instance-type>t</instance-type>
            <launch-index>7</launch-index><instance-action>stop</instance-action><project-id>p</project-id><image-id>a</image-id>
            <kernel-id>k</kernel-id><ramdisk-id>r</ramdisk-id><image-manifest-path>m</image-manifest-path>
            <reservation-id>v</reservation-id><placement><region>r</region><availability-zone>z</availability-zone></placement>
            <security-groups><group>b</group><group>a</group></security-groups>
            <tags><tag name='b=1'>x</tag><tag name='a'/></tags>
            """)
        #expect(instance.id == "i-1" && instance.name == "N" && instance.hostname == "h.example" && instance.launch.type == "t")
        #expect(instance.launch.index == 7 && instance.launch.action == "stop" && instance.launch.project == "p")
        #expect(
            instance.launch.images.image == "a" && instance.launch.images.kernel == "k" && instance.launch.images.ramdisk == "r")
        #expect(instance.launch.images.manifestPath == "m" && instance.launch.images.reservation == "v")
        #expect(
            instance.launch.availabilityZone == "z"
                && instance.launch.placement == [Tag("region", "r"), Tag("availability-zone", "z")])
        #expect(instance.access.securityGroups == ["b", "a"])
        #expect(instance.documents.tags == [Tag("b=1", "x"), Tag("a", "")])
    }

    @Test func `the title is the name, and the host name stays the domain's`() throws {
        let titled = try instance(head: "<name>web</name>\(uuid)<title> Web é </title>")
        #expect(titled.name == "Web é" && titled.hostname == "web")
        #expect(try instance(head: "<name>web</name>\(uuid)<title> </title>").name == "web")
        let named = try InstanceAssembly(readsBare: false)
            .assemble(domain("<name>N</name>", head: "<name>web</name>\(uuid)<title>T</title>"))
        #expect(named.instance.name == "N")
    }

    @Test func `a name without allowed characters gives a host name from the UUID`() throws {
        #expect(try instance(head: "<name>日本</name>\(uuid)").hostname == "instance-83679162")
    }

    @Test func `the guest sees the hardware UUID, and its identifier stays the domain's`() throws {
        let instance = try instance(head: "<name>web</name>\(uuid)<hwuuid>11111111-2222-3333-4444-555555555555</hwuuid>")
        #expect(instance.uuid.description == "11111111-2222-3333-4444-555555555555")
        #expect(instance.domain.description == "83679162-1378-4288-a2d4-70e13ec132aa")
        #expect(instance.id == "i-8367916213784288a")
        #expect(try self.instance(head: "<name>web</name>\(uuid)<hwuuid>none</hwuuid>").uuid == instance.domain)
    }

    @Test(arguments: [
        ("<memory>1048576</memory>", 1024), ("<memory unit='b'>1073741824</memory>", 1024),
        ("<memory unit='bytes'>1048576</memory>", 1),
        ("<memory unit='KB'>1048576</memory>", 1000), ("<memory unit='k'>2048</memory>", 2),
        ("<memory unit='MB'>1000</memory>", 953),
        ("<memory unit='M'>512</memory>", 512), ("<memory unit='MiB'>512</memory>", 512), ("<memory unit='GB'>1</memory>", 953),
        ("<memory unit='G'>2</memory>", 2048), ("<memory unit='GiB'>2</memory>", 2048), ("<memory unit='TB'>1</memory>", 953_674),
        ("<memory unit='T'>1</memory>", 1_048_576), ("<memory unit='TiB'>1</memory>", 1_048_576), ("", 0),
        ("<memory unit='parsec'>1</memory>", 0), ("<memory unit='TiB'>9223372036854775807</memory>", 0),
        ("<memory>much</memory>", 0),
    ]) func `memory is read in libvirt's units`(element: String, mebibytes: Int) throws {
        #expect(try instance(head: "<name>web</name>\(uuid)\(element)").launch.type == "virt.1c-\(mebibytes)m")
    }

    // MARK: Interfaces and disks

    private let network = Array(
        """
        <network><name>default</name><uuid>5d9b8f4e-3b0f-4c69-8d57-3d2c6a1f0b11</uuid><bridge name='virbr0'/><mtu size='1450'/>
        <ip family='ipv6' address='fd00::1' prefix='64'><dhcp><host id='1' ip='fd00::7'/></dhcp></ip>
        <ip address='192.0.2.1' netmask='255.255.255.0'><dhcp><host mac='52:54:00:00:00:02' ip='192.0.2.7'/></dhcp></ip></network>
        """.utf8)

    @Test func `a network is not mistaken for one with an equivalent name, or with spaces around the same name`() throws {
        let names = ["b\u{FC}ro", "bu\u{308}ro", "lab", " lab"]
        let networks = names.enumerated().map { number, name in
            """
            <network><name>\(name)</name><bridge name='virbr\(number)'/>\
            <ip address='192.0.2.1' netmask='255.255.255.0'>\
            <dhcp><host mac='52:54:00:00:00:01' ip='192.0.2.1\(number)'/></dhcp></ip></network>
            """
        }
        let interfaces = names.map { name in
            "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='\(name)'/></interface>"
        }
        for order in [networks, networks.reversed()] {
            let assembly = try InstanceAssembly(networks: order.map { Array($0.utf8) }, readsBare: false)
            for (number, interface) in interfaces.enumerated() {
                let domain = "<domain type='test'><name>web</name>\(uuid)<devices>\(interface)</devices></domain>"
                let found = try assembly.assemble(Array(domain.utf8)).instance.interfaces
                #expect(found.map(\.bridge) == ["virbr\(number)"])
                #expect(found.map { $0.reservations.map(\.description) } == [["192.0.2.1\(number)"]])
            }
        }
    }

    @Test func `an interface takes facts from its domain, then from its network`() throws {
        let devices = """
            <interface type='network'><mac address='52:54:00:00:00:02'/><source network='default'/><target dev='vnet1'/></interface>
            <interface type='network'><mac address='52:54:00:00:00:03'/><source network='default' bridge='virbr9'/><mtu size='9000'/></interface>
            <interface type='network'><mac address='52:54:00:00:00:04'/><source network='unknown'/></interface>
            <interface type='user'/>
            """
        let elements = "<interfaces><interface mac='52:54:00:00:00:03'><mtu>1400</mtu></interface></interfaces>"
        let assembly = try InstanceAssembly(networks: [network])
        let interfaces = try assembly.assemble(domain(elements, devices: devices)).instance.interfaces
        #expect(interfaces.map(\.mac.bits) == [0x5254_0000_0001, 0x5254_0000_0002, 0x5254_0000_0003, 0x5254_0000_0004])
        #expect(interfaces.map(\.bridge) == ["br0", "virbr0", "virbr9", nil])
        #expect(interfaces.map(\.tap) == [nil, "vnet1", nil, nil])
        #expect(interfaces.map(\.mtu) == [nil, 1450, 1400, nil])
        #expect(interfaces.map(\.network?.name) == [nil, "default", "default", nil])
        let network = try #require(interfaces[1].network)
        #expect(network.uuid == "5d9b8f4e-3b0f-4c69-8d57-3d2c6a1f0b11" && !network.offersDHCP)
        #expect(network.ranges.map(\.description) == ["fd00::/64", "192.0.2.0/24"])
        #expect(interfaces.map { $0.reservations.map(\.description) } == [[], ["192.0.2.7"], [], []])
    }

    @Test(arguments: [
        ("", true), ("<ip address='192.0.2.1' prefix='24'/>", false), ("<ip address='192.0.2.1' prefix='24'><dhcp/></ip>", false),
        ("<ip address='192.0.2.1' prefix='24'><dhcp><range start='192.0.2.2' end='192.0.2.9'/></dhcp></ip>", true),
        ("<ip family='ipv6' address='fd00::1' prefix='64'/>", false), ("<ip family='ipv4' address='192.0.2.1'/>", false),
        ("<ip family='ipv6' address='fd00::1'><dhcp/></ip><ip address='192.0.2.1'/>", false),
        ("<ip address='192.0.2.1'/><ip address='192.0.3.1'><dhcp><range start='192.0.3.2' end='192.0.3.9'/></dhcp></ip>", true),
    ]) func `a network offers DHCP unless the host has an address there and leases none to all`(ranges: String, offers: Bool)
        throws
    {
        let network = Array("<network><name>n</name>\(ranges)</network>".utf8)
        let devices = "<interface type='network'><mac address='52:54:00:00:00:02'/><source network='n'/></interface>"
        let interfaces = try InstanceAssembly(networks: [network]).assemble(domain(devices: devices)).instance.interfaces
        #expect(interfaces.last?.network?.name == "n")
        #expect(interfaces.last?.network?.uuid == "n")
        #expect(interfaces.last?.network?.offersDHCP == offers)
    }

    @Test func `the operator's addresses keep their order and their lengths`() throws {
        let interface = try #require(
            try instance(
                """
                <interfaces><interface mac='52-54-00-00-00-01'><address>2001:db8::7/64</address><address> 192.0.2.7/24 </address>
                <address>192.0.2.8</address><public-ipv4>203.0.113.7</public-ipv4></interface></interfaces>
                """
            ).interfaces.first)
        #expect(
            interface.addresses == ["2001:db8::7/64", "192.0.2.7/24", "192.0.2.8"].compactMap { InterfaceAddress($0) })
        #expect(interface.addresses.map(\.prefixLength) == [64, 24, nil])
        #expect(interface.publicIPv4 == IPAddress("203.0.113.7"))
    }

    private func disk(_ target: String, device: String = "disk", order: Int? = nil) -> String {
        "<disk device='\(device)'><target dev='\(target)'/>\(order.map { "<boot order='\($0)'/>" } ?? "")</disk>"
    }

    private func disks(_ devices: String, _ elements: String = "") throws -> [String] {
        try instance(elements, devices: devices).machine.disks.map {
            "\($0.target)\($0.isRoot ? " root" : "")\($0.role.map { " \($0)" } ?? "")"
        }
    }

    @Test func `the guest boots from the disk with the lowest order, else from the first`() throws {
        #expect(try disks(disk("vdb") + disk("vda")) == ["vdb root", "vda"])
        #expect(try disks(disk("vda") + disk("vdb", order: 3) + disk("vdc", order: 2)) == ["vda", "vdb", "vdc root"])
        #expect(try disks(disk("sda", device: "cdrom", order: 1) + disk("fda", device: "floppy") + disk("vda")) == ["vda root"])
        #expect(
            try disks("<disk><target dev='vda'/></disk><disk device='lun'><target dev='sda'/></disk><disk/>") == [
                "vda root", "sda",
            ])
        #expect(try disks("") == [])
    }

    @Test func `a disk's role is an attribute or an element`() throws {
        let elements = """
            <disks><disk target='vda' role='swap'/><disk target='vdb'><role>ephemeral</role></disk>
            <disk target='vdc' role='swap'><role>ephemeral</role></disk><disk target='vdd'/></disks>
            """
        #expect(
            try disks("abcd".map { disk("vd\($0)") }.joined(), elements) == ["vda root swap", "vdb ephemeral", "vdc swap", "vdd"])
    }

    // MARK: Where elements come from

    @Test func `title and elements come from the edited definition`() throws {
        let live = domain("<name>old</name><project-id>p</project-id>", devices: "<disk><target dev='vda'/></disk>")
        let edited = domain(
            "<hostname>h</hostname>",
            head: "<name>renamed</name><uuid>11111111-1111-1111-1111-111111111111</uuid><title>T</title><vcpu>9</vcpu>")
        let instance = try InstanceAssembly(readsBare: false).assemble(live, edited: edited).instance
        #expect(instance.name == "T" && instance.hostname == "h" && instance.launch.project == nil)
        #expect(instance.domainName == "web" && instance.id == "i-8367916213784288a" && instance.launch.type == "virt.1c-0m")
        #expect(instance.machine.disks.count == 1)
    }

    @Test func `bare elements are read only from files without the namespaced element`() throws {
        let bare = Array(
            """
            <domain><name>web</name>\(uuid)<metadata><o xmlns='urn:o'/><instance-id>i-1</instance-id></metadata></domain>
            """.utf8)
        #expect(try InstanceAssembly().assemble(bare).instance.id == "i-1")
        #expect(try InstanceAssembly().assemble(bare).findings.map(\.weight) == [.note])
        #expect(try InstanceAssembly(readsBare: false).assemble(bare).instance.id == "i-8367916213784288a")
        let both = Array(
            """
            <domain><name>web</name>\(uuid)<metadata><project-id>p</project-id>\
            <x:instance xmlns:x='urn:virt-metadata:instance:1'><x:instance-id>i-2</x:instance-id></x:instance></metadata></domain>
            """.utf8)
        let instance = try InstanceAssembly().assemble(both).instance
        #expect(instance.id == "i-2" && instance.launch.project == nil)
    }

    @Test(arguments: [
        ("", "the document is empty"), ("<network/>", "the root is <network>, not <domain>"),
        ("<domain><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid></domain>", "the domain has no <name>"),
        ("<domain><name> </name></domain>", "the domain has no <name>"),
        ("<domain><name>x</name><uuid/></domain>", "the domain has no usable <uuid>"),
        ("<domain><name>x</name><uuid>1</uuid></domain>", "the domain has no usable <uuid>"),
    ]) func `XML that is not a domain is refused with the reason`(xml: String, problem: String) {
        #expect { try InstanceAssembly().assemble(Array(xml.utf8)) } throws: { ($0 as? DescriptionError)?.problem == problem }
    }

    @Test func `XML that is not a network is refused with its line`() {
        #expect { try InstanceAssembly(networks: [Array("\n<network/>".utf8)]) } throws: {
            "\($0)" == "line 2: there is no <network> with a <name>"
        }
    }

    // MARK: What no bridge sees

    @Test(arguments: [
        ("direct", "macvtap"), ("user", "user-mode networking or passt"), ("udp", "a UDP tunnel"), ("server", "a TCP tunnel"),
        ("client", "a TCP tunnel"), ("mcast", "a multicast tunnel"), ("internal", "a network inside the hypervisor"),
    ])
    func `an interface without a bridge gives a note`(type: String, kind: String) throws {
        let noted = try findings(
            "", devices: "<interface type='\(type)'><mac address='52:54:00:00:00:02'/><source dev='eth0'/></interface>")
        #expect(
            noted.first
                == "devices/interface: note: 52:54:00:00:00:02 is of type '\(type)' (\(kind)): its requests pass no bridge, so it is "
                + "not served")
    }

    @Test func `an interface of type ethernet is named with its tap`() throws {
        let noted = try findings(
            "",
            devices:
                "<interface type='ethernet'><mac address='52:54:00:00:00:02'/><target dev='tapvm1' managed='no'/></interface>")
        #expect(
            noted.first
                == "devices/interface: note: 52:54:00:00:00:02 is of type 'ethernet': it is served only while its tap 'tapvm1' is a "
                + "port of a served bridge")
    }

    /// The notes on an interface of the network `n`, which precedes any other.
    private func notes(_ network: String, _ elements: String = "", more: String = "") throws -> [String] {
        let xml = """
            <domain type='test'><name>web</name>\(uuid)<metadata><instance xmlns='urn:virt-metadata:instance:1'>\(elements)</instance>\
            </metadata><devices><interface type='network'><mac address='52:54:00:00:00:01'/><source network='n'/>\(more)</devices></domain>
            """
        let networks = [Array("<network><name>n</name>\(network)</network>".utf8)]
        return try InstanceAssembly(networks: networks, readsBare: false).assemble(Array(xml.utf8)).findings.map(\.problem)
    }

    @Test(arguments: ["bridge", "private", "vepa", "passthrough", "hostdev"])
    func `a network without a bridge is named`(mode: String) throws {
        let noted = try notes("<forward mode='\(mode)'><interface dev='eth0'/></forward>", more: "</interface>")
        #expect(
            noted.first
                == "52:54:00:00:00:01 is on the network 'n', which has no bridge (<forward mode='\(mode)'>): its requests pass no bridge, "
                + "so it is not served")
        #expect(try notes("<forward mode='bridge'/><bridge name='br0'/>", more: "</interface>").isEmpty)
        #expect(try notes("<forward mode='nat'/>", more: "</interface>").isEmpty)
    }

    @Test func `links that a guest does not configure, or does not wait for, are named`() throws {
        let range = "<ip address='192.0.2.1' prefix='24'><dhcp><range start='192.0.2.2' end='192.0.2.9'/></dhcp></ip>"
        let second = "</interface><interface type='bridge'><mac address='52:54:00:00:00:02'/><source bridge='br0'/></interface>"
        #expect(
            try notes(range, more: second) == [
                "nothing says how 52:54:00:00:00:02 gets addresses: OpenStack guests leave it unconfigured, NoCloud guests try DHCP "
                    + "without waiting for it; for DHCP add <ipv4>dhcp</ipv4> to its <interface>"
            ])
        let said = "<interfaces><interface mac='52:54:00:00:00:02'><ipv4>none</ipv4></interface></interfaces>"
        #expect(try notes(range, said, more: second).isEmpty)
        #expect(
            try notes(range, more: "<link state='down'/></interface>") == [
                "the link of 52:54:00:00:00:01 is down (<link state='down'/>): guests do not wait for it"
            ])
    }

    @Test func `an IPv6 prefix that assigns nothing is named`() throws {
        let (range, none) = ("<ip family='ipv6' address='fd00::1' prefix='80'/>", "<ipv6>none</ipv6>")
        #expect(
            try notes(range, more: "</interface>") == [
                "52:54:00:00:00:01 gets no IPv6 address from the network 'n': without <dhcp> guests need a prefix of 64 bits"
            ])
        for element in [none, "<address>fd00::7/80</address>"] {
            let elements = "<interfaces><interface mac='52:54:00:00:00:01'>\(element)</interface></interfaces>"
            #expect(try notes(range, elements, more: "</interface>").isEmpty)
        }
        #expect(try notes("<ip family='ipv6' address='fd00::1' prefix='64'/>", more: "</interface>").isEmpty)
    }

    @Test(arguments: [
        (
            "<interface mac='52:54:00:00:00:01'><dns>2001:db8::53</dns><dns>192.0.2.53</dns><ipv6>none</ipv6></interface>",
            [
                "interfaces/interface: note: the name server 2001:db8::53 is not served: the link has no IPv6 address, DHCP or SLAAC"
            ]
        ),
        (
            "<interface mac='52:54:00:00:00:01'><ipv4>none</ipv4><route to='10.0.0.0/8' via='192.0.2.1'/></interface>",
            ["interfaces/interface: note: the route to 10.0.0.0/8 is not served: the link has no IPv4 address, DHCP or SLAAC"]
        ),
        (
            "<interface mac='52:54:00:00:00:01'><address>192.0.2.7/24</address></interface>"
                + "<bond mode='802.3ad'><member mac='52:54:00:00:00:01'/></bond>",
            [
                "interfaces/interface: note: 52:54:00:00:00:01 is a member of a bond: its own addresses and routes are not served"
            ]
        ),
        (
            "<interface mac='52:54:00:00:00:01'><mtu>1400</mtu></interface><bond mode='802.3ad'><member mac='52:54:00:00:00:01'/></bond>",
            []
        ),
        ("<interface mac='52:54:00:00:00:01'><dns>192.0.2.53</dns><route to='10.0.0.0/8' via='192.0.2.1'/></interface>", []),
    ])
    func `a value that no document contains is named`(elements: String, noted: [String]) throws {
        #expect(try findings("<interfaces>\(elements)</interfaces>") == noted)
    }

    @Test func `a file may lack what libvirt generates`() throws {
        let draft = Array(
            """
            <domain><name>x</name><metadata><instance xmlns='urn:virt-metadata:instance:1'><launch-index>a</launch-index></instance></metadata>
            <devices><interface type='network'><source network='default'/></interface></devices></domain>
            """.utf8)
        #expect(
            try InstanceAssembly().assemble(draft).findings.map(\.description) == [
                "line 1: uuid: note: missing: libvirt generates one",
                "line 1: launch-index: invalid value 'a': expected an integer from 0",
                "line 2: devices/interface/mac: note: missing: libvirt generates one; not checked further",
            ])
        // libvirt's own XML has both.
        #expect(throws: DescriptionError.self) { try InstanceAssembly(readsBare: false).assemble(draft) }
    }
}

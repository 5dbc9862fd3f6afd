import Common
import Description
import Testing

/// Nothing of a domain's XML is dropped without a word.
@Suite struct DomainReviewTests {
    private func findings(_ head: String = "", devices: String = "", metadata: String = "") throws -> [String] {
        let xml = """
            <domain type='kvm'><name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>\(head)\(metadata)<devic\
            es>\(devices)</devices></domain>
            """
        return try InstanceAssembly().assemble(Array(xml.utf8)).findings.map(\.description)
    }

    private static let mac = "<mac address='52:54:00:00:00:01'/>"

    @Test(arguments: [
        (
            """
            <interface type='bridge'><mac address='52:54:00:00:00'/><source bridge='br0'/></interface>
            """, "devices/interface/mac: '52:54:00:00:00' is not the MAC"
        ),
        (
            """
            <interface type='bridge'><mac address='53:54:00:00:00:01'/><source bridge='br0'/></interface>
            """, "devices/interface/mac: '53:54:00:00:00:01' is not the MAC"
        ),
        ("<interface type='network'>\(mac)</interface>", "devices/interface/source: missing attribute 'network'"),
        ("<interface type='bridge'>\(mac)<source/></interface>", "devices/interface/source: missing attribute 'bridge'"),
        ("<interface type='wire'>\(mac)</interface>", "devices/interface: note: unknown type 'wire'"),
        ("<interface>\(mac)</interface>", "devices/interface: note: unknown type ''"),
        (
            """
            <interface type='bridge'><mac address='52-54-00-00-00-01'/><source bridge='br0'/></interface>
            """, "devices/interface/mac: '52-54-00-00-00-01' is not the MAC"
        ),
        (
            """
            <interface type='bridge'><mac address='00:00:00:00:00:00'/><source bridge='br0'/></interface>
            """, "devices/interface/mac: '00:00:00:00:00:00' is not the MAC"
        ),
        (
            "<interface type='bridge'>\(mac)<source bridge='br0'/><mtu size='10'/></interface>",
            "devices/interface/mtu: invalid size '10'"
        ),
        (
            "<interface type='bridge'>\(mac)<source bridge='br0'/><mtu size='4294967295'/></interface>",
            "devices/interface/mtu: invalid size '4294967295'"
        ),
        (
            "<interface type='bridge'>\(mac)<source bridge='br0'/><mtu size='jumbo'/></interface>",
            "devices/interface/mtu: invalid size"
        ),
        (
            "<disk type='file' device='disk'><target dev='vd&#10;a'/></disk>",
            "devices/disk/target: 'vd\\na' is not the name of a disk"
        ),
        (
            "<disk type='file' device='disk'><target dev='../vda'/></disk>",
            "devices/disk/target: '../vda' is not the name of a disk"
        ),
        ("<disk type='file'><source file='/x'/></disk>", "devices/disk/target: missing attribute 'dev'"),
    ])
    func `a device that is not read is reported`(device: String, problem: String) throws {
        let found = try findings(devices: device)
        #expect(found.count == 1 && found.first?.hasPrefix("line 1: \(problem)") == true, "\(found)")
    }

    @Test func `a MAC address is read as libvirt reads it, and an MTU that no link has is not served`() throws {
        func card(_ mac: String, _ mtu: String) -> String {
            "<interface type='bridge'><mac address='\(mac)'/><source bridge='br0'/><mtu size='\(mtu)'/></interface>"
        }
        let xml = """
            <domain type='kvm'><name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid><devices>\
            \(card("52:54:0:0:0:1", "9000"))\(card("52:54:00:00:00:02", "70000"))</devices></domain>
            """
        let instance = try InstanceAssembly().assemble(Array(xml.utf8)).instance
        #expect(instance.interfaces.map(\.mac.description) == ["52:54:00:00:00:01", "52:54:00:00:00:02"])
        #expect(instance.interfaces.map(\.mtu) == [9000, nil])
    }

    @Test func `elements of this program are found wherever they are, but in those of other programs`() throws {
        let instance = "<vm:instance xmlns:vm='urn:virt-metadata:instance:1'><vm:hostname>a</vm:hostname></vm:instance>"
        #expect(try findings(devices: instance).map { $0.prefix(38) } == ["line 1: instance: is outside of <metad"])
        #expect(try findings("<os><type>hvm</type>\(instance)</os>").count == 1)
        #expect(try findings("<Metadata>\(instance)</Metadata>").count == 1)
        #expect(try findings(metadata: "<metadata><x:copy xmlns:x='urn:x'>\(instance)</x:copy></metadata>") == [])
    }

    @Test func `two interfaces with one MAC address are noted, and a teaming pair is none`() throws {
        let card = "<interface type='bridge'>\(Self.mac)<source bridge='br0'/>"
        let found = try findings(devices: "\(card)</interface>\n\(card)</interface>")
        #expect(
            found.contains {
                $0.hasPrefix(
                    """
                    line 2: devices/interface/mac: note: duplicate MAC address 52:54:00:00:00:01, also of the interface in line 1
                    """)
            })
        let pair = "\(card)<teaming type='persistent'/></interface>\(card)<teaming type='transient' persistent='x'/></interface>"
        #expect(try !findings(devices: pair).contains { $0.contains("duplicate MAC address") })
    }

    @Test func `the interfaces after the 256th are reported`() throws {
        let all = (0..<300).map {
            """
            <interface type='user'><mac address='52:54:00:00:0\($0 / 256):\
            \(String($0 % 256 + 256, radix: 16).dropFirst())'/></interface>\n
            """
        }
        let found = try findings(devices: all.joined())
        #expect(found.contains { $0.hasPrefix("line 257: devices/interface: more than 256 interfaces") }, "\(found.suffix(3))")
    }

    @Test(arguments: [
        ("<hwuuid>x</hwuuid>", "hwuuid: 'x' is not a UUID"), ("<vcpu>two</vcpu>", "vcpu: invalid value 'two'"),
        ("<vcpu>0</vcpu>", "vcpu: invalid value '0'"),
        ("<memory>1.5</memory>", "memory: invalid value '1.5'"),
        ("<memory unit='MiBi'>1</memory>", "memory: unknown unit 'MiBi'"),
        ("<metadata/><metadata/>", "metadata: a second <metadata>"),
        ("<metadata><instance><name>x</name></instance></metadata>", "instance: has no namespace, so libvirt drops it: write"),
        (
            "<metadata><vm:instance xmlns:vm='urn:virt-metadata:instance:1'/><hostname>x</hostname></metadata>",
            "hostname: has no namespace, so libvirt drops it: move it into <instance>"
        ),
        ("<vm:instance xmlns:vm='urn:virt-metadata:instance:1'/>", "instance: is outside of <metadata>"),
        ("<metadata><i:instance xmlns:i='urn:virt-metadata:instance:2'/></metadata>", "instance: has the unknown namespace"),
        (
            "<metadata><i:instance xmlns:i='urn:virt-metdata:instance:1'/></metadata>",
            "instance: has the unknown namespace 'urn:virt-metdata:instance:1': expected <vm:instance"
        ),
    ])
    func `a value that is not read is reported`(head: String, problem: String) throws {
        let found = try findings(head)
        #expect(found.count == 1 && found.first?.hasPrefix("line 1: \(problem)") == true, "\(found)")
    }

    @Test(arguments: [
        """
        <memory unit='mib'>512</memory><vcpu placement='static'>2</vcpu>
        """, "<memory unit='Bytes'>1048576</memory>", "<memory>1</memory>",
    ])
    func `units are compared as libvirt does`(head: String) throws {
        #expect(try findings(head) == [])
    }

    @Test func `elements of other programs are no concern of this one`() throws {
        let nova = """
            <nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'><nova:name>a</nova:name>\
            </nova:instance>
            """
        let osinfo = """
            <libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'><libosinfo:os id='x'/>\
            </libosinfo:libosinfo>
            """
        #expect(try findings(metadata: "<metadata>\(nova)\(osinfo)</metadata>") == [])
    }
}

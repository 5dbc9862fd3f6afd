import Common
import Description
import Testing

/// What an element holds beside its value is never dropped without a word: attributes, text and elements that nothing is read from.
@Suite struct ElementFormTests {
    private static let interface = "<interfaces><interface mac='52:54:00:00:00:01'>"
    private static let ending = "</interface></interfaces>"

    private static let attributes: [(elements: String, finding: String)] = [
        ("<hostname domain='x'>web</hostname>", "hostname: unknown attribute 'domain': expected none"),
        ("<tags merg='add'><tag name='a'>b</tag></tags>", "tags: unknown attribute 'merg'; did you mean 'merge'?"),
        ("<tags><tag name='a' value='b'/></tags>", "tags/tag: unknown attribute 'value': expected name"),
        (
            "<files><file path='/a' mode='0600'>b</file></files>",
            "files/file: unknown attribute 'mode': expected encoding, path"
        ),
        ("<files><file path='/a' encodin='base64'>b</file></files>", "files/file: unknown attribute 'encodin'; did you mean"),
        (
            interface + "<route to='10.0.0.0/8' via='192.0.2.1' metrik='5'/>" + ending,
            "interfaces/interface/route: unknown attribute 'metrik'; did you mean 'metric'?"
        ),
        (
            interface + "<gateway metrc='5'>192.0.2.1</gateway>" + ending,
            "interfaces/interface/gateway: unknown attribute 'metrc'; did you mean 'metric'?"
        ),
        (
            interface + "<address prefix='24'>192.0.2.7/24</address>" + ending,
            "interfaces/interface/address: unknown attribute 'prefix': expected none"
        ),
        (
            interface + "<dhcp4-overrides use-dn='no'/>" + ending,
            "interfaces/interface/dhcp4-overrides: unknown attribute 'use-dn'; did you mean 'use-dns'?"
        ),
        (
            "<interfaces><bond mode='802.3ad' miimn='1'><member mac='52:54:00:00:00:01'/></bond></interfaces>",
            "interfaces/bond: unknown attribute 'miimn'; did you mean 'miimon'?"
        ),
        (
            "<interfaces><vlan id='5' on='52:54:00:00:00:01' mtu='1400'/></interfaces>",
            "interfaces/vlan: unknown attribute 'mtu': expected id, mac, name, on"
        ),
        ("<placement merge='add'/>", "placement: unknown attribute 'merge': expected none"),
        ("<iam><info role='a'>{}</info></iam>", "iam/info: unknown attribute 'role': expected none"),
    ]

    @Test(arguments: attributes) func `an unknown attribute is reported`(elements: String, finding: String) throws {
        let found = try findings(elements).filter { !$0.contains("note: ") }
        #expect(found.count == 1 && found.first?.hasPrefix(finding) == true, "\(found)")
    }

    @Test func `an attribute with a prefix is reported if it is meant for this program`() throws {
        let own = "<v:tags xmlns:v='urn:virt-metadata:instance:1' v:merge='add'><v:tag name='a'>b</v:tag></v:tags>"
        #expect(try findings(own) == ["tags: the attribute 'merge' has a prefix, so that it is not read: write it without"])
        #expect(try findings("<hostname xmlns:x='urn:x' x:note='y'>web</hostname>") == [])
        let root =
            "<domain><name>a</name><metadata><vm:instance xmlns:vm='urn:virt-metadata:instance:1' version='1'/></metadata></domain>"
        #expect(
            try InstanceAssembly().assemble(Array(root.utf8)).findings.map(\.description).last
                == "line 1: instance: unknown attribute 'version': expected none")
    }

    @Test(arguments: [
        (
            "<public-keys>ssh-ed25519 AAAA</public-keys>",
            "public-keys: the text is not read: expected elements"
        ),
        ("<tags>env=prod</tags>", "tags: the text is not read: expected elements such as <tag>"),
        (
            "<placement>eu-1a</placement>",
            "placement: the text is not read: expected elements such as <availability-zone>"
        ),
        (
            "<security-groups>web</security-groups>",
            "security-groups: the text is not read: expected elements such as <group>"
        ),
        ("<interfaces>dhcp</interfaces>", "interfaces: the text is not read: expected elements such as <bond>"),
        (interface + "192.0.2.7/24" + ending, "interfaces/interface: the text is not read: expected elements"),
        ("<disks>vda</disks>", "disks: the text is not read: expected elements such as <disk>"),
        ("<events>[]</events>", "events: the text is not read: expected elements such as <maintenance>"),
        ("<imds>required</imds>", "imds: the text is not read: expected the attributes hop-limit, tokens"),
        (
            interface + "<dhcp4-overrides use-dns='no'>no</dhcp4-overrides>" + ending,
            "interfaces/interface/dhcp4-overrides: the text is not read: expected the attributes hostname"
        ),
        ("hostname: web", "instance: the text is not read: expected elements such as"),
        ("<imds><tokens>required</tokens></imds>", "imds/tokens: unknown element: expected the attributes hop-limit, tokens"),
        (
            interface + "<route to='10.0.0.0/8' via='192.0.2.1'><metric>5</metric></route>" + ending,
            "interfaces/interface/route/metric: unknown element: expected the attributes metric, to, via"
        ),
    ]) func `text between elements, and elements beside attributes, are reported`(elements: String, finding: String) throws {
        let found = try findings(elements).filter { !$0.contains("note: ") }
        #expect(found.count == 1 && found.first?.hasPrefix(finding) == true, "\(found)")
    }

    @Test(arguments: [
        ("<tags><tag name='a'>b<c>d</c></tag></tags>", "tags/tag: contains elements: expected text"),
        (
            "<events><maintenance><history>[]<x/></history></maintenance></events>",
            "events/maintenance/history: contains elements: expected JSON"
        ),
        ("<spot><instance-action>{}<x/></instance-action></spot>", "spot/instance-action: contains elements: expected JSON"),
        (
            "<disks><disk target='vda'><role>swap<x/></role></disk></disks>",
            "disks/disk/role: contains elements: expected one line of text"
        ),
        (
            interface + "<ipv4>dhcp<x/></ipv4>" + ending,
            "interfaces/interface/ipv4: contains elements: expected one line of text"
        ),
        (
            interface + "<address>192.0.2.7/24<x/></address>" + ending,
            "interfaces/interface/address: contains elements: expected one line of text"
        ),
    ]) func `a text with elements in it costs itself`(elements: String, finding: String) throws {
        let disk = "<disk type='file' device='disk'><target dev='vda' bus='virtio'/></disk>"
        let assembled = try assembled(elements, devices: disk)
        #expect(assembled.findings.map { "\($0.element): \($0.problem)" } == [finding])
        #expect(assembled.instance.documents.tags.isEmpty && assembled.instance.documents.verbatim.isEmpty)
        #expect(assembled.instance.interfaces.allSatisfy { $0.configuration == LinkConfiguration() })
        #expect(assembled.instance.machine.disks.allSatisfy { $0.role == nil })
    }

    @Test(arguments: ["urn:virt-metadata:instance:2", "urn:virt-metdata:instance:1", "URN:virt-metadata:instance:1"])
    func `an element in a namespace that is nearly that of the instance element is reported`(namespace: String) throws {
        let found = try assembled("<hostname xmlns='\(namespace)'>db</hostname>")
        #expect(found.instance.hostname == "web")
        #expect(
            found.findings.map(\.problem) == ["has the unknown namespace '\(namespace)': expected urn:virt-metadata:instance:1"])
    }

    // MARK: Values that clients expect in another form

    @Test(arguments: [
        ("<spot><termination-time>tomorrow</termination-time></spot>", "spot/termination-time: note: 'tomorrow' is not a time"),
        ("<spot><termination-time>2026-02-29T00:00:00Z</termination-time></spot>", "spot/termination-time: note: "),
        ("<spot><termination-time>2026-11-30 00:00:00Z</termination-time></spot>", "spot/termination-time: note: "),
        ("<spot><termination-time>2026-11-30T00:00:00</termination-time></spot>", "spot/termination-time: note: "),
        ("<spot><termination-time>2026-11-30T24:00:00Z</termination-time></spot>", "spot/termination-time: note: "),
        ("<spot><instance-action>\"stop\"</instance-action></spot>", "spot/instance-action: note: clients expect a JSON object"),
        (
            "<events><maintenance><history>{}</history></maintenance></events>",
            "events/maintenance/history: note: clients expect a"
        ),
        ("<iam><security-credentials role='a'>[]</security-credentials></iam>", "iam/security-credentials: note: clients expect"),
    ]) func `a value of a form that clients do not expect is served and noted`(elements: String, finding: String) throws {
        let found = try findings(elements)
        #expect(found.count == 1 && found.first?.hasPrefix(finding) == true, "\(found)")
        let documents = try assembled(elements).instance
        #expect(!documents.documents.verbatim.isEmpty || !documents.access.credentials.isEmpty)
    }

    @Test(arguments: ["2026-11-30T00:00:00Z", "2028-02-29T23:59:60.25Z", "2026-11-30T00:00:00+05:30"])
    func `times of RFC 3339 are times`(text: String) throws {
        #expect(try findings("<spot><termination-time>\(text)</termination-time></spot>") == [])
    }
}

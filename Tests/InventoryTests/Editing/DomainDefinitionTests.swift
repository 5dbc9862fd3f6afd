import Inventory
import Testing

/// What `enable` writes into a definition, and `disable` removes.
struct DomainDefinitionTests {
    private static func xml(
        uuid: String = "83679162-1378-4288-a2d4-70e13ec132aa", os: String = "<type arch='x86_64'>hvm</type>", more: String = "",
        metadata: String = ""
    ) -> String {
        """
        <domain type='qemu'>
          <name>web</name>
          <uuid>\(uuid)</uuid>\(metadata.isEmpty ? "" : "\n  <metadata>\(metadata)</metadata>")
          <memory unit='KiB'>65536</memory>
          <vcpu>1</vcpu>
          <os>
            \(os)
          </os>\(more)
        </domain>

        """
    }

    private static func instance(_ elements: String) -> String {
        "<vm:instance xmlns:vm='urn:virt-metadata:instance:1'>\(elements)</vm:instance>"
    }

    private static func value(_ path: String, _ text: String) throws -> InstanceElement.Assignment {
        .init(path: try ElementPath(path), value: Array(text.utf8))
    }

    @Test(arguments: SMBIOSIdentity.allCases)
    func `an identity is removed to the byte`(identity: SMBIOSIdentity) throws {
        for more in [
            "", "\n  <sysinfo type='smbios'>\n    <bios>\n      <entry name='vendor'>me</entry>\n    </bios>\n  </sysinfo>",
        ] {
            for os in [
                "<type>hvm</type>", "<type>hvm</type>\n    <smbios mode='emulate'/>",
                "<type>hvm</type>\n    <smbios mode='sysinfo'/>",
            ] {
                let old = Self.xml(uuid: "ec2e1916-9099-4caf-8d21-012345abcdef", os: os, more: more)
                var definition = try DomainDefinition(old, element: nil)
                try definition.enable(identity, [Self.value("hostname", "web.example"), Self.value("tags/tag[a]", "1")])
                #expect(definition.enabledIdentity == identity.rawValue)
                #expect(definition.presentIdentity == identity)
                #expect(definition.xml.contains("<entry name='vendor'>") == !more.isEmpty)
                // Again from the text, as the next process reads it.
                var second = try DomainDefinition(definition.xml, element: definition.element)
                try second.disable()
                #expect(second.remarks.isEmpty)
                #expect(second.xml == old)
                #expect(second.element == nil)
            }
        }
    }

    @Test func `another identity replaces the first, and disable removes all`() throws {
        let old = Self.xml()
        var definition = try DomainDefinition(old, element: nil)
        try definition.enable(.openstack, [])
        try definition.enable(.nocloud, [])
        #expect(!definition.xml.contains("OpenStack Nova"))
        #expect(definition.tables == ["serial": "ds=nocloud;s=http://169.254.169.254/nocloud/"])
        try definition.disable()
        #expect(definition.xml == old)
    }

    @Test func `the same twice is the same as once`() throws {
        var definition = try DomainDefinition(Self.xml(), element: nil)
        try definition.enable(.openstack, [Self.value("hostname", "a")])
        let once = definition.xml
        try definition.enable(.openstack, [Self.value("hostname", "a")])
        #expect(definition.xml == once)
    }

    @Test func `values that were there before come back`() throws {
        let elements =
            "<hostname>mine</hostname><security-groups><group>a</group><group>b</group></security-groups><imds tokens='required'/>"
        var definition = try DomainDefinition(
            Self.xml(metadata: Self.instance(elements)), element: "<instance>\(elements)</instance>")
        try definition.enable(
            nil, [Self.value("hostname", "x"), Self.value("security-groups", "c"), Self.value("imds@tokens", "optional")])
        try definition.enable(nil, [Self.value("hostname", "y")])
        #expect(definition.element?.contains("<hostname>y</hostname>") == true)
        try definition.disable()
        #expect(definition.element?.contains("<hostname>mine</hostname>") == true)
        #expect(definition.element?.contains("<imds tokens='required'/>") == true)
        let groups = try InstanceElement(definition.element).written(at: ElementPath("security-groups"))
        #expect(groups == "<group>a</group>\n<group>b</group>")
        #expect(!definition.xml.contains("urn:virt-metadata:enabled"))
    }

    @Test func `values changed since stay, and are reported`() throws {
        var definition = try DomainDefinition(Self.xml(), element: nil)
        try definition.enable(.openstack, [Self.value("hostname", "a"), Self.value("tags/tag[env]", "test")])
        try definition.set([Self.value("hostname", "mine")])
        let edited = definition.xml.replacing("OpenStack Nova</entry>\n", with: "OpenStack Compute</entry>\n")
        var second = try DomainDefinition(edited, element: definition.element)
        try second.disable()
        #expect(
            second.remarks == ["<entry name='product'> was changed since, and stays", "hostname was changed since, and stays"])
        #expect(second.xml.contains("OpenStack Compute"))
        #expect(second.xml.contains("<smbios mode='sysinfo'/>"))
        #expect(second.element?.contains("mine") == true)
        #expect(second.element?.contains("env") == false)
    }

    @Test func `foreign metadata is not changed`() throws {
        let other = "<o:x xmlns:o='urn:other'><o:hostname>h</o:hostname></o:x>"
        let old = Self.xml(metadata: other)
        var definition = try DomainDefinition(old, element: nil)
        try definition.enable(.openstack, [Self.value("hostname", "a")])
        #expect(definition.xml.contains(other))
        try definition.disable()
        #expect(definition.xml.contains("<metadata>\(other)"))
    }

    @Test func `values are removed from the running domain's element too`() throws {
        var definition = try DomainDefinition(Self.xml(), element: nil)
        try definition.enable(nil, [Self.value("hostname", "a")])
        let live = "<instance><hostname>a</hostname><name>n</name></instance>"
        #expect(try definition.removingEnabledValues(from: live) == "<instance><name>n</name></instance>")
        #expect(try definition.removingEnabledValues(from: "<instance><hostname>b</hostname></instance>")?.contains("b") == true)
    }

    @Test(arguments: [
        (SMBIOSIdentity.ec2, xml(), "an EC2 guest knows itself by a UUID that begins 'ec2', and this domain's is 83679162"),
        (
            .openstack, xml(os: "<type>hvm</type><smbios mode='host'/>"),
            "<smbios mode='host'/> shows the guest this host's tables"
        ),
        (.openstack, xml(os: "<type>exe</type>"), "only a domain whose <os><type> is hvm has SMBIOS tables"),
        (
            .openstack, xml(more: "<sysinfo type='smbios'><system><entry name='product'>PC</entry></system></sysinfo>"),
            "<sysinfo> has <entry name='product'>PC</entry>, which somebody wrote"
        ),
    ]) func `an obstacle to an identity is reported`(identity: SMBIOSIdentity, xml: String, sentence: String) throws {
        var definition = try DomainDefinition(xml, element: nil)
        let failure = #expect(throws: DefinitionFailure.self) { try definition.enable(identity, []) }
        #expect(failure?.description.hasPrefix(sentence) == true, "\(failure?.description ?? "")")
    }

    @Test func `a domain without a record has nothing to remove`() throws {
        var definition = try DomainDefinition(Self.xml(), element: nil)
        #expect(throws: DefinitionFailure.self) { try definition.disable() }
    }

    @Test func `an impossible value is named by its path`() throws {
        var definition = try DomainDefinition(Self.xml(), element: nil)
        let failure = #expect(throws: DefinitionFailure.self) { try definition.set([Self.value("hostname", "\u{1}")]) }
        #expect(failure?.description == "hostname: the value has bytes that XML cannot hold")
    }
}

import Description
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
    func `an identity is removed byte for byte`(identity: SMBIOSIdentity) throws {
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

    @Test func `a record with more values than enable writes is refused`() throws {
        let values = (0..<501).map { "<value path='tags/tag[t\($0)]' sha256='0'/>" }.joined()
        let record =
            "<metadata><e:enabled xmlns:e='urn:virt-metadata:enabled:1' identity='openstack'>\(values)</e:enabled></metadata>"
        let xml = Self.xml(uuid: "ec2e1916-9099-4caf-8d21-012345abcdef", os: "<type>hvm</type>", more: "")
        var definition = try DomainDefinition(
            xml.replacing("</uuid>", with: "</uuid>\(record)", maxReplacements: 1), element: nil)
        #expect { try definition.disable() } throws: {
            "\($0)".hasPrefix("the record of `enable` has 501 values, and at most 500 are undone")
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

    @Test func `values changed since are kept, and reported`() throws {
        var definition = try DomainDefinition(Self.xml(), element: nil)
        try definition.enable(.openstack, [Self.value("hostname", "a"), Self.value("tags/tag[env]", "test")])
        try definition.set([Self.value("hostname", "mine")])
        let edited = definition.xml.replacing("OpenStack Nova</entry>\n", with: "OpenStack Compute</entry>\n")
        var second = try DomainDefinition(edited, element: definition.element)
        try second.disable()
        #expect(
            second.remarks == [
                "<entry name='product'> was changed after enable, and is kept", "hostname was changed after enable, and is kept",
            ])
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
        (SMBIOSIdentity.ec2, xml(), "--identity ec2 needs a UUID that begins with 'ec2', and this domain's is 83679162"),
        (
            .openstack, xml(os: "<type>hvm</type><smbios mode='host'/>"),
            "<smbios mode='host'/> shows this host's SMBIOS tables to the guest; replace it with --force (`disable` does not restore it)"
        ),
        (.openstack, xml(os: "<type>exe</type>"), "SMBIOS tables need <os><type>hvm</type>"),
        (
            .openstack, xml(more: "<sysinfo type='smbios'><system><entry name='product'>PC</entry></system></sysinfo>"),
            "<sysinfo> has <entry name='product'>PC</entry>, written by hand; --identity openstack needs 'OpenStack Nova' there"
        ),
    ]) func `an obstacle to an identity is reported`(identity: SMBIOSIdentity, xml: String, sentence: String) throws {
        var definition = try DomainDefinition(xml, element: nil)
        let failure = #expect(throws: DefinitionFailure.self) { try definition.enable(identity, []) }
        #expect(failure?.description.hasPrefix(sentence) == true, "\(failure?.description ?? "")")
    }

    @Test func `a domain without a record has nothing to remove`() throws {
        var definition = try DomainDefinition(Self.xml(), element: nil)
        try definition.disable()
        #expect(definition.xml == Self.xml())
        #expect(definition.remarks == ["`virt-metadata enable` has written nothing into this domain"])
    }

    // MARK: Identities written by hand

    private static func tables(_ sections: String, mode: String = "sysinfo") -> String {
        xml(
            os: "<type>hvm</type>\n    <smbios mode='\(mode)'/>",
            more: "\n  <sysinfo type='smbios'>\n    \(sections)\n  </sysinfo>")
    }

    private static func system(_ entries: String) -> String {
        "<system>\n      <entry name='manufacturer'>me</entry>\n      \(entries)\n    </system>"
    }

    @Test(arguments: [
        (SMBIOSIdentity.nocloud, system("<entry name='product'>OpenStack Nova</entry>")),
        (.nocloud, system("<entry name='product'>OpenStack Compute</entry>")),
        (.nocloud, "<chassis>\n      <entry name='asset'>HUAWEICLOUD</entry>\n    </chassis>"),
        (.openstack, system("<entry name='serial'>ds=nocloud;s=http://192.0.2.1/</entry>")),
        (.openstack, system("<entry name='serial'>x ds=nocloud-net</entry>")),
        (.nocloud, system("<entry name='serial'>K-1234</entry>")), (.openstack, system("<entry name='product'>PC</entry>")),
        (
            .nocloud,
            system(
                "<entry name='product'>OpenStack Nova</entry>\n      <entry name='serial'>ds=nocloud;s=http://192.0.2.1/</entry>")
        ),
    ]) func `a contradicting identity is refused, or replaced until disable restores it`(
        identity: SMBIOSIdentity, sections: String
    )
        throws
    {
        let old = Self.tables(sections)
        var refused = try DomainDefinition(old, element: nil)
        let failure = #expect(throws: DefinitionFailure.self) { try refused.enable(identity, []) }
        #expect(failure?.description.contains("written by hand") == true)
        #expect(failure?.description.contains("--force") == true)
        var definition = try DomainDefinition(old, element: nil)
        try definition.enable(identity, [], replacing: true)
        let found = try DatasourceDetection(Array(definition.xml.utf8))
        for version in DatasourceDetection.Version.allCases where identity != .nocloud || version == .newer {
            #expect(found.datasources(for: version) == [identity == .nocloud ? .noCloud : .openStack])
        }
        // As the next process reads it: nothing is left to replace, and another identity finds no trace.
        var second = try DomainDefinition(definition.xml, element: nil)
        try second.enable(identity, [])
        #expect(second.xml == definition.xml)
        try second.disable()
        let restored = try DomainDefinition(second.xml, element: nil)
        #expect(restored.tables == (try DomainDefinition(old, element: nil).tables))
        #expect(second.xml.split(separator: "\n").sorted() == old.split(separator: "\n").sorted())
    }

    @Test func `the host's tables are replaced, and not shown to the guest again`() throws {
        let old = Self.xml(os: "<type>hvm</type>\n    <smbios mode='host'/>")
        var definition = try DomainDefinition(old, element: nil)
        try definition.enable(.openstack, [], replacing: true)
        #expect(definition.presentIdentity == .openstack)
        try definition.disable()
        #expect(definition.xml == old.replacing("'host'", with: "'emulate'"))
        #expect(definition.remarks.contains { $0.hasPrefix("<smbios mode='host'/>") })
    }

    @Test func `a record that somebody else wrote brings nothing into the definition that enable could not have written`() throws
    {
        let hostile = "a/></sysinfo><devices><disk type='block'/></devices><sysinfo type='fwcfg'><b"
            .replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        let record = """
            <metadata><e:enabled xmlns:e='urn:virt-metadata:enabled:1' identity='openstack' mode="x'/>&lt;y a='">\
            <e:made>sysinfo/../devices</e:made>\
            <e:replaced section="\(hostile)" name='product'>v</e:replaced><e:replaced section='bios' name='vendor'>v</e:replaced>\
            <e:replaced name='family'>v</e:replaced><e:entry name='family'>f</e:entry>\
            </e:enabled></metadata>
            """
        let sysinfo = "\n  <sysinfo type='smbios'><system><entry name='family'>f</entry></system></sysinfo>"
        let xml = Self.xml(os: "<type>hvm</type><smbios mode='sysinfo'/>", more: sysinfo)
        for identity in [nil, SMBIOSIdentity.nocloud] {
            var definition = try DomainDefinition(
                xml.replacing("</uuid>", with: "</uuid>\(record)", maxReplacements: 1), element: nil)
            if let identity { try definition.enable(identity, []) } else { try definition.disable() }
            for word in ["disk", "fwcfg", "vendor", "<y", ">v<"] { #expect(!definition.xml.contains(word), "\(word)") }
            #expect(definition.xml.contains("<entry name='family'>f</entry>") && definition.xml.contains("mode='sysinfo'"))
        }
    }

    @Test func `thousands of recorded entries are undone as quickly as a few`() throws {
        let entries = String(
            repeating: "<e:entry name='product'>v</e:entry><e:replaced name='product'>v</e:replaced>", count: 10_000)
        let record =
            "<metadata><e:enabled xmlns:e='urn:virt-metadata:enabled:1' identity='openstack'>\(entries)</e:enabled></metadata>"
        let sysinfo = "\n  <sysinfo type='smbios'><system><entry name='product'>v</entry></system></sysinfo>"
        let xml = Self.xml(os: "<type>hvm</type><smbios mode='sysinfo'/>", more: sysinfo)
        var definition = try DomainDefinition(
            xml.replacing("</uuid>", with: "</uuid>\(record)", maxReplacements: 1), element: nil)
        // Each for itself would have the whole document parsed anew, which takes an hour.
        try definition.disable()
        #expect(definition.xml.contains("<entry name='product'>v</entry>"))
    }

    @Test(arguments: [
        ("<entry name='product'>OpenStack Compute</entry>", true), ("<entry name='product'>OpenStack Nova</entry>", true),
        ("<entry name='serial'>ds=nocloud;s=http://169.254.169.254/nocloud/</entry>", true),
        ("<entry name='family'>x</entry>", false),
    ]) func `without --identity an identity that requests metadata here is kept`(entry: String, isKept: Bool) throws {
        let old = Self.tables(Self.system(entry))
        var definition = try DomainDefinition(old, element: nil)
        try definition.enable(nil, [])
        #expect((definition.xml == old) == isKept)
        #expect(definition.xml.contains("OpenStack Nova") == (!isKept || entry.contains("Nova")))
    }

    @Test func `another seed's identity is not kept silently`() throws {
        let old = Self.tables(Self.system("<entry name='serial'>ds=nocloud;s=http://192.0.2.1/</entry>"))
        var definition = try DomainDefinition(old, element: nil)
        let failure = #expect(throws: DefinitionFailure.self) { try definition.enable(nil, []) }
        #expect(failure?.description.contains("ds=nocloud;s=http://192.0.2.1/") == true)
    }

    // MARK: Files

    @Test func `a definition without a UUID can have every identity but EC2's`() throws {
        let old = Self.xml().replacing("  <uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>\n", with: "")
        for identity in [SMBIOSIdentity.openstack, .nocloud, .nocloudNet] {
            var definition = try DomainDefinition(file: old)
            try definition.enable(identity, [Self.value("hostname", "a")])
            #expect(definition.presentIdentity == identity)
            #expect(!definition.xml.contains("<uuid>"))
            try definition.disable()
            #expect(definition.xml == old)
        }
        var definition = try DomainDefinition(file: old)
        let failure = #expect(throws: DefinitionFailure.self) { try definition.enable(.ec2, []) }
        #expect(failure?.description.contains("this definition has none: add <uuid>") == true)
    }

    @Test func `an element with several prefixes for the namespace is refused`() {
        let namespace = "urn:virt-metadata:instance:1"
        let xml = Self.xml(
            metadata: "<a:instance xmlns:a='\(namespace)' xmlns:b='\(namespace)'><b:name>x</b:name></a:instance>")
        let failure = #expect(throws: DefinitionFailure.self) { try DomainDefinition(file: xml) }
        #expect(failure?.description.contains("several prefixes") == true)
    }

    // MARK: What the operator sees

    @Test func `secrets are shown only by their size`() throws {
        let elements = """
            <hostname>h</hostname><userdata>one</userdata><vendordata>{"a": "two"}</vendordata><files><file path='/x' \
            encoding='base64'>dGhyZWU=</file></files><iam><security-credentials role='r'>{"k": "four"}</security-credentials></iam>\
            <additional>{"a": "five"}</additional>
            """
        let password = "<p:password xmlns:p='urn:virt-metadata:password:1'>six</p:password>"
        let xml = Self.xml(
            more: "\n  <devices><graphics type='vnc' passwd='seven'/></devices>", metadata: Self.instance(elements) + password)
        let old = try DomainDefinition(xml, element: "<instance>\(elements)</instance>")
        var new = old
        try new.enable(nil, [Self.value("userdata", "ONE")])
        let text = try new.laidOut(showingSecrets: false, since: old)
        for secret in ["one", "ONE", "two", "dGhyZWU", "four", "five", "six", "seven"] { #expect(!text.contains(secret)) }
        for words in [
            "(user data: 3 bytes, changed)", "(vendor data: 12 bytes)", "(file: 5 bytes)", "(credentials: 13 bytes)",
            "(additional metadata: 13 bytes)", "was='(", "sha256='(hidden)'", "<vm:hostname>h</vm:hostname>",
        ] { #expect(text.contains(words), "\(words): \(text)") }
        #expect(try old.laidOut(showingSecrets: false).contains("(user data: 3 bytes)"))
        #expect(try new.laidOut(showingSecrets: true).contains("ONE"))
        #expect(new.changedElements(since: old) == ["userdata"])
    }

    @Test func `an impossible value is named by its path`() throws {
        var definition = try DomainDefinition(Self.xml(), element: nil)
        let failure = #expect(throws: DefinitionFailure.self) { try definition.set([Self.value("hostname", "\u{1}")]) }
        #expect(failure?.description == "hostname: the value has bytes that XML cannot hold")
    }
}

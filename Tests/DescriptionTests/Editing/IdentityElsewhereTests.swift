import Common
import Description
import Testing

/// `enable` on domains whose guests take their identity from somewhere else than `<sysinfo>`.
struct IdentityElsewhereTests {
    private static let here = "http://169.254.169.254/nocloud/"

    private static func xml(_ os: String = "", arch: String = "x86_64", options: [String] = [], more: String = "") -> String {
        let arguments = options.map { "<qemu:arg value='-smbios'/><qemu:arg value='\($0)'/>" }.joined()
        return """
            <domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>web</name>
            <uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid><os><type arch='\(arch)'>hvm</type>\(os)</os>\(more)
            <qemu:commandline>\(arguments)</qemu:commandline>
            </domain>
            """
    }

    private static func kernel(_ words: String) -> String { "<kernel>/k</kernel><cmdline>ro \(words)</cmdline>" }

    @Test(arguments: [
        xml(options: ["type=1,serial=ds=nocloud-net;s=\(here)"]), xml(options: ["type=1,product=OpenStack Nova"]),
        xml(kernel("ds=nocloud;s=\(here)")), xml(kernel("ds=nocloud;s=\(here)"), arch: "s390x"),
    ]) func `one that leads here is kept, and only values are written`(xml: String) throws {
        var definition = try DomainDefinition(xml, element: nil)
        try definition.enable(nil, [.init(path: ElementPath("hostname"), value: Array("a".utf8))])
        #expect(!definition.xml.contains("<sysinfo"))
        #expect(definition.xml.contains("hostname>a<"))
        try definition.disable()
        #expect(definition.xml == xml)
        // It is what makes the bridge of the running domain served.
        let instance = try InstanceAssembly(readsBare: false).assemble(Array(xml.utf8)).instance
        #expect(instance.enabledBy != nil)
    }

    @Test(arguments: [
        (xml(arch: "s390x"), "QEMU has no SMBIOS tables for the architecture 's390x', so"),
        (xml(arch: "ppc64le"), "QEMU has no SMBIOS tables for the architecture 'ppc64le', so"),
        (xml(arch: "riscv64"), "QEMU has no SMBIOS tables for the architecture 'riscv64', so"),
        (
            xml("<kernel>/k</kernel>", arch: "aarch64"),
            "guests of the architecture 'aarch64' see SMBIOS tables only if they boot by UEFI (<os firmware='efi'>), so"
        ),
    ]) func `an architecture without the tables is refused, and the kernel's command line named`(
        xml: String, sentence: String
    ) throws {
        var definition = try DomainDefinition(xml, element: nil)
        let failure = #expect(throws: DefinitionFailure.self) { try definition.enable(nil, []) }
        let description = failure?.description ?? ""
        #expect(description.hasPrefix(sentence), "\(description)")
        #expect(description.contains("put 'ds=nocloud;s=\(Self.here)' on its kernel command line ('ds=nocloud-net;…'"))
    }

    @Test(arguments: ["<loader readonly='yes' type='pflash'>/usr/share/AAVMF/AAVMF_CODE.fd</loader>", ""])
    func `ARM with UEFI has the tables`(loader: String) throws {
        let os = Self.xml(loader, arch: "aarch64")
        let xml = loader.isEmpty ? os.replacing("<os>", with: "<os firmware='efi'>") : os
        var definition = try DomainDefinition(xml, element: nil)
        try definition.enable(nil, [])
        #expect(definition.presentIdentity == .openstack)
    }

    @Test(arguments: [
        (
            xml(options: ["type=1,serial=ds=nocloud;s=http://192.0.2.1/"]), SMBIOSIdentity.openstack,
            "SMBIOS serial 'ds=nocloud;s=http://192.0.2.1/' of <qemu:commandline>, written by hand, makes cloud-init use NoCloud"
        ),
        (
            xml(options: ["type=1,product=KVM"]), .openstack,
            "-smbios in <qemu:commandline> gives the guest the product 'KVM'; --identity openstack needs 'OpenStack Nova' there"
        ),
        (
            xml(kernel("ds=nocloud;s=\(here)")), .openstack,
            "the kernel command line, written by hand, makes cloud-init use NoCloud, which contradicts --identity openstack"
        ),
        (
            xml(kernel("ds=nocloud;s=http://192.0.2.1/")), .nocloud,
            "the kernel command line names the seed 'http://192.0.2.1/' for NoCloud, which replaces that of --identity nocloud"
        ),
    ]) func `one that contradicts the identity is refused, with --force too`(
        xml: String, identity: SMBIOSIdentity, sentence: String
    ) throws {
        for force in [false, true] {
            var definition = try DomainDefinition(xml, element: nil)
            let failure = #expect(throws: DefinitionFailure.self) { try definition.enable(identity, [], replacing: force) }
            #expect(failure?.description.hasPrefix(sentence) == true, "\(failure?.description ?? "")")
        }
    }

    @Test func `another cloud's entry is replaced with --force, and restored`() throws {
        let old = Self.xml(
            "<smbios mode='sysinfo'/>",
            more: "<sysinfo type='smbios'><system><entry name='manufacturer'>Hetzner</entry></system></sysinfo>")
        var definition = try DomainDefinition(old, element: nil)
        let failure = #expect(throws: DefinitionFailure.self) { try definition.enable(.openstack, []) }
        #expect(failure?.description.contains("advertises Hetzner as well as --identity openstack") == true)
        try definition.enable(.openstack, [], replacing: true)
        #expect(!definition.xml.contains("<entry name='manufacturer'>"))
        try definition.disable()
        #expect(definition.xml.contains("<entry name='manufacturer'>Hetzner</entry>"))
    }

    @Test func `a seed on the kernel's command line enables the domain, another does not`() throws {
        let enabled = { (words: String) in
            try InstanceAssembly(readsBare: false).assemble(Array(Self.xml(Self.kernel(words)).utf8)).instance.enabledBy
        }
        #expect(try enabled("ds=nocloud-net;s=\(Self.here)") == .kernelCommandLine)
        #expect(try enabled("ds=nocloud-net;s=http://192.0.2.1/") == nil)
        #expect(try enabled("quiet") == nil)
    }
}

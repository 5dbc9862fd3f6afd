import Common
import Description
import Testing

@testable import Doctor

/// What the doctor says of a guest's datasource.
struct DoctorIdentityTests {
    private func check(_ running: String, defined: String? = nil) async throws -> CheckResult {
        let doctor = Examples.doctor()
        return doctor.checkTables(try await Examples.examined(running, defined: defined ?? running, by: doctor))
    }

    private func options(_ option: String, _ argument: String) -> String {
        "<qemu:commandline><qemu:arg value='-\(option)'/><qemu:arg value='\(argument)'/></qemu:commandline>"
    }

    private let here = "http://169.254.169.254/nocloud/"

    // MARK: Given elsewhere than in <sysinfo>

    @Test func `an identity by QEMU's own option is one`() async throws {
        let result = try await check(Examples.xml(options("smbios", "type=1,serial=ds=nocloud-net;s=\(here)")))
        #expect(result.diagnoses == [])
        let serial = "SMBIOS serial 'ds=nocloud-net;s=http://169.254.169.254/…' of <qemu:commandline>"
        #expect(result.detail == "cloud-init detects NoCloud, by \(serial)")
    }

    @Test func `a datasource on the kernel's command line is one, whose seed is the server's or not`() async throws {
        let kernel = { (words: String) in Examples.xml(os: "<kernel>/k</kernel><cmdline>root=/dev/vda \(words)</cmdline>") }
        let result = try await check(kernel("ds=nocloud-net;s=\(here)"))
        #expect(result.diagnoses == [] && result.detail == "cloud-init detects NoCloud, by the kernel command line")
        let bare = try await check(kernel("ds=nocloud"))
        #expect(bare.diagnoses.map(\.severity) == [.warning])
        #expect(bare.firstProblem.hasPrefix("the kernel command line names no seed URL"))
        #expect(
            bare.firstRemedy == "put 'ds=nocloud;s=\(here)' into <cmdline>: virsh -c test:///default edit web")
        let away = try await check(kernel("ds=nocloud;s=http://192.0.2.1/"))
        #expect(
            away.diagnoses.map(\.problem) == [
                "the kernel command line names the seed 'http://192.0.2.1/', which is not on this server"
            ])
        let off = try await check(kernel("cloud-init=disabled"))
        #expect(off.diagnoses.map(\.severity) == [.error] && off.firstProblem.contains("cloud-init=disabled"))
        let unknown = try await check(kernel("ds=nowhere"))
        #expect(unknown.diagnoses.map(\.problem).first?.contains("'nowhere', which virt-metadata does not know") == true)
    }

    @Test(arguments: [
        ("http://169.254.169.254/nocloud/", true), ("http://169.254.169.254:80/nocloud", true),
        ("HTTP://169.254.169.254//nocloud/", true),
        ("http://[fd00:ec2::254]/nocloud/", true), ("http://[fe80::a9fe:a9fe%25eth0]:80/nocloud/", true),
        ("http://169.254.169.254/nocloudx/", false), ("http://169.254.169.254/", false),
        ("http://169.254.169.2541/nocloud/", false),
        ("https://169.254.169.254/nocloud/", false), ("http://169.254.169.254:8080/nocloud/", false),
        ("http://192.0.2.1/nocloud/", false),
    ]) func `a seed is this server's at each of its addresses`(url: String, isOurs: Bool) {
        #expect(Doctor.isOnThisServer(url) == isOurs)
    }

    @Test func `a serial number without a seed is named, with a command that works`() async throws {
        let xml = Examples.xml(Examples.tables(("serial", "ds=nocloud")), os: Examples.shown)
        let result = try await check(xml)
        #expect(result.diagnoses.map(\.severity) == [.warning])
        #expect(result.firstProblem.hasPrefix("the SMBIOS serial names no seed URL"))
        // Written by hand, so that without --force it is refused.
        #expect(result.firstRemedy == "virt-metadata enable web --identity nocloud --force --restart")
    }

    @Test func `the host's tables and fw_cfg are named and are no error`() async throws {
        let host = try await check(Examples.xml(os: "<smbios mode='host'/>"))
        #expect(host.diagnoses.map(\.severity) == [.warning])
        #expect(host.firstProblem.hasPrefix("<smbios mode='host'/> shows this host's SMBIOS tables to the guest"))
        #expect(host.firstRemedy == "virt-metadata enable web --force --restart")
        let entry = "opt/com.coreos/config"
        for fwcfg in [
            "<sysinfo type='fwcfg'><entry name='\(entry)' file='/x.ign'/></sysinfo>",
            options("fw_cfg", "name=\(entry),file=/x.ign"),
        ] {
            let result = try await check(Examples.xml(fwcfg))
            #expect(result.diagnoses.map(\.severity) == [.warning], "\(fwcfg)")
            #expect(result.firstProblem.contains("fw_cfg gives the guest 'opt/com.coreos/config'"))
        }
    }

    // MARK: The next start

    @Test func `a definition that differs from the running guest is noted, as after disable`() async throws {
        let nova = Examples.xml(Examples.tables(("product", "OpenStack Nova")), os: Examples.shown)
        let disabled = try await check(nova, defined: Examples.xml())
        #expect(
            disabled.diagnoses == [
                .note(
                    "the definition differs from the running guest: after the guest's next start, cloud-init detects no datasource, as after "
                        + "`virt-metadata disable`", "virt-metadata disable web --restart")
            ])
        let seed = Examples.xml(Examples.tables(("serial", "ds=nocloud-net;s=\(here)")), os: Examples.shown)
        let other = try await check(nova, defined: seed)
        #expect(other.diagnoses.map(\.severity) == [.note])
        #expect(other.firstProblem.hasSuffix("after the guest's next start, cloud-init detects NoCloud"))
        #expect(try await check(nova, defined: nova).diagnoses == [])
    }

    @Test func `a guest that still runs after disable is not told to enable its domain`() async throws {
        let doctor = Examples.doctor()
        let nova = Examples.xml(Examples.tables(("product", "OpenStack Nova")), os: Examples.shown)
        let disabled = doctor.checkMetadata(try await Examples.examined(nova, defined: Examples.xml(), by: doctor))
        #expect(
            disabled.diagnoses == [
                .warning(
                    "the domain is disabled: it has no <instance> metadata, and its guest keeps its SMBIOS identity until it is "
                        + "restarted", "virt-metadata disable web --restart")
            ])
    }

    @Test func `user data that cloud-init ignores is a warning`() async throws {
        let doctor = Examples.doctor()
        let element = "<userdata>#cloud-config&#10;a: [&#10;</userdata>"
        let metadata = "<metadata><instance xmlns='urn:virt-metadata:instance:1'>\(element)</instance></metadata>"
        let result = doctor.checkMetadata(
            try await Examples.examined(Examples.xml(metadata), element: "<instance>\(element)</instance>", by: doctor))
        #expect(result.diagnoses.map(\.severity) == [.warning])
        #expect(result.firstProblem.hasPrefix("userdata: cloud-init ignores this user data: line "), "\(result)")
        #expect(result.firstRemedy == "virt-metadata edit web")
    }

    // MARK: Other clouds

    @Test func `the tables of other clouds are named, and are an error where nothing here is tried`() async throws {
        let result = try await check(Examples.xml(Examples.tables(("manufacturer", "DigitalOcean")), os: Examples.shown))
        #expect(
            result.diagnoses == [
                .error(
                    "SMBIOS manufacturer 'DigitalOcean' makes cloud-init use DigitalOcean, whose metadata this server does not have",
                    "virt-metadata enable web --force --restart")
            ])
        let both = Examples.tables(("manufacturer", "DigitalOcean"), ("product", "OpenStack Nova"))
        let second = try await check(Examples.xml(both, os: Examples.shown))
        #expect(second.diagnoses.map(\.severity) == [.warning])
        #expect(second.firstProblem.hasSuffix("cloud-init first try DigitalOcean, whose metadata this server does not have"))
        let none = try await check(
            Examples.xml(Examples.tables(("manufacturer", "oVirt"), ("product", "RHEL")), os: Examples.shown))
        #expect(
            none.diagnoses.map(\.problem) == [
                "SMBIOS manufacturer 'oVirt', product 'RHEL' does not advertise a cloud, so cloud-init detects no datasource"
            ])
        #expect(try await check(Examples.xml(Examples.tables(("manufacturer", "e24cloud")), os: Examples.shown)).diagnoses == [])
    }

    // MARK: Seeds

    private func disk(_ file: String, _ device: String = "cdrom") -> String {
        "<disk device='\(device)'><source file='\(file)'/><target dev='sda'/></disk>"
    }

    @Test func `a seed disk is named, beside an identity or without`() async throws {
        let nova = Examples.tables(("product", "OpenStack Nova"))
        let drive = try await check(Examples.xml(nova, os: Examples.shown, devices: disk("/x/t1-config-2.iso", "disk")))
        #expect(drive.diagnoses.map(\.severity) == [.warning])
        #expect(drive.firstProblem.hasSuffix("with a volume config-2, cloud-init detects no OpenStack metadata service"))
        #expect(drive.firstRemedy == "virsh -c test:///default detach-disk web sda --config")
        let alone = try await check(Examples.xml(devices: disk("/x/t1-cloudinit.iso")))
        #expect(alone.diagnoses.map(\.severity) == [.warning, .warning])
        #expect(
            alone.firstProblem
                == "SMBIOS does not advertise a cloud: without the seed disk, cloud-init detects no datasource")
    }

    // MARK: Architectures

    @Test(arguments: ["s390x", "ppc64le", "riscv64"]) func `an architecture without SMBIOS needs the kernel's command line`(
        architecture: String
    ) async throws {
        let tables = Examples.tables(("product", "OpenStack Nova"))
        for xml in [Examples.xml(arch: architecture), Examples.xml(tables, os: Examples.shown, arch: architecture)] {
            let result = try await check(xml)
            #expect(result.diagnoses.map(\.severity) == [.warning])
            let problem = try #require(result.diagnoses.first?.problem)
            #expect(
                problem.hasPrefix("guests of the architecture '\(architecture)' have no SMBIOS tables: "))
            #expect(
                problem.contains(
                    "cloud-init from 25.1.3 on, as in Debian 13, detects no datasource, and older ones try OpenStack"))
            #expect(result.diagnoses.first?.remedy?.contains("put 'ds=nocloud;s=\(here)' on its kernel command line") == true)
        }
        let kernel = "<kernel>/k</kernel><cmdline>ds=nocloud-net;s=\(here)</cmdline>"
        #expect(try await check(Examples.xml(os: kernel, arch: architecture)).diagnoses == [])
    }

    @Test func `a guest of ARM sees the tables by UEFI only`() async throws {
        let tables = Examples.tables(("product", "OpenStack Nova"))
        let bare = try await check(Examples.xml(tables, os: Examples.shown + "<kernel>/k</kernel>", arch: "aarch64"))
        #expect(bare.diagnoses.map(\.severity) == [.warning])
        #expect(
            bare.firstProblem.hasPrefix(
                "guests of the architecture 'aarch64' see SMBIOS tables only if they boot by UEFI"))
        let uefi = try await check(
            Examples.xml(tables, os: Examples.shown + "<loader type='pflash'>/AAVMF.fd</loader>", arch: "aarch64"))
        #expect(uefi.diagnoses == [] && uefi.detail == "cloud-init detects OpenStack")
        // Without an identity it depends on the version.
        let plain = try await check(Examples.xml(os: "<loader type='pflash'>/AAVMF.fd</loader>", arch: "aarch64"))
        #expect(
            plain.diagnoses == [
                .warning(
                    "SMBIOS does not advertise a cloud: cloud-init from 25.1.3 on, as in Debian 13, detects no datasource, and older ones "
                        + "try OpenStack", "virt-metadata enable web --restart")
            ])
    }

    // MARK: Metadata

    @Test func `a domain without metadata is told a command that its definition allows`() async throws {
        let doctor = Examples.doctor()
        let remedy = { (xml: String) in
            doctor.checkMetadata(try await Examples.examined(xml, defined: xml, by: doctor)).firstRemedy
        }
        #expect(try await remedy(Examples.xml()) == "virt-metadata enable web --ssh-key FILE")
        #expect(try await remedy(Examples.xml(arch: "s390x")) == "virt-metadata edit web")
    }

    @Test func `another program's element is none of virt-metadata's`() async throws {
        let nova = """
            <metadata><nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'><nova:name>web</nova:name></nova:instance>\
            </metadata>
            """
        let doctor = Examples.doctor()
        let result = doctor.checkMetadata(try await Examples.examined(Examples.xml(nova), by: doctor))
        #expect(result.diagnoses.map(\.severity) == [.warning])
        #expect(result.firstProblem.hasPrefix("no <instance> metadata is set"))
    }

    @Test(arguments: [
        ("urn:virt-metadata:instance:2", true), ("urn:virt-metadata:instances:1", true),
        ("https://example.org/virt-metadata/1", true),
        ("http://openstack.org/xmlns/libvirt/nova/1.1", false), ("http://example.org/instance", false),
    ]) func `an instance element with a misspelt namespace is virt-metadata's`(namespace: String, isStray: Bool) {
        let xml = Examples.xml("<metadata><x:instance xmlns:x='\(namespace)'/></metadata>")
        #expect((Doctor.strayElement(xml)?.namespace == namespace) == isStray)
    }

    @Test func `what domains share is a warning for each`() async throws {
        let doctor = Examples.doctor()
        let card = "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/></interface>"
        let element =
            "<metadata><instance xmlns='urn:virt-metadata:instance:1'><instance-id>i-a</instance-id></instance></metadata>"
        let hardware = "<hwuuid>6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b01</hwuuid>"
        let web = try await Examples.examined(
            Examples.xml(element + hardware + Examples.tables(("product", "OpenStack Nova")), os: Examples.shown, devices: card),
            element: "<instance><instance-id>i-a</instance-id></instance>", by: doctor)
        let other = try InstanceAssembly(readsBare: false).assemble(
            Array(
                Examples.xml(element + hardware, devices: card, name: "copy", uuid: "6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b02").utf8))
        web.host.clones = DomainClones([web.instance, other.instance])
        let tables = doctor.checkTables(web).diagnoses
        #expect(tables.map(\.severity) == [.warning] && tables.first?.remedy?.contains("another <hwuuid>") == true)
        let shared = doctor.checkMetadata(web).diagnoses.first { $0.problem.contains("is that of domain 'copy' too") }
        #expect(shared?.remedy == "virt-metadata unset web instance-id")
        #expect(doctor.checkNetwork(web).0.diagnoses.contains { $0.remedy?.contains("another MAC address") == true })
    }
}

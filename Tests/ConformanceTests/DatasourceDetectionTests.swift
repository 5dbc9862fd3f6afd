import Description
import Foundation
import TestSupport
import Testing

/// Datasource detection from a domain's SMBIOS, compared with cloud-init's own, unmodified `ds-identify` on the tables that QEMU
/// would present.
@Suite(
    .enabled(if: NetworkDocuments.hasClient("cloud-init"), "needs cloud-init: run Tests/clients/install-cloud-init.sh"),
    .enabled(if: NetworkDocuments.hasClient("cloud-init-newer"), "needs cloud-init: run Tests/clients/install-cloud-init.sh"))
struct DatasourceDetectionTests {
    /// What a domain gives its guest.
    struct Tables: Sendable {
        var mode: String? = "sysinfo"
        var uuid = "83679162-1378-4288-a2d4-70e13ec132aa"
        var entries: [String: String] = [:]
        var asset = ""
        var board = ""
        /// The arguments of `-smbios` in `<qemu:commandline>`.
        var options: [String] = []
        var kernel = ""
        var architecture = "x86_64"
        /// More elements and attributes of `<os>`.
        var firmware = ""
        /// The fields that the options add or replace, as the guest sees them.
        var seen: [String: String] = [:]

        /// The domain's XML.
        var xml: String {
            let system = entries.sorted { $0.key < $1.key }.map { "<entry name='\($0.key)'>\($0.value)</entry>" }.joined()
            let chassis = asset.isEmpty ? "" : "<chassis><entry name='asset'>\(asset)</entry></chassis>"
            let base = board.isEmpty ? "" : "<baseBoard><entry name='product'>\(board)</entry></baseBoard>"
            let arguments = options.map { "<qemu:arg value='-smbios'/><qemu:arg value='\($0)'/>" }.joined()
            return """
                <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>web</name><uuid>\(uuid)</uuid>
                <os><type arch='\(architecture)'>hvm</type>\(firmware)\(mode.map { "<smbios mode='\($0)'/>" } ?? "")
                <kernel>/boot/vmlinuz</kernel><cmdline>root=/dev/vda \(kernel)</cmdline></os>
                <sysinfo type='smbios'><system>\(system)</system>\(base)\(chassis)</sysinfo>
                <qemu:commandline>\(arguments)</qemu:commandline></domain>
                """
        }

        /// Whether the guest has SMBIOS tables at all.
        var hasTables: Bool { architecture == "x86_64" || architecture == "aarch64" && !firmware.isEmpty }

        /// The files of `/sys/class/dmi/id`; none where the guest has no tables.
        var files: [String: String] {
            guard hasTables else { return [:] }
            let written = mode == "sysinfo" ? entries.merging(asset.isEmpty ? [:] : ["asset": asset]) { $1 } : [:]
            let shown = written.merging(seen) { $1 }
            return [
                "product_uuid": shown["uuid"] ?? uuid, "product_serial": shown["serial"] ?? "",
                "product_name": shown["product"] ?? "Standard PC", "sys_vendor": shown["manufacturer"] ?? "QEMU",
                "chassis_asset_tag": shown["asset"] ?? "", "board_name": mode == "sysinfo" ? board : "",
            ]
        }
    }

    static let ec2 = "ec2e1916-9099-4caf-8d21-012345abcdef"

    static let cases: [(Tables, older: String, newer: String)] = [
        (Tables(), "", ""),
        (Tables(entries: ["product": "OpenStack Nova"]), "OpenStack", "OpenStack"),
        (Tables(entries: ["product": "OpenStack Compute"]), "OpenStack", "OpenStack"),
        (Tables(entries: ["product": "Openstack Nova"]), "", ""),
        (Tables(mode: nil, entries: ["product": "OpenStack Nova"]), "", ""),
        (Tables(mode: "emulate", entries: ["product": "OpenStack Nova"]), "", ""),
        (Tables(asset: "OpenStack Nova"), "OpenStack", "OpenStack"), (Tables(asset: "HUAWEICLOUD"), "OpenStack", "OpenStack"),
        (Tables(asset: "Samsung Cloud Platform"), "", "OpenStack"),
        (Tables(uuid: ec2), "", "Ec2"), (Tables(uuid: ec2, entries: ["uuid": ec2, "serial": ec2]), "Ec2", "Ec2"),
        (Tables(uuid: ec2, entries: ["serial": ec2.uppercased()]), "Ec2", "Ec2"),
        (Tables(uuid: ec2, entries: ["serial": "ec2other"]), "", "Ec2"),
        (Tables(mode: nil, uuid: ec2, entries: ["serial": ec2]), "", "Ec2"),
        (Tables(uuid: "45e12aec-dcd1-4213-94ed-012345abcdef"), "", "Ec2"),
        (Tables(uuid: "45e13aec-dcd1-4213-94ed-012345abcdef"), "", ""),
        (Tables(uuid: ec2, entries: ["serial": ec2, "product": "OpenStack Nova"]), "Ec2 OpenStack", "Ec2 OpenStack"),
        (Tables(entries: ["serial": "ds=nocloud;s=http://169.254.169.254/nocloud/"]), "NoCloud", "NoCloud"),
        (Tables(entries: ["serial": "ds=nocloud-net;s=http://169.254.169.254/nocloud/"]), "NoCloud", "NoCloud"),
        (Tables(entries: ["serial": "x ds=nocloud;s=http://a/"]), "NoCloud", "NoCloud"),
        (Tables(entries: ["serial": "ds=no"]), "", ""),
        (
            Tables(entries: ["serial": "ds=nocloud;s=http://a/", "product": "OpenStack Nova"]), "NoCloud OpenStack",
            "NoCloud OpenStack"
        ),
        (Tables(mode: "host", entries: ["product": "OpenStack Nova"]), "", ""),
    ]

    /// Tables that QEMU's own option gives, which replaces libvirt's fields and is seen in every mode.
    static let options: [(Tables, older: String, newer: String)] = [
        (
            Tables(
                mode: nil, options: ["type=1,serial=ds=nocloud;s=http://a/"], seen: ["serial": "ds=nocloud;s=http://a/"]),
            "NoCloud", "NoCloud"
        ),
        (
            Tables(
                entries: ["product": "OpenStack Nova"], options: ["type=1,manufacturer=A,,B,product=KVM"],
                seen: ["manufacturer": "A,B", "product": "KVM"]), "", ""
        ),
        (
            Tables(
                mode: "emulate", options: ["type=3,asset=OpenStack Nova", "type=0,product=x"], seen: ["asset": "OpenStack Nova"]),
            "OpenStack", "OpenStack"
        ),
        (Tables(mode: nil, options: ["type=1,uuid=\(ec2.uppercased())"], seen: ["uuid": ec2]), "", "Ec2"),
    ]

    /// What other clouds have.
    static let clouds: [(Tables, older: String, newer: String)] = [
        (Tables(entries: ["manufacturer": "oVirt", "product": "RHEL"]), "", ""),
        (Tables(entries: ["product": "CloudStack KVM Hypervisor"]), "CloudStack", "CloudStack"),
        (Tables(entries: ["product": "Virt", "serial": "ds=nocloud-net;s=http://172.16.169.254:8888/"]), "NoCloud", "NoCloud"),
        (Tables(asset: "7783-7084-3265-9085-8269-3286-77"), "Azure", "Azure"), (Tables(asset: "x.zstack.io"), "Ec2", "Ec2"),
        (Tables(entries: ["serial": "srv-1.brightbox.com"]), "Ec2", "Ec2"),
        (Tables(entries: ["manufacturer": "e24cloud"]), "Ec2", "Ec2"),
        (Tables(entries: ["manufacturer": "3DS Outscale", "product": "3DS Outscale VM"]), "Ec2", "Ec2"),
        (Tables(entries: ["product": "3DS Outscale VM"]), "", ""), (Tables(asset: "OracleCloud.com"), "Oracle", "Oracle"),
        (Tables(entries: ["manufacturer": "DigitalOcean"]), "DigitalOcean", "DigitalOcean"),
        (Tables(entries: ["manufacturer": "Hetzner"]), "Hetzner", "Hetzner"),
        (Tables(entries: ["manufacturer": "Scaleway"]), "Scaleway", "Scaleway"),
        (Tables(entries: ["manufacturer": "UpCloud"]), "UpCloud", "UpCloud"),
        (Tables(entries: ["manufacturer": "Vultr"]), "Vultr", "Vultr"),
        (Tables(entries: ["manufacturer": "NWCS"]), "NWCS", "NWCS"),
        (Tables(entries: ["manufacturer": "Akamai"]), "", "Akamai"), (Tables(entries: ["manufacturer": "Linode"]), "", "Akamai"),
        (Tables(entries: ["product": "Alibaba Cloud ECS"]), "AliYun", "AliYun"),
        (Tables(entries: ["product": "Google Compute Engine", "serial": "GoogleCloud-1"]), "GCE", "GCE"),
        (Tables(entries: ["product": "CloudSigma"]), "CloudSigma", "CloudSigma"),
        (Tables(entries: ["product": "SmartDC HVM"]), "SmartOS", "SmartOS"),
        (Tables(entries: ["product": "Exoscale Compute Platform"]), "Exoscale", "Exoscale"),
        (Tables(entries: ["product": "CloudCIX"]), "", "CloudCIX"), (Tables(board: "LXD"), "LXD", "LXD"),
        (
            Tables(entries: ["manufacturer": "DigitalOcean", "product": "OpenStack Nova"]), "DigitalOcean OpenStack",
            "DigitalOcean OpenStack"
        ),
    ]

    /// The kernel's command line, and architectures other than a PC's.
    static let kernels: [(Tables, older: String, newer: String)] = [
        (Tables(kernel: "ro ds=nocloud;s=http://169.254.169.254/nocloud/"), "NoCloud", "NoCloud"),
        (Tables(entries: ["product": "OpenStack Nova"], kernel: "ds=nocloud-net;s=http://a/"), "NoCloud OpenStack", "NoCloud"),
        (Tables(kernel: "ds=openstack"), "", "OpenStack"), (Tables(kernel: "ci.ds=Ec2"), "Ec2", "Ec2"),
        (Tables(entries: ["product": "OpenStack Nova"], kernel: "ci.datasource=NoCloud"), "NoCloud", "NoCloud"),
        (Tables(kernel: "xds=nocloud"), "", ""), (Tables(kernel: "vultr"), "Vultr", "Vultr"),
        (Tables(architecture: "s390x"), "OpenStack", ""),
        (Tables(entries: ["product": "OpenStack Nova"], architecture: "ppc64le"), "OpenStack", ""),
        (Tables(kernel: "ds=nocloud;s=http://a/", architecture: "s390x"), "NoCloud", "NoCloud"),
        (Tables(entries: ["product": "OpenStack Nova"], architecture: "aarch64"), "OpenStack", ""),
        (
            Tables(entries: ["serial": "ds=nocloud"], architecture: "aarch64", firmware: "<loader type='pflash'>/AAVMF</loader>"),
            "NoCloud", "NoCloud"
        ),
        (Tables(architecture: "aarch64", firmware: "<loader type='pflash'>/AAVMF</loader>"), "OpenStack", ""),
        (Tables(uuid: ec2, architecture: "riscv64"), "OpenStack", ""),
    ]

    static let all = cases + options + clouds + kernels

    @Test(arguments: all.indices) func `the result equals that of both versions of ds-identify`(index: Int) throws {
        let (tables, older, newer) = Self.all[index]
        let detection = try DatasourceDetection(Array(tables.xml.utf8))
        for (version, package, expected) in [
            (DatasourceDetection.Version.older, "cloud-init", older), (.newer, "cloud-init-newer", newer),
        ] {
            let detected = detection.datasources(for: version).map(\.rawValue).joined(separator: " ")
            #expect(detected == expected, "\(version) \(tables)")
            #expect(try Self.found(tables, by: package) == expected, "\(version) \(tables)")
        }
    }

    @Test func `a kernel command line without cloud-init detects nothing`() throws {
        var tables = Tables(entries: ["product": "OpenStack Nova"], kernel: "cloud-init=disabled")
        #expect(try DatasourceDetection(Array(tables.xml.utf8)).datasources(for: .newer) == [])
        #expect(try Self.found(tables, by: "cloud-init-newer") == "")
        tables.kernel = "cloud-init=enabled"
        #expect(try DatasourceDetection(Array(tables.xml.utf8)).datasources(for: .newer) == [.openStack])
    }

    @Test func `the kernel command line replaces the seed of the serial number`() throws {
        let serial = ["serial": "ds=nocloud-net;s=http://a/"]
        func seed(_ kernel: String) throws -> String? {
            try DatasourceDetection(Array(Tables(entries: serial, kernel: kernel).xml.utf8)).seed(for: .older)?.url
        }
        let kernels = ["quiet", "ds=nocloud;seedfrom=http://b/", "ds=nocloud", "ds=nocloudx;s=http://b/"]
        #expect(try kernels.map(seed) == ["http://a/", "http://b/", "", "http://a/"])
    }

    @Test func `a UUID that begins with ec2 by chance is distinguished from EC2's`() throws {
        #expect(try DatasourceDetection(Array(Tables(uuid: Self.ec2).xml.utf8)).isAccidentallyEC2)
        let meant = Tables(uuid: Self.ec2, entries: ["serial": Self.ec2])
        #expect(try !DatasourceDetection(Array(meant.xml.utf8)).isAccidentallyEC2)
    }

    @Test func `a network seed is found by its name only in the older version`() throws {
        let url = "http://169.254.169.254/nocloud/"
        let new = try DatasourceDetection(Array(Tables(entries: ["serial": "ds=nocloud;s=\(url)"]).xml.utf8))
        #expect(new.seed(for: .older)?.url == url)
        #expect(new.seed(for: .older)?.isAsked == false)
        #expect(new.seed(for: .newer)?.isAsked == true)
        let old = try DatasourceDetection(Array(Tables(entries: ["serial": "ds=nocloud-net;s=\(url)"]).xml.utf8))
        #expect(old.seed(for: .older)?.isAsked == true)
        #expect(try DatasourceDetection(Array(Tables().xml.utf8)).seed(for: .older) == nil)
    }

    /// Runs the script on the tables, with its probes for virtualization and disks stubbed as in a guest without disks.
    private static func found(_ tables: Tables, by package: String) throws -> String {
        let root = FileManager.default.temporaryDirectory.appending(path: "ds-identify-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        let dmi = root.appending(path: "sys/class/dmi/id")
        for folder in ["sys/class/dmi/id", "proc", "run", "etc/cloud", "dev"] {
            try FileManager.default.createDirectory(at: root.appending(path: folder), withIntermediateDirectories: true)
        }
        for (name, text) in tables.files { try Data("\(text)\n".utf8).write(to: dmi.appending(path: name)) }
        try Data("root=/dev/vda \(tables.kernel)\n".utf8).write(to: root.appending(path: "proc/cmdline"))
        let script = Fixtures.package.appending(path: ".build/clients/\(package)/usr/lib/cloud-init/ds-identify").path
        _ = try Command.run([
            "env", "-i", "PATH=/usr/bin:/bin", "DI_MAIN=noop", "PATH_ROOT=\(root.path)", "sh", "-c",
            ". '\(script)'; detect_virt() { _RET=kvm; }; blkid() { :; }; uname() { echo '\(Self.uname(tables, package))'; }; main",
        ])
        // Enabled without a list: cloud-init tries all its datasources, of which OpenStack's does without tables.
        let status = try String(contentsOf: root.appending(path: "run/cloud-init/.ds-identify.result"), encoding: .utf8)
        let result = root.appending(path: "run/cloud-init/cloud.cfg")
        guard let text = try? String(contentsOf: result, encoding: .utf8),
            let list = text.firstMatch(of: /datasource_list: \[ (\S.*) \]/)?.1
        else { return status.hasPrefix("0") ? "OpenStack" : "" }
        let names = list.split(separator: ", ").filter { $0 != "None" }
        let known = DatasourceDetection.Datasource.allCases.map(\.rawValue)
        // As an operator writes one on the kernel's command line, which cloud-init reads regardless of case.
        return names.map { name in
            let word = name == "nocloud-net" ? "nocloud" : name.lowercased()
            return known.first { $0.lowercased() == word } ?? String(name)
        }.joined(separator: " ")
    }

    /// What `uname` prints for each version's options.
    private static func uname(_ tables: Tables, _ package: String) -> String {
        let machine = tables.architecture
        return package == "cloud-init" ? "Linux web 6.1.0 #1 SMP Debian \(machine) GNU/Linux" : "Linux #1 SMP Debian \(machine)"
    }
}

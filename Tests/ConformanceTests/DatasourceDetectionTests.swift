import Foundation
import Inventory
import TestSupport
import Testing

/// Datasource detection from a domain's SMBIOS, compared with cloud-init's own, unmodified `ds-identify` on the tables that QEMU
/// would present.
@Suite(
    .enabled(if: NetworkDocuments.hasClient("cloud-init"), "needs cloud-init: run Tests/clients/install-cloud-init.sh"),
    .enabled(if: NetworkDocuments.hasClient("cloud-init-newer"), "needs cloud-init: run Tests/clients/install-cloud-init.sh"))
struct DatasourceDetectionTests {
    /// The SMBIOS tables of a guest.
    struct Tables: Sendable {
        var mode: String? = "sysinfo"
        var uuid = "83679162-1378-4288-a2d4-70e13ec132aa"
        var entries: [String: String] = [:]
        var asset = ""

        /// The domain's XML.
        var xml: String {
            let system = entries.sorted { $0.key < $1.key }.map { "<entry name='\($0.key)'>\($0.value)</entry>" }.joined()
            let chassis = asset.isEmpty ? "" : "<chassis><entry name='asset'>\(asset)</entry></chassis>"
            return """
                <domain type='qemu'><name>web</name><uuid>\(uuid)</uuid>
                <os><type arch='x86_64'>hvm</type>\(mode.map { "<smbios mode='\($0)'/>" } ?? "")</os>
                <sysinfo type='smbios'><system>\(system)</system>\(chassis)</sysinfo></domain>
                """
        }

        /// The files of `/sys/class/dmi/id`.
        var files: [String: String] {
            let isShown = mode == "sysinfo"
            return [
                "product_uuid": uuid, "product_serial": isShown ? entries["serial"] ?? "" : "",
                "product_name": isShown ? entries["product"] ?? "Standard PC" : "Standard PC", "sys_vendor": "QEMU",
                "chassis_asset_tag": isShown ? asset : "",
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
    ]

    @Test(arguments: cases.indices) func `the result equals that of both versions of ds-identify`(index: Int) throws {
        let (tables, older, newer) = Self.cases[index]
        let detection = try DatasourceDetection(Array(tables.xml.utf8))
        for (version, package, expected) in [
            (DatasourceDetection.Version.older, "cloud-init", older), (.newer, "cloud-init-newer", newer),
        ] {
            let detected = detection.datasources(for: version).map(\.rawValue).joined(separator: " ")
            #expect(detected == expected, "\(version) \(tables)")
            #expect(try Self.found(tables, by: package) == expected, "\(version) \(tables)")
        }
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
        try Data("root=/dev/vda\n".utf8).write(to: root.appending(path: "proc/cmdline"))
        let script = Fixtures.package.appending(path: ".build/clients/\(package)/usr/lib/cloud-init/ds-identify").path
        _ = try Command.run([
            "env", "-i", "PATH=/usr/bin:/bin", "DI_MAIN=noop", "PATH_ROOT=\(root.path)", "sh", "-c",
            ". '\(script)'; detect_virt() { _RET=kvm; }; blkid() { :; }; main",
        ])
        let result = root.appending(path: "run/cloud-init/cloud.cfg")
        guard let text = try? String(contentsOf: result, encoding: .utf8),
            let list = text.firstMatch(of: /datasource_list: \[ (.*) \]/)?.1
        else { return "" }
        return list.split(separator: ", ").filter { $0 != "None" }.joined(separator: " ")
    }
}

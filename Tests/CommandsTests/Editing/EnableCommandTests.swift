import Foundation
import TestSupport
import Testing

/// `enable` and `disable` on domains of libvirt's test driver.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct EnableCommandTests {
    private let domains: EditedDomains

    init() throws {
        domains = try EditedDomains()
    }

    @Test func `enable writes identity and values, and disable removes exactly these`() async throws {
        let old = try domains.define()
        let key = try domains.file("key.pub", EditedDomains.key + "\n")
        let data = try domains.file("user-data", "#cloud-config\nruncmd: [true]\n")
        let enabled = try await domains.succeed(
            "enable", "web", "--identity", "openstack", "--ssh-key", key, "--user-data", data, "--hostname", "web.example",
            "--set", "placement/region=eu")
        #expect(enabled.stdout.hasPrefix("--- web (definition)\n+++ web (definition, changed)\n@@ -"))
        #expect(enabled.stdout.contains("\n+    <smbios mode='sysinfo'/>\n"))
        #expect(!enabled.stdout.contains("\u{1B}"))
        #expect(!enabled.stdout.contains("s3cret"))
        #expect(enabled.stderr == "web: definition updated\n")
        let new = try domains.definition()
        #expect(new.contains("<entry name='product'>OpenStack Nova</entry>"))
        #expect(new.contains("passwd='s3cret'"))
        // Programs that rewrite the XML, such as virt-manager, keep elements with prefixes.
        #expect(new.contains("<vm:instance xmlns:vm=\"urn:virt-metadata:instance:1\">"), "\(new)")
        #expect(new.contains("<vm-enabled:enabled xmlns:vm-enabled=\"urn:virt-metadata:enabled:1\""), "\(new)")
        // As a guest will read it.
        try domains.libvirtd.virsh("start", "web")
        let meta = try await domains.succeed("tree", "web", "--path", "/openstack/latest/meta_data.json")
        let document = try #require(try JSONSerialization.jsonObject(with: Data(meta.stdout.utf8)) as? [String: Any])
        #expect(document["public_keys"] as? [String: String] == ["me@desk": EditedDomains.key])
        #expect(document["hostname"] as? String == "web.example")
        let userData = try await domains.succeed("tree", "web", "--path", "/latest/user-data")
        #expect(userData.stdout == "#cloud-config\nruncmd: [true]\n")
        #expect(try await domains.succeed("tree", "web", "--path", "/latest/meta-data/placement/region").stdout == "eu")
        try domains.libvirtd.virsh("destroy", "web")

        let disabled = try await domains.succeed("disable", "web")
        #expect(disabled.stdout.contains("\n-    <smbios mode='sysinfo'/>\n"))
        #expect(try domains.definition() == old)
        let again = try await domains.succeed("disable", "web")
        #expect(again.stdout.isEmpty)
        #expect(again.stderr == "web: `virt-metadata enable` has written nothing into this domain\nweb: no changes\n")
    }

    @Test func `a key that loses its place to another with its comment is named`() async throws {
        try domains.define()
        let key = try domains.file("key.pub", EditedDomains.key + "\n")
        let first = try await domains.succeed("enable", "web", "--ssh-key", key)
        #expect(!first.stderr.contains("replaced"))
        let other = EditedDomains.key.split(separator: " ")
        let body = "AAAAC3NzaC1lZDI1NTE5AAAAI" + String(repeating: "A", count: 42) + "B"
        let second = try domains.file("other.pub", "ssh-ed25519 \(body) \(other[2])\n")
        let replaced = try await domains.succeed("enable", "web", "--ssh-key", second)
        #expect(replaced.stderr.contains("public-key[me@desk]/key: another key is replaced: \(other[0]) \(other[1]);"))
        #expect(try await !domains.succeed("enable", "web", "--ssh-key", second).stderr.contains("replaced"))
    }

    @Test func `--dry-run shows the same and changes nothing`() async throws {
        let old = try domains.define()
        let shown = try await domains.succeed("enable", "web", "--hostname", "a.example", "-n")
        #expect(shown.stderr == "web: dry run: no changes made\n")
        #expect(try domains.definition() == old)
        #expect(try await domains.succeed("enable", "web", "--hostname", "a.example").stdout == shown.stdout)
        let twice = try await domains.succeed("enable", "web", "--hostname", "a.example", "--dry-run")
        #expect(twice.stdout.isEmpty)
        #expect(twice.stderr == "web: no changes\n")
    }

    @Test func `user data comes from the standard input, which only one option reads`() async throws {
        try domains.define()
        let output = try await domains.shell("printf 'a <b>\\n' | \"$vm\" enable web --user-data - -c \"$uri\"")
        #expect(output.status == 0, "\(output)")
        #expect(try domains.definition().contains("a &lt;b&gt;\n</"))
        let twice = try await domains.shell("\"$vm\" enable web --user-data - --ssh-key - -c \"$uri\" < /dev/null")
        #expect(twice.status == 2)
        #expect(twice.stderr.contains("the standard input can be read only once"))
    }

    @Test func `--config leaves the running domain unchanged`() async throws {
        try domains.define(start: true)
        try await _ = domains.succeed("enable", "web", "--config", "--hostname", "a.example")
        #expect(try domains.definition().contains("a.example"))
        #expect(try !domains.running().contains("a.example"))
        try await _ = domains.succeed("set", "web", "hostname=a.example", "--live")
        try await _ = domains.succeed("disable", "web", "--persistent")
        #expect(try !domains.definition().contains("a.example"))
        #expect(try domains.running().contains("a.example"))
    }

    @Test func `a transient domain gets values, and the rest is reported`() async throws {
        let xml = try domains.file(
            "t.xml", "<domain type='test'><name>t</name><memory>65536</memory><os><type>hvm</type></os></domain>")
        try domains.libvirtd.virsh("create", xml)
        #expect(try await domains.succeed("disable", "t").stderr == "t: no changes\n")
        let output = try await domains.succeed("enable", "t", "--hostname", "t.example")
        #expect(output.stderr.hasPrefix("t: transient domain: it has no definition, so only values of the running domain are"))
        #expect(try domains.running("t").contains("t.example"))
        #expect(try !domains.running("t").contains("OpenStack"))
        let disabled = try await domains.run("disable", "t")
        #expect(disabled.status == 1)
        #expect(disabled.stderr.hasPrefix("virt-metadata: t: transient domain: it has no definition, so there is"), "\(disabled)")
        for arguments in [["set", "t", "hostname=x", "--config"], ["enable", "t", "--config"]] {
            let refused = try await domains.run(arguments)
            #expect(refused.status == 1)
            #expect(
                refused.stderr
                    == "virt-metadata: t: --config needs a persistent definition, which this transient domain does not have\n")
        }
    }

    @Test func `an existing identity is kept, and another is refused by libvirt's own rule`() async throws {
        try domains.define("ec2", uuid: "ec2e1916-9099-4caf-8d21-012345abcdef")
        try await _ = domains.succeed("enable", "ec2", "--identity", "ec2")
        #expect(try domains.definition("ec2").contains("<entry name='serial'>ec2e1916-9099-4caf-8d21-012345abcdef</entry>"))
        // Without a new one, the present one stays.
        try await _ = domains.succeed("enable", "ec2", "--hostname", "x")
        #expect(try !domains.definition("ec2").contains("OpenStack"))
        try domains.define()
        let output = try await domains.run("enable", "web", "--identity", "ec2")
        #expect(output.status == 1)
        #expect(output.stderr.hasPrefix("virt-metadata: web: --identity ec2 needs a UUID that begins with 'ec2'"))
        #expect(output.stdout.isEmpty)
        let unknown = try await domains.run("enable", "web", "--identity", "azure")
        #expect(unknown.status == 2)
        #expect(unknown.stderr.contains("expected one of openstack, ec2, nocloud, nocloud-net"), "\(unknown)")
    }

    @Test func `an identity written by hand is refused, or replaced and restored`() async throws {
        let product = "<sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry></system></sysinfo>"
        let old = try domains.define(os: "<smbios mode='sysinfo'/>", more: product)
        let refused = try await domains.run("enable", "web", "--identity", "nocloud")
        #expect(refused.status == 1)
        #expect(
            refused.stderr.contains(
                "written by hand, advertises OpenStack as well as --identity nocloud: replace it with --force"))
        #expect(try domains.definition() == old)
        // The same identity is kept.
        try await _ = domains.succeed("enable", "web", "--identity", "openstack")
        try await _ = domains.succeed("enable", "web", "--identity", "nocloud", "--force")
        let row = try await domains.succeed("list", "--json")
        let list = try JSONSerialization.jsonObject(with: Data(row.stdout.utf8)) as? [String: [[String: Any]]]
        let entry = try #require(list?["domains"]?.first { $0["name"] as? String == "web" })
        #expect(entry["identity"] as? String == "nocloud")
        #expect((entry["datasources"] as? [String: [String]])?["24.2"] == ["NoCloud"])
        try await _ = domains.succeed("disable", "web")
        #expect(try domains.definition() == old)
    }

    @Test func `a seed in the domain's disks causes a warning with the command that removes it`() async throws {
        try domains.define(
            disks: """
                <disk type='file' device='cdrom'><source file='/images/seed.iso'/><target dev='sda' bus='sata'/></disk>
                <disk type='file' device='disk'><source file='/images/web.qcow2'/><target dev='vda' bus='virtio'/></disk>
                """)
        let output = try await domains.succeed("enable", "web")
        let warning = "web: warning: disk sda (/images/seed.iso) looks like a cloud-init seed or config drive"
        #expect(output.stderr.contains(warning), "\(output)")
        #expect(output.stderr.contains(" change-media web sda --eject --config\n"))
        #expect(output.stderr.components(separatedBy: "warning").count == 2)
    }
}

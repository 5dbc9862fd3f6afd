import Foundation
import TestSupport
import Testing

/// The commands that change domains, on libvirt's test driver in a libvirtd, where virsh shows the result.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct EditingCommandTests {
    private static let key = """
        ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB me@desk
        """

    private let libvirtd: PrivateLibvirtd
    private let connection: StandingConnection

    init() throws {
        libvirtd = try PrivateLibvirtd()
        connection = try StandingConnection(to: libvirtd.uri)
    }

    // MARK: Helpers

    /// Defines a domain, and returns its definition as libvirt then has it.
    @discardableResult
    private func define(
        _ name: String = "web", uuid: String = "6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d", instance: String = "", start: Bool = false
    ) throws -> String {
        let metadata = "<metadata><instance xmlns='urn:virt-metadata:instance:1'>\(instance)</instance></metadata>"
        let xml = """
            <domain type='test'><name>\(name)</name><uuid>\(uuid)</uuid>\(instance.isEmpty ? "" : metadata)<memory>65536</memory>
            <os><type>hvm</type></os>
            <devices><graphics type='vnc' passwd='s3cret'/></devices></domain>
            """
        try libvirtd.virsh("define", libvirtd.file("\(name).xml", xml))
        if start { try libvirtd.virsh("start", name) }
        return try definition(name)
    }

    /// A domain's definition, including passwords.
    private func definition(_ name: String = "web") throws -> String {
        try libvirtd.virsh("dumpxml", "--inactive", "--security-info", name)
    }

    private func running(_ name: String = "web") throws -> String { try libvirtd.virsh("dumpxml", "--security-info", name) }

    private func run(_ arguments: String...) async throws -> Command.Output {
        try await Program.run(arguments[0], more: Array(arguments.dropFirst()) + ["--connect", libvirtd.uri])
    }

    private func succeed(_ arguments: String...) async throws -> Command.Output {
        let output = try await Program.run(arguments[0], more: Array(arguments.dropFirst()) + ["--connect", libvirtd.uri])
        try #require(output.status == 0, "\(output.stderr)")
        return output
    }

    /// Uses sed as the editor.
    private func edit(_ script: String) async throws -> Command.Output {
        try await Self.edit("sed -i -f '\(libvirtd.file("script", script))'", libvirtd)
    }

    private static func edit(_ editor: String, _ libvirtd: PrivateLibvirtd) async throws -> Command.Output {
        let variables = "TMPDIR='\(libvirtd.directory)' EDITOR=\"\(editor)\""
        return try await Program.shell("\(variables) \"$virt_metadata\" edit web --connect '\(libvirtd.uri)'")
    }

    // MARK: enable and disable

    @Test func `enable writes identity and values, and disable removes exactly these`() async throws {
        let old = try define()
        let key = try libvirtd.file("key.pub", Self.key + "\n")
        let data = try libvirtd.file("user-data", "#cloud-config\nruncmd: [true]\n")
        let enabled = try await succeed(
            "enable", "web", "--identity", "openstack", "--ssh-key", key, "--user-data", data, "--hostname", "web.example",
            "--set",
            "placement/region=eu")
        #expect(enabled.stdout.hasPrefix("--- web (definition)\n+++ web (definition, changed)\n@@ -"))
        #expect(enabled.stdout.contains("\n+    <smbios mode='sysinfo'/>\n"))
        #expect(!enabled.stdout.contains("\u{1B}"))
        #expect(!enabled.stdout.contains("s3cret"))
        #expect(enabled.stderr == "web: the definition was changed\n")
        let new = try definition()
        #expect(new.contains("<entry name='product'>OpenStack Nova</entry>"))
        #expect(new.contains("passwd='s3cret'"))
        // As a guest will read it.
        try libvirtd.virsh("start", "web")
        let meta = try await succeed("tree", "web", "--path", "/openstack/latest/meta_data.json")
        let document = try #require(try JSONSerialization.jsonObject(with: Data(meta.stdout.utf8)) as? [String: Any])
        #expect(document["public_keys"] as? [String: String] == ["me@desk": Self.key])
        #expect(document["hostname"] as? String == "web.example")
        #expect(try await succeed("tree", "web", "--path", "/latest/user-data").stdout == "#cloud-config\nruncmd: [true]\n")
        #expect(try await succeed("tree", "web", "--path", "/latest/meta-data/placement/region").stdout == "eu")
        try libvirtd.virsh("destroy", "web")

        let disabled = try await succeed("disable", "web")
        #expect(disabled.stdout.contains("\n-    <smbios mode='sysinfo'/>\n"))
        #expect(try definition() == old)
        let again = try await run("disable", "web")
        #expect(again.status == 1)
        #expect(again.stderr.hasPrefix("virt-metadata: web: `virt-metadata enable` has put nothing into this domain"))
    }

    @Test func `--dry-run shows the same and changes nothing`() async throws {
        let old = try define()
        let shown = try await succeed("enable", "web", "--hostname", "a.example", "--dry-run")
        #expect(shown.stderr == "web: this was only shown; nothing was changed\n")
        #expect(try definition() == old)
        #expect(try await succeed("enable", "web", "--hostname", "a.example").stdout == shown.stdout)
        let twice = try await succeed("enable", "web", "--hostname", "a.example")
        #expect(twice.stdout.isEmpty)
        #expect(twice.stderr == "web: all is so already; nothing was changed\n")
    }

    @Test func `a running domain gets values at once, and its tables wait for a start`() async throws {
        try define(start: true)
        let output = try await succeed("enable", "web", "--hostname", "a.example")
        #expect(output.stderr.contains("web: the running domain was changed: its guest reads it at once\n"))
        #expect(output.stderr.contains("virsh -c \(libvirtd.uri) shutdown web; virsh -c \(libvirtd.uri) start web"))
        #expect(try running().contains("a.example"))
        #expect(try !running().contains("OpenStack Nova"))
        try libvirtd.virsh("destroy", "web")
        try libvirtd.virsh("start", "web")
        #expect(try running().contains("OpenStack Nova"))
        #expect(try await !succeed("enable", "web", "--hostname", "b.example").stderr.contains("shutdown"))
        let disabled = try await succeed("disable", "web")
        #expect(disabled.stderr.contains("shutdown web"))
        #expect(try !running().contains(".example"))
    }

    @Test func `a transient domain gets values, and the rest is reported`() async throws {
        let xml = try libvirtd.file(
            "t.xml", "<domain type='test'><name>t</name><memory>65536</memory><os><type>hvm</type></os></domain>")
        try libvirtd.virsh("create", xml)
        let output = try await succeed("enable", "t", "--hostname", "t.example")
        #expect(output.stderr.hasPrefix("t: it is transient and has no definition: only the running domain is told"))
        #expect(try running("t").contains("t.example"))
        #expect(try !running("t").contains("OpenStack"))
        #expect(try await run("disable", "t").stderr.contains("t is transient"))
        #expect(
            try await run("set", "t", "hostname=x", "--definition").stderr.contains(
                "t is transient and has no definition to change"))
    }

    @Test func `an existing identity is kept, and another is refused by libvirt's own rule`() async throws {
        try define("ec2", uuid: "ec2e1916-9099-4caf-8d21-012345abcdef")
        try await _ = succeed("enable", "ec2", "--identity", "ec2")
        #expect(try definition("ec2").contains("<entry name='serial'>ec2e1916-9099-4caf-8d21-012345abcdef</entry>"))
        // Without a new one, the present one stays.
        try await _ = succeed("enable", "ec2", "--hostname", "x")
        #expect(try !definition("ec2").contains("OpenStack"))
        try define()
        let output = try await run("enable", "web", "--identity", "ec2")
        #expect(output.status == 1)
        #expect(output.stderr.hasPrefix("virt-metadata: web: an EC2 guest knows itself by a UUID that begins 'ec2'"))
        #expect(output.stdout.isEmpty)
    }

    // MARK: set, unset and edit

    @Test func `set and unset change the running domain and its definition`() async throws {
        try define(instance: "<name>mine</name>", start: true)
        let motd = try libvirtd.file("motd", "hello\n")
        let output = try await succeed(
            "set", "web", "tags/tag[a=b]=1", "security-groups+=x", "security-groups+=y", "imds@tokens=required", "--file",
            "files/file[/etc/motd]=\(motd)")
        // Both sides change alike, and are shown once.
        #expect(output.stdout.components(separatedBy: "--- web").count == 2)
        for xml in [try running(), try definition()] {
            #expect(xml.contains(/tag name=.a=b.>1</))
            #expect(xml.contains("mine"))
            #expect(xml.components(separatedBy: "group>").count == 5)
            #expect(xml.contains("passwd='s3cret'"))
        }
        #expect(try await succeed("tree", "web", "--path", "/openstack/content/0000").stdout == "hello\n")
        try await _ = succeed("unset", "web", "security-groups", "tags/tag[a=b]", "files/file[/etc/motd]", "imds@tokens")
        for xml in [try running(), try definition()] {
            #expect(!xml.contains("group"))
            #expect(xml.contains("mine"))
        }
        #expect(try await succeed("unset", "web", "hostname").stderr.hasPrefix("web: there was nothing at hostname\n"))
    }

    @Test func `only the given side is changed`() async throws {
        try define(start: true)
        try await _ = succeed("set", "web", "hostname=live", "--live")
        #expect(try running().contains("live<"))
        #expect(try !definition().contains("live<"))
        try await _ = succeed("set", "web", "hostname=defined", "--definition")
        #expect(try running().contains("live<"))
        #expect(try definition().contains("defined<"))
        try libvirtd.virsh("destroy", "web")
        let output = try await run("set", "web", "hostname=x", "--live")
        #expect(output.status == 1)
        #expect(output.stderr.hasPrefix("virt-metadata: web does not run, so there is no running domain to change"))
    }

    @Test func `edit opens the element, and writes the result back`() async throws {
        try define(instance: "<name>mine</name>", start: true)
        #expect(try await edit("s/mine/yours/").status == 0)
        #expect(try running().contains("yours"))
        #expect(try definition().contains("yours"))
        #expect(try await edit("").stderr == "web: all is so already; nothing was changed\n")
        let broken = try await edit("s/yours/</")
        #expect(broken.status == 1)
        #expect(broken.stderr.contains("this is no XML"))
        let draft = try #require(broken.stderr.split(separator: " ").last.map { String($0.dropLast()) })
        #expect(try String(contentsOfFile: draft, encoding: .utf8).contains("<name><<"))
        let misspelt = try await edit("s/name/nmae/g")
        #expect(misspelt.status == 1)
        #expect(misspelt.stderr.contains("for it could not be used: nmae: "), "\(misspelt.stderr)")
        #expect(try await Self.edit("false", libvirtd).stderr.contains("'false' ended with 1; nothing was changed"))
        #expect(try definition().contains("yours"))
        #expect(try await edit("d").status == 0)
        #expect(try !definition().contains("instance"))
        // There is a template now.
        #expect(try await edit("s,<instance>,&<hostname>new</hostname>,").status == 0)
        #expect(try definition().contains("new<"))
    }

    @Test func `edit does not change a running domain with other metadata`() async throws {
        try define(instance: "<name>mine</name>", start: true)
        try await _ = succeed("set", "web", "name=other", "--live")
        let output = try await edit("s/mine/yours/")
        #expect(output.status == 0)
        #expect(output.stderr.hasPrefix("web: the running domain has other metadata than its definition, and keeps it"))
        #expect(try running().contains("other"))
        #expect(try definition().contains("yours"))
    }

    // MARK: Bad input

    @Test func `unusable values are refused before libvirt sees them`() async throws {
        let old = try define()
        let secret = try libvirtd.file("id", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
        let nonsense = try libvirtd.file("nonsense", "hello\n")
        let huge = try libvirtd.file("huge", String(repeating: "#", count: (1 << 20) + 1))
        for (arguments, sentence) in [
            (["enable", "web", "--ssh-key", secret], "\(secret) is a private key, which must never leave its owner"),
            (["enable", "web", "--ssh-key", nonsense], "\(nonsense): line 1 is no public key in OpenSSH's format"),
            (["enable", "web", "--ssh-key", "/nonexistent"], "/nonexistent: cannot be read"),
            (
                ["enable", "web", "--user-data", huge],
                "\(huge): 1048577 bytes are more than a domain's XML should carry (1048576)"
            ),
            (["set", "web", "hostnme=a"], "hostnme: <instance> has no 'hostnme' below it; is 'hostname' meant?"),
            (["set", "web", "tags/tag[a/b]=x"], "web: nothing was changed, for it could not be used: tags/tag: "),
            (["enable", "webs"], "there is no domain 'webs' at \(libvirtd.uri); is 'web' meant?"),
            (["unset", "quite-another", "name"], "there is no domain 'quite-another' at \(libvirtd.uri); `virsh -c "),
        ] {
            let output = try await Program.run(arguments[0], more: Array(arguments.dropFirst()) + ["--connect", libvirtd.uri])
            #expect(output.status == 1)
            #expect(output.stdout.isEmpty)
            #expect(output.stderr.hasPrefix("virt-metadata: \(sentence)"), "\(output.stderr)")
        }
        #expect(try definition() == old)
    }

    @Test func `long user data causes a warning, and is used`() async throws {
        try define()
        let long = try libvirtd.file("long", "#!/bin/sh\n" + String(repeating: "#", count: 64 << 10))
        let output = try await succeed("enable", "web", "--user-data", long)
        #expect(output.stderr.contains("\(long): 65546 bytes are more than the 65536 that clouds promise"))
        #expect(try definition().contains(String(repeating: "#", count: 64 << 10)))
    }

    @Test func `a UUID takes precedence over a name; a domain on two hosts is an error that names both`() async throws {
        try define("6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d", uuid: "00000000-0000-4000-8000-000000000009")
        try define()
        let output = try await run("set", "6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d", "hostname=x")
        #expect(output.status == 0 && output.stderr.hasPrefix("web: "), "\(output)")
        let other = try PrivateLibvirtd()
        let standing = try StandingConnection(to: other.uri)
        try other.virsh("define", libvirtd.directory + "/web.xml")
        let both = try await run("set", "web", "hostname=x", "--connect", other.uri)
        #expect(both.stderr.hasSuffix("at \(libvirtd.uri): say which by --connect URI\n"), "\(both.stderr)")
        withExtendedLifetime(standing) {}
    }

    @Test func `a read-only libvirt is reported, with a remedy`() async throws {
        try define()
        let uri = "test+unix:///default?socket=\(libvirtd.directory)/libvirt-sock-ro"
        let output = try await Program.run("set", "web", "hostname=x", "--connect", uri)
        #expect(output.status == 1)
        #expect(output.stderr.contains("sudo usermod -aG libvirt USER"), "\(output.stderr)")
    }
}

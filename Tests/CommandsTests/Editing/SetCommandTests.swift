import Foundation
import TestSupport
import Testing

/// `set` and `unset` on domains of libvirt's test driver.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct SetCommandTests {
    private let domains: EditedDomains

    init() throws {
        domains = try EditedDomains()
    }

    @Test func `set and unset change the running domain and its definition`() async throws {
        try domains.define(instance: "<name>mine</name>", start: true)
        let dry = try await domains.succeed("set", "web", "hostname=a", "--dry-run")
        #expect(dry.stderr == "web: the running domain would change in the same way\nweb: dry run: no changes made\n")
        let motd = try domains.file("motd", "hello\n")
        let output = try await domains.succeed(
            "set", "web", "tags/tag[a=b]=1", "security-groups+=x", "security-groups+=y", "imds@tokens=required", "--file",
            "files/file[/etc/motd]=\(motd)")
        // Both sides change alike, and are shown once.
        #expect(output.stdout.components(separatedBy: "--- web").count == 2)
        for xml in [try domains.running(), try domains.definition()] {
            #expect(xml.contains(/tag name=.a=b.>1</))
            #expect(xml.contains("mine"))
            #expect(xml.components(separatedBy: "group>").count == 5)
            #expect(xml.contains("passwd='s3cret'"))
        }
        #expect(try await domains.succeed("tree", "web", "--path", "/openstack/content/0000").stdout == "hello\n")
        // Values that are set already are no changes, however libvirt writes them.
        let same = try await domains.succeed("set", "web", "security-groups+=y", "tags/tag[a=b]=1", "imds@tokens=required")
        #expect(same.stderr == "web: no changes\n")
        try await _ = domains.succeed("unset", "web", "security-groups", "tags/tag[a=b]", "files/file[/etc/motd]", "imds@tokens")
        for xml in [try domains.running(), try domains.definition()] {
            #expect(!xml.contains("group"))
            #expect(xml.contains("mine"))
        }
        #expect(try await domains.succeed("unset", "web", "hostname").stderr == "web: hostname: not set\nweb: no changes\n")
    }

    @Test func `a running guest is served values at once, and cloud-init's own reading is named`() async throws {
        try domains.define(start: true)
        let once = try await domains.succeed("set", "web", "hostname=a", "placement/region=eu")
        #expect(once.stderr.contains("web: running domain updated; the new values are served from now on\n"))
        #expect(once.stderr.contains("web: cloud-init reads hostname once for each instance: "), "\(once)")
        #expect(once.stderr.contains("`cloud-init clean --reboot` in the guest, or with a new instance-id\n"))
        let always = try await domains.succeed("set", "web", "placement/region=us")
        #expect(!always.stderr.contains("cloud-init"), "\(always)")
        let new = try await domains.succeed("set", "web", "hostname=b", "instance-id=i-2")
        #expect(!new.stderr.contains("cloud-init"), "\(new)")
    }

    @Test func `--live, --config and --current select what they select in virsh`() async throws {
        try domains.define(start: true)
        try await _ = domains.succeed("set", "web", "hostname=live", "--live")
        #expect(try domains.running().contains("live<"))
        #expect(try !domains.definition().contains("live<"))
        for (flag, value) in [("--config", "defined"), ("--persistent", "lasting"), ("--definition", "former")] {
            try await _ = domains.succeed("set", "web", "hostname=\(value)", flag)
            #expect(try domains.running().contains("live<"))
            #expect(try domains.definition().contains("\(value)<"))
        }
        try await _ = domains.succeed("set", "web", "hostname=now", "--current")
        #expect(try domains.running().contains("now<"))
        #expect(try domains.definition().contains("former<"))
        try domains.libvirtd.virsh("destroy", "web")
        try await _ = domains.succeed("set", "web", "hostname=later", "--current")
        #expect(try domains.definition().contains("later<"))
        let output = try await domains.run("set", "web", "hostname=x", "--live")
        #expect(output.status == 1)
        #expect(output.stderr == "virt-metadata: web: not running: --live needs a running domain\n")
        #expect(try await domains.run("set", "web", "hostname=x", "--live", "--current").status == 2)
    }

    @Test(arguments: [
        ["set", "web", "--config", "/etc/x.yaml", "hostname=a"], ["unset", "web", "--config", "x.yml", "hostname"],
        ["enable", "web", "--config", "./x.yaml"], ["disable", "web", "--config", "/etc/x.yaml"],
        ["edit", "web", "--config", "/etc/x.yaml"],
    ])
    func `a configuration file after --config is refused with a hint`(arguments: [String]) async throws {
        let output = try await domains.run(arguments)
        #expect(output.status == 2)
        let file = arguments[3]
        #expect(
            output.stderr.contains(
                "--config selects the persistent definition here; the configuration file is --config-file \(file)"))
    }

    @Test(arguments: ["set", "unset", "enable", "disable", "edit"])
    func `a configuration file as the value of --config is refused with a hint`(command: String) async throws {
        let output = try await domains.run(command, "web", "--config=/etc/x.yaml")
        #expect(output.status == 2)
        let hint = "it selects the persistent definition here; the configuration file is --config-file /etc/x.yaml\n"
        #expect(output.stderr == "virt-metadata: --config takes no value: \(hint)")
    }

    @Test func `the configuration file is --config-file`() async throws {
        try domains.define()
        let file = try domains.file("config.yaml", "connect: '\(domains.libvirtd.uri)'\n")
        let output = try await Program.run("set", "--config-file", file, "web", "hostname=a")
        #expect(output.status == 0, "\(output)")
        #expect(try domains.definition().contains("<vm:hostname>a<"))
    }

    @Test func `arguments before the first value are domains, whose names may be those of elements`() async throws {
        try domains.define("hostname")
        try domains.define("web=1", uuid: "6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b02")
        try await _ = domains.succeed("set", "hostname", "hostname=a")
        try await _ = domains.succeed("unset", "hostname", "hostname")
        try await _ = domains.succeed("set", "--domain", "web=1", "--domain", "hostname", "name=b")
        for name in ["hostname", "web=1"] { #expect(try domains.definition(name).contains("name>b<")) }
        for (arguments, sentence) in [
            (["set", "hostname=a"], "missing domain"), (["unset", "placement/region"], "missing domain"),
            (["set", "web", "hostname", "name=a"], "invalid value 'hostname': expected PATH=VALUE"),
            (["set", "web", "name=a", "web2"], "invalid value 'web2': expected PATH=VALUE, after all domains"),
            (["set", "web"], "missing value: expected PATH=VALUE or --file PATH=FILE"), (["unset", "web"], "missing path"),
        ] {
            let output = try await domains.run(arguments)
            #expect(output.status == 2)
            #expect(output.stderr.contains(sentence), "\(output)")
        }
    }

    @Test func `unusable values are refused before libvirt sees them`() async throws {
        let old = try domains.define()
        let secret = try domains.file("id", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
        let (nonsense, empty) = (try domains.file("nonsense", "hello\n"), try domains.file("empty", ""))
        let huge = try domains.file("huge", String(repeating: "#", count: (1 << 20) + 1))
        let key = "public-keys/public-key[x]/key"
        for (arguments, sentence) in [
            (["enable", "web", "--ssh-key", secret], "\(secret): private key; it must not leave its owner"),
            (["enable", "web", "--ssh-key", nonsense], "\(nonsense): line 1: invalid public key: expected OpenSSH's format"),
            (["set", "web", "\(key)=garbage"], "\(key): line 1: invalid public key: expected OpenSSH's format"),
            (["set", "web", "--file", "\(key)=\(secret)"], "\(secret): private key"),
            (["enable", "web", "--ssh-key", "/nonexistent"], "cannot read /nonexistent: No such file or directory"),
            (
                ["enable", "web", "--user-data", huge],
                "\(huge): 1048577 bytes: the limit for a value in a domain's XML is 1048576"
            ),
            (["enable", "web", "--user-data", empty], "\(empty): empty value; to remove it: virt-metadata unset web 'userdata'"),
            (
                ["set", "web", "placement/region="],
                "placement/region: empty value; to remove it: virt-metadata unset web 'placement/region'"
            ),
            (["set", "a", "b", "name="], "name: empty value; to remove it: virt-metadata unset DOMAIN 'name'"),
            (["set", "web", "tags/env=prod"], "tags/env: unknown element 'env' in tags; use 'tags/tag[env]=prod'"),
            (["unset", "web", "tags/env"], "tags/env: unknown element 'env' in tags; use 'tags/tag[env]'"),
            (["set", "web", "tags/tga=x"], "tags/tga: unknown element 'tga' in tags; did you mean 'tag'?"),
            (["enable", "web", "--hostname", ""], "hostname: empty value"),
            (["set", "web", "hostnme=a"], "hostnme: unknown element 'hostnme' in instance; did you mean 'hostname'?"),
            (["set", "web", "hostname=bad_name"], "web: hostname: 'bad_name' is not a valid hostname"),
            (["set", "web", "tags/tag[]=x"], "web: tags/tag: "),
            (["enable", "webs"], "no domain 'webs' at \(domains.libvirtd.uri); did you mean 'web'?"),
            (["unset", "quite-another", "name"], "no domain 'quite-another' at \(domains.libvirtd.uri); `virsh -c "),
        ] {
            let output = try await domains.run(arguments)
            #expect(output.status == 1)
            #expect(output.stdout.isEmpty)
            #expect(output.stderr.hasPrefix("virt-metadata: \(sentence)"), "\(output.stderr)")
        }
        #expect(try domains.definition() == old)
    }

    @Test func `tags and files may be empty, and a public key has one line`() async throws {
        try domains.define()
        let empty = try domains.file("empty", "")
        try await _ = domains.succeed("set", "web", "tags/tag[a]=", "--file", "files/file[/etc/x]=\(empty)")
        let keys = try domains.file(
            "keys", EditedDomains.key + "\n" + EditedDomains.key.replacing("T5aB me", with: "T5aC you") + "\n")
        let two = try await domains.run("set", "web", "--file", "public-keys/public-key[x]=\(keys)")
        #expect(two.stderr.hasPrefix("virt-metadata: \(keys): 2 public keys: expected one for "), "\(two)")
        try await _ = domains.succeed("set", "web", "public-keys/public-key[x]=\(EditedDomains.key)\n")
        #expect(try domains.definition().contains("key>\(EditedDomains.key)<"))
    }

    @Test func `a key that is given twice is added once`() async throws {
        try domains.define()
        let one = try domains.file("a.pub", EditedDomains.key + "\n")
        let again = try domains.file(
            "b.pub", "restrict \(EditedDomains.key.replacing("me@desk", with: "other")) \n\(EditedDomains.key)\n")
        try await _ = domains.succeed("enable", "web", "--ssh-key", one, "--ssh-key", again)
        #expect(try domains.definition().components(separatedBy: "<vm:public-key ").count == 2)
    }

    @Test func `long user data causes a warning, and is used`() async throws {
        try domains.define()
        let long = try domains.file("long", "#!/bin/sh\n" + String(repeating: "#", count: 64 << 10))
        let output = try await domains.succeed("enable", "web", "--user-data", long)
        #expect(output.stderr.contains("\(long): larger than 64 KiB; some agents truncate or reject it\n"))
        #expect(try domains.definition().contains(String(repeating: "#", count: 64 << 10)))
    }

    @Test func `a UUID takes precedence over a name; a domain on two hosts is an error that names both`() async throws {
        try domains.define("6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d", uuid: "00000000-0000-4000-8000-000000000009")
        try domains.define()
        let output = try await domains.run("set", "6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d", "hostname=x")
        #expect(output.status == 0 && output.stderr.hasPrefix("web: "), "\(output)")
        let other = try PrivateLibvirtd()
        let standing = try StandingConnection(to: other.uri)
        try other.virsh("define", domains.libvirtd.directory + "/web.xml")
        let both = try await domains.run("set", "web", "hostname=x", "--connect", other.uri)
        #expect(both.stderr.hasSuffix("at \(domains.libvirtd.uri): select one with --connect URI\n"), "\(both.stderr)")
        withExtendedLifetime(standing) {}
    }

    @Test func `a read-only libvirt is reported, with a remedy`() async throws {
        try domains.define()
        let uri = "test+unix:///default?socket=\(domains.libvirtd.directory)/libvirt-sock-ro"
        let output = try await Program.run("set", "web", "hostname=x", "--connect", uri)
        #expect(output.status == 1)
        #expect(output.stderr.contains("sudo usermod -aG libvirt USER"), "\(output.stderr)")
    }
}

import Foundation
import TestSupport
import Testing

/// The commands that change domains, with several of them, and their reports for programs.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct SeveralDomainsTests {
    private let domains: EditedDomains

    init() throws {
        domains = try EditedDomains()
    }

    private func isChanged(_ name: String) throws -> Bool { try domains.definition(name).contains("urn:virt-metadata") }

    @Test func `an error of one domain does not keep the others from being changed`() async throws {
        try domains.define(count: 3)
        let key = try domains.file("key.pub", EditedDomains.key + "\n")
        try await _ = domains.succeed("enable", "web1", "--ssh-key", key)
        let output = try await domains.run("enable", "web1", "nobody", "web2", "web3", "--ssh-key", key)
        #expect(output.status == 1)
        #expect(output.stderr.contains("virt-metadata: no domain 'nobody' at "), "\(output)")
        #expect(output.stderr.hasSuffix("\n4 domains: 2 changed, 1 unchanged, 1 failed\n"), "\(output)")
        for name in ["web1", "web2", "web3"] { #expect(try isChanged(name)) }
        let dry = try await domains.succeed("set", "web1", "web2", "hostname=x", "--dry-run")
        #expect(dry.stderr.hasSuffix("\n2 domains: 2 would change\n"), "\(dry)")
        try await _ = domains.succeed("set", "web1", "web2", "placement/region=eu")
        #expect(try domains.definition("web2").contains("eu<"))
        #expect(try !domains.definition("web3").contains("eu<"))
        try await _ = domains.succeed("disable", "web1", "web2", "web3")
    }

    @Test func `an element that nothing can be written into does not keep other domains from being changed`() async throws {
        try domains.define(count: 2)
        let element = "<v:instance xmlns:v='urn:virt-metadata:instance:1' xmlns='urn:other'/>"
        let xml = try domains.definition("web1").replacing("</uuid>", with: "</uuid><metadata>\(element)</metadata>")
        try domains.libvirtd.virsh("define", domains.file("web1.xml", xml))
        for arguments in [["set", "web1", "web2", "placement/region=eu"], ["enable", "web1", "web2", "--set", "tags/tag[a]=b"]] {
            let output = try await domains.run(arguments)
            #expect(output.status == 1)
            #expect(output.stderr.contains("declares the default namespace 'urn:other'"), "\(output)")
            #expect(output.stderr.hasSuffix("2 domains: 1 changed, 1 failed\n"), "\(output)")
        }
    }

    @Test func `a domain that is named twice is changed and counted once`() async throws {
        try domains.define(count: 2)
        let uuid = "6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b01"
        let once = try await domains.succeed("set", "web1", uuid, "web1", "name=x")
        #expect(once.stderr == "web1: definition updated\n")
        let two = try await domains.succeed("set", "web1", uuid, "web2", "name=y")
        #expect(two.stderr.hasSuffix("\n2 domains: 2 changed\n"), "\(two)")
        let none = try await domains.run("set", "web9", "web9", "name=x")
        #expect(none.status == 1)
        #expect(none.stderr.count { $0 == "\n" } == 1, "\(none)")
    }

    @Test func `one domain is no plural`() async throws {
        // The test driver's own domain is the only one.
        let refused = try await domains.shell("\"$vm\" set --all name=x -c \"$uri\" < /dev/null")
        #expect(refused.stderr == "virt-metadata: --all changes 1 domain: confirm with --yes, or see --dry-run\n")
        let asked = try await domains.terminal("\"$vm\" set --all name=x -c \"$uri\"", typing: "n\\n")
        #expect(asked.stdout.contains("Change the only domain at \(domains.libvirtd.uri) (test)? [y/N]"), "\(asked)")
        try domains.define()
        let output = try await domains.succeed("set", "web", "userdata=x", "-n")
        #expect(output.stdout.contains("(user data: 1 byte)"), "\(output)")
    }

    @Test func `--all changes all domains, only if it is confirmed`() async throws {
        try domains.define(count: 2)
        let before = try domains.libvirtd.virsh("list", "--all", "--name").split(separator: "\n").count
        let refused = try await domains.shell("\"$vm\" set --all name=x -c \"$uri\" < /dev/null")
        #expect(refused.status == 2)
        #expect(refused.stderr.contains("--all changes \(before) domains: confirm with --yes"), "\(refused)")
        let no = try await domains.terminal("\"$vm\" set --all name=x -c \"$uri\"", typing: "n\\n")
        #expect(no.stdout.contains("Change all \(before) domains at \(domains.libvirtd.uri)"), "\(no)")
        #expect(no.stdout.contains("not confirmed; no changes made"))
        for name in ["web1", "web2"] { #expect(try !isChanged(name)) }
        try await _ = domains.succeed("set", "--all", "name=x", "-n")
        #expect(try !isChanged("web1"))
        let yes = try await domains.terminal("\"$vm\" set --all name=x -c \"$uri\"", typing: "y\\n")
        #expect(yes.stdout.contains("\(before) domains: \(before) changed"), "\(yes)")
        try await _ = domains.succeed("unset", "--all", "-y", "name")
        for name in ["web1", "web2"] { #expect(try !isChanged(name)) }
        #expect(try await domains.run("disable", "web1", "--all").status == 2)
    }

    @Test func `a report for programs has the same members for each domain`() async throws {
        try domains.define(count: 2)
        try domains.libvirtd.virsh("start", "web2")
        let output = try await domains.run("enable", "web1", "web2", "web9", "--hostname", "a", "-o", "json")
        #expect(output.status == 1)
        // Errors are also for people.
        #expect(output.stderr.hasPrefix("virt-metadata: no domain 'web9' at "))
        #expect(output.stderr.count { $0 == "\n" } == 1)
        let reports = try EditedDomains.reports(in: output.stdout)
        #expect(reports.map { $0["domain"] as? String } == ["web1", "web2", "web9"])
        #expect(reports.map { $0["changed"] as? Bool } == [true, true, false])
        #expect(reports.map { $0["needs_restart"] as? Bool } == [false, true, false])
        #expect(reports.map { $0["error"] is NSNull } == [true, true, false])
        #expect(reports[0]["uuid"] as? String == "6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b01")
        #expect(reports[2]["uuid"] is NSNull)
        #expect((reports[0]["diff"] as? String)?.contains("\n+    <smbios mode='sysinfo'/>\n") == true)
        #expect((reports[1]["notes"] as? [String])?.contains { $0.hasPrefix("restart needed: ") } == true)
        let again = try await domains.report("enable", "web1", "--hostname", "a")
        #expect(again["changed"] as? Bool == false)
        #expect(again["diff"] as? String == "")
        let dry = try await domains.report("disable", "web1", "--dry-run", "--no-diff")
        #expect(dry["changed"] as? Bool == true)
        #expect(dry["diff"] is NSNull)
        #expect(try isChanged("web1"))
        let yaml = try await domains.succeed("set", "web1", "hostname=b", "-o", "yaml")
        #expect(yaml.stdout.hasPrefix("domains:\n"), "\(yaml)")
        #expect(yaml.stderr.isEmpty)
    }

    @Test func `--quiet prints nothing but errors, and --no-diff no difference`() async throws {
        try domains.define(start: true)
        let quiet = try await domains.succeed("enable", "web", "--hostname", "a", "-q")
        #expect(quiet.stdout.isEmpty && quiet.stderr.isEmpty, "\(quiet)")
        let failed = try await domains.run("set", "web", "hostname=bad_name", "--quiet")
        #expect(failed.status == 1)
        #expect(failed.stderr.hasPrefix("virt-metadata: web: hostname: "))
        let short = try await domains.succeed("set", "web", "hostname=b", "--no-diff")
        #expect(short.stdout.isEmpty)
        #expect(short.stderr.hasPrefix("web: definition updated\n"))
    }

    @Test func `secrets are in no difference unless it is asked for them`() async throws {
        try domains.define(start: true)
        let first = try domains.file("first", "password: hunter1\n")
        let second = try domains.file("second", "password: hunter2\n")
        let credentials = "iam/security-credentials[role]={\"SecretAccessKey\": \"hunter3\"}"
        let output = try await domains.succeed(
            "enable", "web", "--user-data", first, "--set", "vendordata={\"a\": \"hunter4\"}", "--set", credentials, "--set",
            "files/file[/etc/x]=hunter5")
        #expect(!output.stdout.contains("hunter"), "\(output)")
        #expect(output.stdout.contains("<vm:userdata>(user data: 18 bytes)</vm:userdata>"), "\(output)")
        #expect(output.stdout.contains("<vm:file path='/etc/x'>(file: 7 bytes)</vm:file>"), "\(output)")
        let changed = try await domains.succeed("enable", "web", "--user-data", second)
        #expect(changed.stdout.contains("-      <vm:userdata>(user data: 18 bytes)</vm:userdata>\n"), "\(changed)")
        #expect(changed.stdout.contains("+      <vm:userdata>(user data: 18 bytes, changed)</vm:userdata>\n"), "\(changed)")
        #expect(!changed.stdout.contains("hunter"))
        let json = try await domains.run("set", "web", "--file", "userdata=\(first)", "-o", "json", "--dry-run")
        #expect(!json.stdout.contains("hunter") && json.stdout.contains("changed)"), "\(json)")
        let shown = try await domains.succeed("set", "web", "--file", "userdata=\(first)", "--show-secrets", "--dry-run")
        #expect(shown.stdout.contains("hunter1") && shown.stdout.contains("hunter2"), "\(shown)")
        // What a guest or enable's own record holds is a secret too.
        try domains.libvirtd.virsh(
            "metadata", "web", "--uri", "urn:virt-metadata:password:1", "--key", "p", "--config", "--set",
            "<password>hunter6</password>")
        let disabled = try await domains.succeed("disable", "web")
        #expect(!disabled.stdout.contains("hunter"), "\(disabled)")
    }
}

import Foundation
import TestSupport
import Testing

/// What `disable` says of the values and entries that it keeps.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct DisableCommandTests {
    private let domains: EditedDomains

    init() throws {
        domains = try EditedDomains()
    }

    private func enabledAndEdited(start: Bool) async throws {
        try domains.define(start: start)
        try await _ = domains.succeed("enable", "web", "--hostname", "web.example", "--set", "name=w")
        try await _ = domains.succeed("set", "web", "tags/tag[env]=test", "placement/region=eu", "hostname=mine.example")
    }

    /// The command at the end of the line about the element.
    private func command(in output: Command.Output) throws -> String {
        let line = try #require(
            output.stderr.split(separator: "\n").first { $0.contains("enabled: the <instance>") }, "\(output)")
        return String(line[try #require(line.range(of: "remove it with: ")).upperBound...])
    }

    @Test func `every kept value is named, and the printed command removes what keeps the domain enabled`() async throws {
        try await enabledAndEdited(start: false)
        let dry = try await domains.succeed("disable", "web", "--dry-run")
        #expect(dry.stderr.contains("web: would still be enabled: the <instance> element has "), "\(dry)")
        let output = try await domains.succeed("disable", "web")
        #expect(output.stderr.contains("web: hostname was changed after enable, and is kept\n"), "\(output)")
        #expect(output.stderr.contains("web: not written by `enable`, and kept: tags/tag[env], placement/region\n"), "\(output)")
        let expected = "virt-metadata -c '\(domains.libvirtd.uri)' unset web hostname 'tags/tag[env]' placement/region"
        #expect(try command(in: output) == expected)
        #expect(
            output.stderr.contains("web: still enabled: the <instance> element has hostname, tags/tag[env], placement/region; "))
        // In the second run too, and for programs.
        let again = try await domains.succeed("disable", "web")
        #expect(try command(in: again) == expected)
        let notes = try await domains.report("disable", "web")["notes"] as? [String]
        #expect(notes?.contains { $0.hasPrefix("still enabled: ") } == true)
        let removed = try await domains.shell(expected.replacing("virt-metadata ", with: "\"$vm\" ", maxReplacements: 1))
        #expect(removed.status == 0, "\(removed)")
        #expect(try !domains.definition().contains("urn:virt-metadata"))
        #expect(try await !domains.succeed("disable", "web").stderr.contains("still enabled"))
    }

    @Test func `of very many kept values some are named, with a way to remove all`() async throws {
        let tags = (0..<2000).map { "<tag name='t\($0)'>x</tag>" }.joined()
        try domains.define(instance: "<tags>\(tags)</tags>")
        let output = try await domains.succeed("disable", "web")
        let line = try #require(output.stderr.split(separator: "\n").first { $0.contains("still enabled") })
        #expect(
            line.contains("tags/tag[t99] and 1900 more; remove it with: ") && line.hasSuffix("edit web"), "\(line.suffix(200))")
    }

    @Test func `a value of the running domain alone is named, and no advice of enable is printed`() async throws {
        try await enabledAndEdited(start: true)
        try await _ = domains.succeed("set", "web", "project-id=p", "--live")
        let output = try await domains.succeed("disable", "web")
        #expect(output.stderr.contains("running domain updated; the removed values are no longer served\n"), "\(output)")
        #expect(!output.stderr.contains("cloud-init"), "\(output)")
        let command = try command(in: output)
        #expect(command.hasSuffix(" unset web hostname 'tags/tag[env]' placement/region project-id"), "\(command)")
        let removed = try await domains.shell(command.replacing("virt-metadata ", with: "\"$vm\" ", maxReplacements: 1))
        #expect(removed.status == 0, "\(removed)")
        #expect(try !domains.running().contains("urn:virt-metadata") && !domains.definition().contains("urn:virt-metadata"))
    }

    @Test func `what unset cannot remove, and an identity written by hand, are named with an editor`() async throws {
        let product = "<sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry></system></sysinfo>"
        try domains.define(instance: "<hostnam>a</hostnam>", os: "<smbios mode='sysinfo'/>", more: product)
        let output = try await domains.succeed("disable", "web")
        let uri = "'\(domains.libvirtd.uri)'"
        #expect(try command(in: output) == "virt-metadata -c \(uri) edit web")
        let identity =
            "web: still enabled: SMBIOS identity openstack, not written by `enable`; remove its entries with: virsh -c \(uri) edit web\n"
        #expect(output.stderr.contains(identity), "\(output)")
    }

    @Test func `as a filter too`() async throws {
        let xml = """
            <domain type='kvm'><name>web</name><metadata><instance xmlns='urn:virt-metadata:instance:1'><name>w</name></instance></metadata>
            <memory>65536</memory><os><type arch='x86_64'>hvm</type></os></domain>
            """
        let file = try domains.file("in.xml", xml)
        let output = try await domains.shell("\"$vm\" disable --xml '\(file)'")
        #expect(output.status == 0 && output.stdout == xml)
        #expect(output.stderr.contains("remove it with: virt-metadata unset --xml name\n"), "\(output)")
    }
}

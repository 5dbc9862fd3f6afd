import Foundation
import TestSupport
import Testing

/// What `enable` and `convert` write survives the programs that people edit domains with.
@Suite(
    .enabled(
        if: PrivateLibvirtd.obstacle() == nil && FileManager.default.fileExists(atPath: "/usr/bin/virt-xml"),
        "needs root, libvirtd and virtinst")) struct OtherToolsTests
{
    private let domains: EditedDomains

    init() throws {
        domains = try EditedDomains()
    }

    /// User data with every character that a program might write otherwise.
    private static let userData = "#cloud-config\nwrite_files:\n- path: /x\n  content: \"<a href='x'> & ]]> ü\\t\"\n"

    /// Enables a domain, and returns its paths with their contents.
    private func enable(disks: String = "") async throws -> String {
        try domains.define(disks: disks)
        let file = try domains.file("user-data", Self.userData)
        try await _ = domains.succeed(
            "enable", "web", "--hostname", "web", "--user-data", file, "--set", "tags/tag[a/b]=1", "--set", "imds@tokens=optional"
        )
        return try await contents()
    }

    private func contents() async throws -> String {
        try await domains.succeed("tree", "web", "--contents", "--path", "/latest/").stdout
    }

    /// The elements of this program in a domain's XML, each tag with its prefix and attributes.
    private func elements(_ xml: String) throws -> String {
        let metadata = try #require(xml.firstMatch(of: /<metadata>[\s\S]*<\/metadata>/)).output
        return String(metadata).replacing("\"", with: "'").replacing("&#xFC;", with: "ü")
    }

    @Test(arguments: ["libxml2", "etree"])
    func `virt-xml --edit keeps every element`(backend: String) async throws {
        let before = try await enable()
        let edited = try await domains.shell(
            """
            VIRTINST_XML_BACKEND=\(backend) virt-xml --connect \"$uri\" web --edit --metadata title=Web --define >\
            &2 && virsh -c \"$uri\" dumpxml --inactive web
            """)
        #expect(edited.status == 0, "\(edited)")
        #expect(edited.stdout.contains("<title>Web</title>"))
        #expect(try await contents() == before)
        // `disable` finds what `enable` wrote.
        try await _ = domains.succeed("disable", "web")
        #expect(try !domains.definition().contains("urn:virt-metadata"))
    }

    @Test func `virt-clone copies every element`() async throws {
        let (own, other) = (try domains.file("a.img", ""), try domains.file("b.img", ""))
        _ = try await enable(disks: "<disk type='file'><source file='\(own)'/><target dev='vda'/></disk>")
        let options = "--original web --name web2 --preserve-data --file '\(other)' --check all=off --print-xml"
        let clone = try await domains.shell("virt-clone --connect \"$uri\" \(options)")
        #expect(clone.status == 0, "\(clone)")
        let elements = try elements(try domains.definition())
        #expect(elements.contains("<vm:userdata>") && elements.contains("<vm-enabled:value path='userdata'"))
        let copied = try self.elements(clone.stdout)
        #expect(copied == elements, "\(copied)\n\(elements)")
    }

    @Test func `virsh edit keeps every element`() async throws {
        let before = try await enable()
        let edited = try await domains.shell("EDITOR=\"sed -i 's,<name>,<title>Web</title>&,'\" virsh -c \"$uri\" edit web")
        #expect(edited.status == 0, "\(edited)")
        #expect(try domains.definition().contains("<title>Web</title>"))
        #expect(try await contents() == before)
        try await _ = domains.succeed("disable", "web")
        #expect(try !domains.definition().contains("urn:virt-metadata"))
    }

    /// virt-manager's backend without libxml2 takes an element with a default namespace for one with an empty prefix.
    @Test func `no element that is written has a default namespace`() async throws {
        _ = try await enable()
        #expect(try domains.definition().firstMatch(of: /<instance|<enabled|xmlns='urn:virt-metadata/) == nil)
        let filtered = try await domains.shell(
            "virsh -c \"$uri\" dumpxml web | \"$vm\" set --xml --file 'files/file[/etc/motd]=/etc/hostname' 2>/dev/null")
        #expect(filtered.stdout.contains("<vm:file path='/etc/motd'") && !filtered.stdout.contains("xmlns='urn:virt-metadata"))
        let bare = try domains.file("bare.xml", "<domain><name>a</name><metadata><hostname>web</hostname></metadata></domain>")
        let converted = try await domains.shell("\"$vm\" convert \(bare) 2>/dev/null")
        #expect(
            converted.stdout.contains(
                """
                <vm:instance xmlns:vm='urn:virt-metadata:instance:1'><vm:hostname>web</vm:hostname></vm:instance>
                """), "\(converted)")
    }
}

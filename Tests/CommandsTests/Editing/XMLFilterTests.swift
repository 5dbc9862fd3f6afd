import Foundation
import TestSupport
import Testing

/// `--xml`: domain XML in, changed domain XML out, without libvirt.
struct XMLFilterTests {
    /// As tools write it: no UUID, no MAC, comments and unusual spaces.
    private static let xml = """
        <?xml version="1.0"?>
        <!-- by a tool -->
        <domain type='kvm' >
          <name>web</name>
          <memory unit="MiB">512</memory>
          <os><type arch="x86_64">hvm</type></os>
          <devices>
            <interface type='network'><source network='default'/></interface>
            <!-- end -->
          </devices>
        </domain>

        """

    /// libvirt is at no URI that these commands could reach.
    private func run(_ line: String, _ input: String = xml) async throws -> Command.Output {
        let folder = FileManager.default.temporaryDirectory.appending(path: "filter-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(input.utf8).write(to: folder.appending(path: "in.xml"))
        try Data((EditedDomains.key + "\n").utf8).write(to: folder.appending(path: "key.pub"))
        return try await Program.shell(
            "cd '\(folder.path)'; export VIRT_METADATA_CONNECT=qemu+unix:///system?socket=/nonexistent; vm=$virt_metadata; \(line)"
        )
    }

    @Test func `enable and disable edit the standard input, and every other byte stays`() async throws {
        let enabled = try await run("\"$vm\" enable --xml --ssh-key key.pub --hostname web < in.xml")
        #expect(enabled.status == 0, "\(enabled)")
        #expect(enabled.stderr.isEmpty)
        #expect(
            enabled.stdout.contains(
                """
                  <metadata>
                    <vm:instance xmlns:vm='urn:virt-metadata:instance:1'>
                      <vm:hostname>web</vm:hostname>
                      <vm:public-keys>
                """), "\(enabled.stdout)")
        #expect(enabled.stdout.contains("<entry name='product'>OpenStack Nova</entry>"))
        // Only lines are added.
        var rest = enabled.stdout.split(separator: "\n", omittingEmptySubsequences: false)[...]
        for line in Self.xml.split(separator: "\n") {
            let index = try #require(rest.firstIndex { $0.replacing("<smbios mode='sysinfo'/>", with: "") == line }, "\(line)")
            rest = rest[(index + 1)...]
        }
        let twice = try await run("\"$vm\" enable --xml --ssh-key key.pub --hostname web < in.xml", enabled.stdout)
        #expect(twice.stdout == enabled.stdout)
        #expect(twice.stderr == "standard input: no changes\n")
        let disabled = try await run("\"$vm\" disable --xml - < in.xml", enabled.stdout)
        #expect(disabled.status == 0)
        #expect(disabled.stdout == Self.xml)
        let never = try await run("\"$vm\" disable --xml in.xml")
        #expect(never.status == 0)
        #expect(never.stdout == Self.xml)
        #expect(never.stderr == "in.xml: `virt-metadata enable` has written nothing into this domain\nin.xml: no changes\n")
    }

    @Test(arguments: ["vm", "x", ""])
    func `set and unset edit an element with any prefix`(prefix: String) async throws {
        let (open, colon) = prefix.isEmpty ? ("xmlns", "") : ("xmlns:\(prefix)", "\(prefix):")
        let element =
            "<\(colon)instance \(open)='urn:virt-metadata:instance:1'><\(colon)name>mine</\(colon)name></\(colon)instance>"
        let input = Self.xml.replacing("<os>", with: "<metadata><o:x xmlns:o='urn:other'/>\(element)</metadata>\n  <os>")
        let set = try await run("\"$vm\" set --xml hostname=web name=yours < in.xml", input)
        #expect(set.status == 0, "\(set)")
        #expect(set.stdout.contains("<vm:name>yours</vm:name>"), "\(set)")
        #expect(set.stdout.contains("<vm:hostname>web</vm:hostname>"))
        #expect(set.stdout.contains("<o:x xmlns:o='urn:other'/>"))
        let file = try await run("\"$vm\" unset --xml in.xml hostname name", set.stdout)
        #expect(file.stdout.replacing("<metadata><o:x xmlns:o='urn:other'/></metadata>\n  ", with: "") == Self.xml, "\(file)")
        // Where nothing changes, the element stays as it was written.
        #expect(try await run("\"$vm\" set --xml in.xml name=mine", input).stdout == input)
    }

    @Test func `a dry run prints the difference instead`() async throws {
        let output = try await run("\"$vm\" set --xml in.xml userdata=hunter2 -n")
        #expect(output.stdout.hasPrefix("--- in.xml\n+++ in.xml (changed)\n@@ -"), "\(output)")
        #expect(output.stdout.contains("(user data: 7 bytes)"))
    }

    @Test func `bad input and contradicting options are reported, and print nothing`() async throws {
        for (line, status, sentence) in [
            ("\"$vm\" enable --xml nothere.xml", 1, "virt-metadata: cannot read nothere.xml: No such file"),
            (
                "echo '<network/>' | \"$vm\" enable --xml", 1,
                "virt-metadata: standard input: expected domain XML, found <network>"
            ),
            ("echo '<domain' | \"$vm\" enable --xml", 1, "virt-metadata: standard input: invalid XML: line "),
            // Latin-1, of which a replacement character would be written.
            (
                "sed 's/<name>/<title>caf\\xe9<\\/title><name>/' in.xml | \"$vm\" set --xml - hostname=a", 1,
                "virt-metadata: standard input: invalid XML: the document is not valid UTF-8; no changes made"
            ),
            ("\"$vm\" enable --xml in.xml --identity ec2", 1, "virt-metadata: in.xml: --identity ec2 needs a UUID that begins"),
            (
                "\"$vm\" set --xml in.xml hostname=bad_name", 1,
                "virt-metadata: in.xml: hostname: 'bad_name' is not a valid hostname"
            ),
            ("\"$vm\" enable --xml in.xml b.xml", 2, "Error: --xml reads one file: unexpected argument 'b.xml'"),
            ("\"$vm\" enable --xml in.xml --restart", 2, "Error: --xml prints XML, and calls no libvirt: leave out --restart"),
            ("\"$vm\" set --xml in.xml name=a --live", 2, "Error: --xml prints XML, and calls no libvirt: leave out --live"),
            ("\"$vm\" disable --xml in.xml --json", 2, "Error: --xml prints XML, and calls no libvirt: leave out -o json"),
            ("\"$vm\" disable --xml --all", 2, "Error: --xml changes one file: leave out --all"),
            ("\"$vm\" enable --xml --user-data - < in.xml", 2, "Error: the standard input can be read only once"),
        ] {
            let output = try await run(line)
            #expect(output.status == status, "\(line): \(output)")
            #expect(output.stdout.isEmpty)
            #expect(output.stderr.hasPrefix(sentence), "\(line): \(output.stderr)")
        }
    }

    @Test func `a seed disk is reported for a file too`() async throws {
        let disk = "<disk type='file' device='cdrom'><source file='/x/cidata.iso'/><target dev='sdb'/></disk>\n    <interface"
        let output = try await run(
            "\"$vm\" enable --xml in.xml", Self.xml.replacing("<interface", with: disk, maxReplacements: 1))
        #expect(output.status == 0)
        #expect(output.stderr.hasPrefix("in.xml: warning: disk sdb (/x/cidata.iso) looks like a cloud-init seed"), "\(output)")
    }
}

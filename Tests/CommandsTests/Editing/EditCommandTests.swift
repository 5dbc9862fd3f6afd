import Foundation
import TestSupport
import Testing

/// `edit` with sed as the editor, on domains of libvirt's test driver.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct EditCommandTests {
    private let domains: EditedDomains
    private let draft: String

    init() throws {
        domains = try EditedDomains()
        draft = domains.libvirtd.directory + "/state/virt-metadata/6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d.xml"
    }

    /// Uses sed as the editor.
    private func edit(_ script: String, _ options: String = "") async throws -> Command.Output {
        try await edit(by: "sed -i -f '\(domains.file("script", script))'", options)
    }

    private func edit(by editor: String, _ options: String = "") async throws -> Command.Output {
        try await domains.shell("EDITOR=\"\(editor)\" \"$vm\" edit web \(options) --connect \"$uri\" < /dev/null")
    }

    private var draftText: String? { try? String(contentsOfFile: draft, encoding: .utf8) }

    @Test func `edit opens the element, and writes the result back`() async throws {
        try domains.define(instance: "<name>mine</name>", start: true)
        let output = try await edit("s/mine/yours/")
        #expect(output.status == 0, "\(output)")
        #expect(try domains.running().contains("yours"))
        #expect(try domains.definition().contains("yours"))
        #expect(draftText == nil)
        #expect(try await edit("").stderr == "web: no changes\n")
        let misspelt = try await edit("s/name/nmae/g")
        #expect(misspelt.status == 1)
        #expect(misspelt.stderr.hasPrefix("virt-metadata: web: nmae: "), "\(misspelt.stderr)")
        #expect(try domains.definition().contains("yours"))
        let failed = try await edit(by: "false")
        #expect(failed.status == 1)
        #expect(failed.stderr.contains("web: the editor 'false' exited with status 1; no changes made\n"), "\(failed)")
        #expect(draftText == nil)
    }

    @Test func `notes that an edit adds are printed, and are in the report`() async throws {
        try domains.define(instance: "<name>mine</name>", start: true)
        let note = "warning: userdata: cloud-init ignores this user data: line 1 of the text: misspelt header '# cloud-config'"
        let output = try await edit("s,<name>mine</name>,&<userdata># cloud-config</userdata>,")
        #expect(output.status == 0)
        // Both sides change alike, and the note is printed once.
        #expect(output.stderr.components(separatedBy: "web: \(note)").count == 2, "\(output)")
        #expect(try domains.definition().contains("# cloud-config"))
        let report = try await domains.report("set", "web", "userdata=# cloud_config")
        #expect((report["notes"] as? [String])?.contains { $0.hasPrefix("warning: userdata: cloud-init ignores") } == true)
        // A note that was there before is not the change's.
        let other = try await edit("s/mine/yours/")
        #expect(!other.stderr.contains("misspelt"), "\(other)")
    }

    @Test func `an unchanged text of a domain without metadata writes nothing`() async throws {
        let old = try domains.define(start: true)
        for editor in ["true", "touch"] {
            let output = try await edit(by: editor)
            #expect(output.status == 0)
            #expect(output.stderr == "web: no changes\n")
        }
        // Only the comment of the template was changed, or everything removed.
        #expect(try await edit("s/All elements/Nothing/").stderr == "web: no changes\n")
        #expect(try await edit("d").stderr == "web: no changes\n")
        #expect(try domains.definition() == old)
        #expect(try !domains.running().contains("instance"))
        #expect(try await edit("s,<instance>,&<hostname>new</hostname>,").status == 0)
        #expect(try domains.definition().contains("new<"))
    }

    @Test func `an empty file removes the element only if that is confirmed`() async throws {
        try domains.define(instance: "<name>mine</name>", start: true)
        let refused = try await edit("d")
        #expect(refused.status == 1)
        #expect(refused.stderr.contains("removing all metadata needs --yes"), "\(refused)")
        #expect(try domains.definition().contains("mine"))
        let asked = try await domains.terminal("EDITOR='truncate -s0' \"$vm\" edit web -c \"$uri\"", typing: "d\\nn\\n")
        #expect(asked.stdout.contains("Remove all metadata of web? [y/N]"), "\(asked)")
        #expect(asked.stdout.contains("web: no changes"))
        #expect(try domains.definition().contains("mine"))
        #expect(try await edit("d", "--yes").status == 0)
        for xml in [try domains.definition(), try domains.running()] { #expect(!xml.contains("instance")) }
    }

    @Test func `a draft that is not UTF-8 is not written`() async throws {
        try domains.define(instance: "<name>mine</name>")
        let before = try domains.definition()
        let output = try await edit("s/mine/caf\\xe9/")
        #expect(output.status == 1 && output.stderr.contains("the editor did not save UTF-8 text; no changes made"), "\(output)")
        #expect(try domains.definition() == before)
    }

    @Test func `a draft that cannot be used is kept, and the next edit offers it`() async throws {
        try domains.define(instance: "<name>mine</name>")
        let broken = try await edit("s/mine/</")
        #expect(broken.status == 1)
        #expect(broken.stderr.contains("web: invalid XML: line "), "\(broken)")
        #expect(broken.stderr.hasSuffix("; the draft is kept in \(draft); the next edit in a terminal offers it\n"))
        #expect(draftText?.contains("<name><<") == true)
        let line = "EDITOR='sed -i \"s/<</yours</\"' \"$vm\" edit web -c \"$uri\""
        let continued = try await domains.terminal(line, typing: "c\\n")
        #expect(continued.stdout.contains("An earlier draft is in \(draft). [c]ontinue from it or [d]iscard it?"), "\(continued)")
        #expect(try domains.definition().contains("yours"), "\(continued)")
        #expect(draftText == nil)
    }

    @Test func `without a terminal an earlier draft is moved aside`() async throws {
        try domains.define(instance: "<name>mine</name>")
        try await _ = edit("s/mine/</")
        let next = try await edit("s/mine/yours/")
        #expect(next.stderr.hasPrefix("web: the draft of an earlier edit was moved to \(draft)~\n"), "\(next)")
        #expect(try String(contentsOfFile: draft + "~", encoding: .utf8).contains("<name><<"))
        #expect(try domains.definition().contains("yours"))
        // The next edit that succeeds tidies up.
        #expect(try await edit("s/yours/last/").status == 0)
        #expect(!FileManager.default.fileExists(atPath: draft + "~"))
    }

    @Test func `on a terminal a bad draft can be edited again, or left`() async throws {
        try domains.define(instance: "<name>mine</name>")
        // The first time it breaks the element, the second time it repairs it.
        let editor = try domains.file("editor", "grep -q mine $1 && exec sed -i 's/mine/</' $1; exec sed -i 's/<</again</' $1\n")
        let line = "EDITOR='sh \(editor)' \"$vm\" edit web -c \"$uri\""
        let again = try await domains.terminal(line, typing: "e\\n")
        #expect(again.stdout.contains("[e]dit again or [q]uit?"), "\(again)")
        #expect(try domains.definition().contains("again"), "\(again)")
        let left = try await domains.terminal("EDITOR='sed -i \"s/again/</\"' \"$vm\" edit web -c \"$uri\"", typing: "q\\n")
        #expect(left.stdout.contains("no changes made; the draft is kept in"), "\(left)")
        #expect(try domains.definition().contains("again"))
    }

    @Test func `other indentation of the running domain is no other metadata`() async throws {
        try domains.define(instance: "<name>mine</name><tags><tag name='a'>1</tag></tags>", start: true)
        let element = "<instance>\n    <name>mine</name>\n  <tags>\n<tag name='a'>1</tag></tags>\n</instance>"
        try domains.libvirtd.virsh(
            "metadata", "web", "--uri", "urn:virt-metadata:instance:1", "--key", "own", "--live", "--set", element)
        let output = try await edit("s/mine/yours/")
        #expect(output.status == 0)
        #expect(!output.stderr.contains("other metadata"), "\(output)")
        for xml in [try domains.running(), try domains.definition()] { #expect(xml.contains("yours"), "\(xml)") }
    }

    @Test func `edit does not change a running domain with other metadata`() async throws {
        try domains.define(instance: "<name>mine</name>", start: true)
        try await _ = domains.succeed("set", "web", "name=other", "--live")
        let output = try await edit("s/mine/yours/")
        #expect(output.status == 0)
        #expect(output.stderr.hasPrefix("web: the running domain has different metadata, which was not changed"))
        #expect(try domains.running().contains("other"))
        #expect(try domains.definition().contains("yours"))
        #expect(try await edit("s/yours/last/", "--config").status == 0)
        #expect(try domains.definition().contains("last"))
        #expect(try await edit("s/other/live/", "--current").status == 0)
        #expect(try domains.running().contains("live"))
        #expect(try domains.definition().contains("last"))
    }
}

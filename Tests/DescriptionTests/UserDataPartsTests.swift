import Common
import Description
import Testing

/// Several `<userdata>` of one instance.
struct UserDataPartsTests {
    private static func text(_ elements: String) throws -> String {
        String(decoding: try #require(assembled(elements).instance.documents.userData), as: UTF8.self)
    }

    @Test(arguments: ["#!/bin/sh&#10;", "nothing that is known", "#cloud-config&#10;a: 'ü'"])
    func `one part is served byte for byte`(part: String) throws {
        let plain = part.replacing("&#10;", with: "\n")
        #expect(try Self.text("<userdata>\(part)</userdata>") == plain)
    }

    @Test func `several parts are one message, in the order of the elements`() throws {
        let text = try Self.text(
            "<userdata>#cloud-config&#10;a: 1</userdata><hostname>x</hostname>"
                + "<userdata type='text/x-shellscript-per-boot'>#!/bin/sh</userdata><userdata encoding='base64'>H4sA</userdata>")
        let types = text.matches(of: /Content-Type: ([a-z\/-]+)/).map { String($0.1) }
        #expect(types == ["multipart/mixed", "text/cloud-config", "text/x-shellscript-per-boot", "application/gzip"])
        #expect(try findings("<userdata>#!/bin/sh</userdata><userdata>#cloud-config&#10;{}</userdata>").isEmpty)
    }

    @Test(
        arguments: [
            (
                "<userdata>#!/bin/sh</userdata><userdata>a: 1</userdata>",
                "userdata: note: guests ignore this part: its first line names no type"
            ),
            (
                "<userdata>#!/bin/sh</userdata><userdata> {\"ignition\": {}}</userdata>",
                "userdata: note: a part in JSON, such as Ignition's, is not read from a message"
            ),
            (
                "<userdata type='text/x-shellscript-per-boot'>#!/bin/sh</userdata>",
                "userdata: note: the type text/x-shellscript-per-boot is not served"
            ),
            (
                "<userdata type='shell'>#!/bin/sh</userdata>",
                "userdata: invalid type 'shell': expected a media type, such as text/x-shellscript"
            ),
            ("<userdata type='text/a&#10;b'>#!/bin/sh</userdata>", "userdata: invalid type "),
            (
                "<userdata merge='add'>#!/bin/sh</userdata><userdata merge='replace'>#!/bin/sh</userdata>",
                "userdata: contradicting value 'replace' for merge; the first one is used"
            ),
            ("<tags merge='both'/>", "tags: invalid value 'both' for merge: expected add or replace"),
        ] as [(String, String)]) func `what is wrong with a part is a finding`(elements: String, sentence: String) throws
    {
        let found = try findings(elements)
        #expect(found.contains { $0.hasPrefix(sentence) }, "\(found)")
    }

    // MARK: Bounds

    @Test func `parts that exceed a mebibyte together are left out, and named`() throws {
        let part = "<userdata>#!/bin/sh&#10;" + String(repeating: "x", count: 600_000) + "</userdata>"
        let all = try assembled(part + part + "<userdata>#cloud-config&#10;last: 1</userdata>")
        let finding = try #require(all.findings.first { $0.weight == .unusable })
        #expect(
            finding.problem.hasPrefix("the parts of the user data exceed 1048576 bytes (1 MiB) together; this part of 600010 "))
        let text = String(decoding: try #require(all.instance.documents.userData), as: UTF8.self)
        #expect(text.count { $0 == "x" } < 600_010 && text.contains("last: 1"))
        #expect(all.findings.contains { $0.weight == .note && $0.problem.contains("EC2 takes 16384") })
    }

    @Test func `the sixteen KiB of EC2 are a note`() throws {
        let part = "<userdata>#!/bin/sh&#10;# " + String(repeating: "x", count: 8180) + "</userdata>"
        #expect(try findings(part + part).contains { $0.hasPrefix("userdata: note: 2 parts of user data are ") })
        let small = "<userdata>#!/bin/sh</userdata>"
        #expect(try findings(part + small).isEmpty)
    }

    @Test func `there are at most a hundred parts`() throws {
        let parts = (1...101).map { "<userdata>#!/bin/sh&#10;# number \($0)</userdata>" }.joined()
        let all = try assembled(parts)
        #expect(all.findings.map(\.problem).contains("more than 100 parts of user data; the first 100 are used"))
        let text = String(decoding: try #require(all.instance.documents.userData), as: UTF8.self)
        #expect(text.contains("# number 100\n") && !text.contains("# number 101"))
    }

    @Test func `notes on what is told to many have their place in the file`() throws {
        let values = [
            SharedValue(try ElementPath("userdata"), Array("#cloud-config\n\tx: 1\n".utf8), line: 11),
            SharedValue(try ElementPath("vendordata"), Array("#cloud-config\na: [\n".utf8), line: 12),
        ]
        let layer = InstanceDefaults.Layer(.all, values, file: "c.yaml", line: 10)
        let assembly = try InstanceAssembly(defaults: InstanceDefaults(all: layer), readsBare: false)
        let notes = try assembly.assemble(domain()).findings.filter { $0.file == "c.yaml" }
        #expect(notes.map { "\($0.element) \($0.line)" } == ["userdata 11", "vendordata 12"], "\(notes)")
    }

    // MARK: Vendor data

    @Test(
        arguments: [
            ("#cloud-config&#10;a: 1", .string("#cloud-config\na: 1")), ("#!/bin/sh", .string("#!/bin/sh")),
            ("\"#cloud-config\"", .string("#cloud-config")),
            ("{\"cloud-init\": [\"#!/bin/sh\"]}", .object([JSONMember("cloud-init", .string("#!/bin/sh"))])),
            ("{\"a\": [\"b\"]}", .object([JSONMember("a", .array([.string("b")]))])),
        ] as [(String, JSONValue)]) func `vendor data is a document of cloud-init, or JSON`(text: String, value: JSONValue) throws
    {
        let all = try assembled("<vendordata>\(text)</vendordata>")
        #expect(all.instance.documents.vendorData == value)
        #expect(!all.findings.contains { $0.weight == .unusable })
    }

    @Test func `vendor data as a list is one message`() throws {
        let all = try assembled("<vendordata>[\"#cloud-config\\na: 1\", \"#!/bin/sh\"]</vendordata>")
        guard case .string(let text)? = all.instance.documents.vendorData else {
            Issue.record("\(String(describing: all.instance.documents.vendorData))")
            return
        }
        #expect(text.hasPrefix("Content-Type: multipart/mixed; boundary=") && text.contains("#cloud-config\na: 1\n--"))
    }

    @Test func `a list of many texts stays a list: each would have a header of its own`() throws {
        let all = try assembled("<vendordata>[\((0...100).map { "\"#!\($0)\"" }.joined(separator: ", "))]</vendordata>")
        #expect(all.instance.documents.vendorData == .array((0...100).map { .string("#!\($0)") }))
        #expect(all.findings.contains { $0.problem.hasPrefix("cloud-init fails at a list of more than 100 items") })
    }

    @Test(
        arguments: [
            ("a: 1", "vendordata: invalid JSON: "), ("[1, 2]", "vendordata: note: cloud-init fails at a list"),
            ("{\"cloud-init\": {}}", "vendordata: note: cloud-init ignores its member cloud-init"),
            ("3", "vendordata: note: cloud-init ignores it"),
        ] as [(String, String)]) func `vendor data that cloud-init does not take is a finding`(text: String, sentence: String)
        throws
    {
        #expect(try findings("<vendordata>\(text)</vendordata>").contains { $0.hasPrefix(sentence) })
    }
}

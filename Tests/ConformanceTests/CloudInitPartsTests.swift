import Common
import Description
import Foundation
import NoCloudAPI
import OpenStackAPI
import TestSupport
import Testing

/// User data of several parts and vendor data, as Debian's unmodified cloud-init takes them apart: that of Debian 12 and that of 13.
@Suite(.enabled(if: NetworkDocuments.hasClient("cloud-init-newer"), "needs cloud-init: run Tests/clients/install-cloud-init.sh"))
struct CloudInitPartsTests {
    static let clients = ["cloud-init", "cloud-init-newer"]

    private struct Part: Decodable, Equatable {
        let type: String
        let content: Data

        init(_ type: String, _ content: String) { (self.type, self.content) = (type, Data(content.utf8)) }
    }

    private static func instance(_ elements: String) throws -> Instance {
        let xml = """
            <domain type='kvm'><name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid><metadata>
            <instance xmlns='urn:virt-metadata:instance:1'>\(elements)</instance></metadata></domain>
            """
        return try InstanceAssembly(readsBare: false).assemble(Array(xml.utf8)).instance
    }

    private static func bytes(at target: String, of instance: Instance) throws -> [UInt8] {
        let question = Question(about: instance, address: nil, interface: nil, entropy: .fixed)
        return try #require(try answer(to: target, question)?.content.bytes)
    }

    /// What cloud-init makes of what a guest reads.
    private static func parts(_ client: String, _ lines: [[String: Any]]) throws -> [[Part]] {
        let input = try lines.map { line in
            let line = line.merging(["client": client]) { $1 }
            return String(decoding: try JSONSerialization.data(withJSONObject: line), as: UTF8.self) + "\n"
        }
        let script = Fixtures.package.appending(path: "Tests/clients/cloud_init_parts.py").path
        let output = try Command.succeed(["/usr/bin/python3", script], input: input.joined(), limit: .seconds(90))
        return try output.split(separator: "\n").map { try JSONDecoder().decode([Part].self, from: Data($0.utf8)) }
    }

    private static func userData(_ client: String, _ elements: String) throws -> [Part] {
        let bytes = try bytes(at: "/latest/user-data", of: instance(elements))
        return try #require(try parts(client, [["userdata": Data(bytes).base64EncodedString()]]).first)
    }

    @Test(arguments: clients) func `every part arrives byte for byte, with its type, in order`(client: String) throws {
        let texts = [
            "#cloud-config\npackages: [htop]", "#!/bin/sh\necho hi\n", "#cloud-boothook\n#!/bin/sh\n\n\n",
            "#cloud-config\n# Grüße: ü\n",
            "#!/bin/sh\r\necho cr\r\n", "## template: jinja\n#cloud-config\na: {{ v1.region }}", "#part-handler\n\tx\n",
            "--==not-a-boundary==\n#cloud-config", "#!/bin/sh\n" + String(repeating: "y", count: 3000),
        ]
        let elements = texts.map { "<userdata encoding='base64'>\(Data($0.utf8).base64EncodedString())</userdata>" }.joined()
        let types = [
            "text/cloud-config", "text/x-shellscript", "text/cloud-boothook", "text/cloud-config", "text/x-shellscript",
            "text/jinja2",
            "text/part-handler", "text/plain", "text/x-shellscript",
        ]
        #expect(try Self.userData(client, elements) == zip(types, texts).map { Part($0, $1) })
    }

    @Test(arguments: clients) func `the author's type, a compressed part and a message as a part arrive`(client: String) throws {
        // gzip of "#!/bin/sh\necho zip\n".
        let gzip = "H4sIAAAAAAACA1NW1E/KzNMvzuBKTc7IV6jKLOACAJjvL7YTAAAA"
        let inner = try #require(
            try Self.instance("<userdata>#!/bin/sh&#10;1</userdata><userdata>#cloud-config&#10;a: 1</userdata>")
                .documents.userData)
        let parts = try Self.userData(
            client,
            "<userdata type='text/x-shellscript-per-boot'>#!/bin/sh&#10;2</userdata><userdata encoding='base64'>\(gzip)</userdata>"
                + "<userdata encoding='base64'>\(Data(inner).base64EncodedString())</userdata>")
        #expect(
            parts == [
                Part("text/x-shellscript-per-boot", "#!/bin/sh\n2"), Part("text/x-shellscript", "#!/bin/sh\necho zip\n"),
                Part("text/x-shellscript", "#!/bin/sh\n1"), Part("text/cloud-config", "#cloud-config\na: 1"),
            ])
    }

    // MARK: Vendor data

    @Test(arguments: clients) func `vendor data as text, as JSON and as a list arrives, by both ways`(client: String) throws {
        let (config, script) = (Part("text/cloud-config", "#cloud-config\na: 1"), Part("text/x-shellscript", "#!/bin/sh"))
        let cases: [(String, [Part])] = [
            ("#cloud-config&#10;a: 1", [config]), ("\"#cloud-config\\na: 1\"", [config]),
            ("{\"cloud-init\": \"#cloud-config\\na: 1\", \"other\": 1}", [config]),
            ("[\"#cloud-config\\na: 1\", \"#!/bin/sh\"]", [config, script]),
            ("{\"cloud-init\": [\"#cloud-config\\na: 1\", \"#!/bin/sh\"]}", [config, script]),
        ]
        let instances = try cases.map { try Self.instance("<vendordata>\($0.0)</vendordata>") }
        let seeds = try instances.map { instance in
            ["userdata": Data(try Self.bytes(at: "/nocloud/vendor-data", of: instance)).base64EncodedString()]
        }
        let documents = try instances.map { instance in
            let bytes = try Self.bytes(at: "/openstack/latest/vendor_data.json", of: instance)
            return ["vendordata": try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)]
        }
        // The parts of a document without a header have another type until a handler looks at them.
        for lines in [seeds as [[String: Any]], documents] {
            let found = try Self.parts(client, lines)
            #expect(found.count == cases.count)
            for (parts, (text, expected)) in zip(found, cases) { #expect(parts == expected, "\(text)") }
        }
    }
}

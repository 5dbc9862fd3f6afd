import Common
import Description
import Testing

/// Values written into the operator's element, and removed.
struct InstanceElementTests {
    private static func set(
        _ path: String, _ value: String, adds: Bool = false, in text: String? = nil
    ) throws -> String {
        var element = InstanceElement(text)
        try element.set(.init(path: ElementPath(path), value: Array(value.utf8), adds: adds))
        return try #require(element.text)
    }

    private static func flat(_ text: String) -> String {
        text.split(separator: "\n").map { $0.drop { $0 == " " } }.joined()
    }

    @Test(arguments: [
        ("hostname", "web<1>", "<instance><hostname>web&lt;1&gt;</hostname></instance>"),
        ("placement/region", "eu", "<instance><placement><region>eu</region></placement></instance>"),
        ("tags/tag[a'b]", "x", "<instance><tags><tag name='a&apos;b'>x</tag></tags></instance>"),
        ("imds@tokens", "required", "<instance><imds tokens='required'/></instance>"),
        (
            "public-keys/public-key[me]", "ssh-rsa A",
            "<instance><public-keys><public-key name='me'><key>ssh-rsa A</key></public-key></public-keys></instance>"
        ),
    ]) func `a value is written with its parents`(path: String, value: String, element: String) throws {
        #expect(Self.flat(try Self.set(path, value)).replacing("&#39;", with: "&apos;") == element)
    }

    @Test(arguments: ["hostname", "placement/region", "imds@tokens"])
    func `nothing is written into an element with a default namespace of its own`(path: String) {
        #expect { try Self.set(path, "required", in: "<instance xmlns='urn:other'/>") } throws: { error in
            "\(error)" == "<instance> declares the default namespace 'urn:other': remove it with `virsh edit`"
        }
    }

    @Test func `all elements of a path are removed together`() throws {
        let many = String(repeating: "\n  <userdata>x</userdata>", count: 3000)
        var element = InstanceElement("<instance>\n  <hostname>web</hostname>\(many)\n</instance>")
        #expect(try element.unset(ElementPath("userdata")))
        #expect(element.text == "<instance>\n  <hostname>web</hostname>\n</instance>")
        #expect(
            try Self.set("userdata", "y", in: "<instance>\(many)\n</instance>")
                == "<instance>\n  <userdata>y</userdata>\n</instance>")
    }

    @Test func `a value replaces the former one, and the rest stays`() throws {
        let old = "<instance>\n  <!-- mine -->\n  <hostname>old</hostname>\n  <tags><tag name='a'>1</tag></tags>\n</instance>"
        #expect(try Self.set("hostname", "new", in: old) == old.replacing(">old<", with: ">new<"))
        #expect(try Self.set("tags/tag[a]", "2", in: old) == old.replacing(">1<", with: ">2<"))
    }

    @Test func `a value is added to those before, or replaces all of them`() throws {
        let two = try Self.set("security-groups", "b", adds: true, in: Self.set("security-groups", "a"))
        #expect(Self.flat(two).contains("<group>a</group><group>b</group>"))
        let one = try Self.set("security-groups", "c", in: two)
        #expect(Self.flat(one) == "<instance><security-groups><group>c</group></security-groups></instance>")
    }

    @Test func `a value is added only once`() throws {
        let one = try Self.set("security-groups", "a", adds: true)
        #expect(try Self.set("security-groups", "a", adds: true, in: one) == one)
        let two = try Self.set("security-groups", "b", adds: true, in: one)
        #expect(try Self.set("security-groups", "a", adds: true, in: two) == two)
    }

    @Test(arguments: ["#!/bin/sh\necho hi\n", "no newline", "\u{0}", "  indented\n  twice\n", "\r\n", "", "a\u{FFFE}", "]]>&<"])
    func `bytes are preserved`(data: String) throws {
        let element = try Self.set("userdata", data)
        let xml = element.replacing("<instance>", with: "<instance xmlns='urn:virt-metadata:instance:1'>")
        let whole = """
            <domain type='test'><name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid><metadata>\(xml)</metadata></domain>
            """
        let instance = try InstanceAssembly(readsBare: false).assemble(Array(whole.utf8)).instance
        #expect(instance.documents.userData.map(Array.init) ?? [] == Array(data.utf8))
    }

    @Test func `characters that XML does not allow are refused in text`() throws {
        let path = try ElementPath("hostname")
        var element = InstanceElement(nil)
        #expect(throws: ElementPath.Failure.self) { try element.set(.init(path: path, value: [0])) }
        #expect(throws: ElementPath.Failure.self) { try element.set(.init(path: path, value: [0xFF])) }
        #expect(element.text == nil)
    }

    @Test func `a value is removed with its empty parents`() throws {
        var element = InstanceElement(try Self.set("placement/region", "eu", in: Self.set("hostname", "web")))
        #expect(try element.unset(ElementPath("placement/region")))
        #expect(Self.flat(element.text ?? "") == "<instance><hostname>web</hostname></instance>")
        #expect(try !element.unset(ElementPath("placement/region")))
        #expect(try element.unset(ElementPath("hostname")))
        #expect(element.text == nil)
    }

    @Test func `an element with other content stays`() throws {
        var element = InstanceElement("<instance><imds tokens='required' hop-limit='2'/></instance>")
        #expect(try element.unset(ElementPath("imds@tokens")))
        #expect(element.text == "<instance><imds hop-limit='2'/></instance>")
        #expect(try element.unset(ElementPath("imds@hop-limit")))
        #expect(element.text == nil)
    }

    @Test func `MAC addresses are compared case-insensitively`() throws {
        let old = "<instance><interfaces><interface mac='52:54:00:AA:00:01'><mtu>1400</mtu></interface></interfaces></instance>"
        let new = try Self.set("interfaces/interface[52:54:00:aa:00:01]/mtu", "1500", in: old)
        #expect(new == old.replacing("1400", with: "1500"))
    }

    @Test func `an operator's file may have the namespace or none`() throws {
        #expect(
            try InstanceElement.text(of: "<!-- x -->\n<instance><name>a</name></instance>\n")
                == "<instance><name>a</name></instance>")
        let named = "<instance xmlns='urn:virt-metadata:instance:1'><name>a</name></instance>"
        #expect(try InstanceElement.text(of: named) == "<instance><name>a</name></instance>")
    }

    @Test(arguments: [
        ("<instance>", "invalid XML: "), ("<domain/>", "expected <instance> as the outermost element, found <domain>"),
        ("<instance xmlns='urn:other'/>", "expected <instance> as the outermost element"),
        ("<v:instance xmlns:v='urn:virt-metadata:instance:1'/>", "write <instance> without a prefix"),
    ]) func `an operator's file with another element is refused`(file: String, sentence: String) {
        let failure = #expect(throws: DefinitionFailure.self) { try InstanceElement.text(of: file) }
        #expect(failure?.description.hasPrefix(sentence) == true, "\(failure?.description ?? "")")
    }

    @Test func `a value that is there already stays as it is written`() throws {
        let text = """
            <instance><imds hop-limit="2"/><tags><tag name="env"><!-- of the team -->test</tag></tags><userdata>a &lt; b</userdata></instance>
            """
        var element = InstanceElement(text)
        for (path, value) in [("imds@hop-limit", "2"), ("tags/tag[env]", "test"), ("userdata", "a < b")] {
            try element.set(.init(path: ElementPath(path), value: Array(value.utf8)))
        }
        #expect(element.text == text)
        try element.set(.init(path: ElementPath("tags/tag[env]"), value: Array("live".utf8)))
        #expect(element.text?.contains("<tag name='env'>live</tag>") == true, "\(element.text ?? "")")
    }
}

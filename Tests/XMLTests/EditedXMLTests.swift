import Common
import Testing
import XML

struct EditedXMLTests {
    private static func edit(_ text: String, _ change: (inout EditedXML) throws -> Void) throws -> String {
        var edited = try EditedXML(Array(text.utf8))
        try change(&edited)
        return edited.text
    }

    @Test(arguments: [
        ("<a/>", "<a>\n  <n/>\n</a>"),
        ("<a></a>", "<a>\n  <n/>\n</a>"),
        ("<a x='/>'/>", "<a x='/>'>\n  <n/>\n</a>"),
        ("<p:a xmlns:p='u'/>", "<p:a xmlns:p='u'>\n  <n/>\n</p:a>"),
        ("<a>\n    <b/>\n</a>", "<a>\n    <b/>\n    <n/>\n</a>"),
        ("<a><b/></a>", "<a><b/><n/></a>"),
        ("<a>\n  <b/> <!-- last -->\n</a>", "<a>\n  <b/> <!-- last -->\n  <n/>\n</a>"),
    ]) func `an element is appended on a line of its own, unless all are on one line`(old: String, new: String) throws {
        #expect(try Self.edit(old) { try $0.append("<n/>", to: $0.root) } == new)
    }

    @Test func `several elements are removed as one after the other would be`() throws {
        for old in ["<a>\n  <b/> <b/>\n  <c/>\n  <b/><b/>\n</a>", "<a><b/><c/><b/></a>", "<a>\n<b/>\n<b/>\n</a>"] {
            let together = try Self.edit(old) { try $0.remove($0.root.children.filter { $0.name == "b" }) }
            let alone = try Self.edit(old) { edited in
                while let b = edited.root.children.last(where: { $0.name == "b" }) { try edited.remove(b) }
            }
            #expect(together == alone)
        }
        #expect(try Self.edit("<a/>") { try $0.remove([]) } == "<a/>")
    }

    @Test func `unchanged parts keep their bytes`() throws {
        let old =
            "<?xml version='1.0'?>\n<!-- é -->\n<a  x = \"1\"\t>\r\n  <b>&lt;</b><![CDATA[ & ]]>\n  <c/>\n</a>\n<!-- end -->\n"
        let new = try Self.edit(old) { edited in
            try edited.append("<d/>", to: edited.root)
            guard let d = edited.root.first("d") else { return }
            try edited.remove(d)
        }
        #expect(new == old)
    }

    @Test(arguments: [
        ("<a>\n  <b/>\n  <c/>\n</a>", "<a>\n  <c/>\n</a>"), ("<a><b>1</b><c/></a>", "<a><c/></a>"),
        ("<a> <b/> </a>", "<a>  </a>"),
    ]) func `an element is removed with its line`(old: String, new: String) throws {
        let edited = try Self.edit(old) { edited in
            let b = try #require(edited.root.first("b"))
            try edited.remove(b)
        }
        #expect(edited == new)
    }

    @Test(arguments: [
        ("<a/>", "<a x='1&amp;&apos;'/>"), ("<a x='0'/>", "<a x='1&amp;&apos;'/>"),
        ("<a x = \"0\" y='2'/>", "<a x='1&amp;&apos;' y='2'/>"),
        ("<a yx='0'>x='3'</a>", "<a x='1&amp;&apos;' yx='0'>x='3'</a>"),
    ]) func `an attribute is set and replaced`(old: String, new: String) throws {
        let edited = try Self.edit(old) { try $0.setAttribute("x", of: $0.root, to: "1&'") }
        #expect(edited.replacing("&#39;", with: "&apos;") == new)
    }

    @Test func `an attribute is removed with the white space before it`() throws {
        #expect(try Self.edit("<a  x='0' y='1'/>") { try $0.setAttribute("x", of: $0.root, to: nil) } == "<a y='1'/>")
        #expect(try Self.edit("<a y='1'/>") { try $0.setAttribute("x", of: $0.root, to: nil) } == "<a y='1'/>")
    }

    @Test func `a change that breaks the document is rejected and has no effect`() throws {
        var edited = try EditedXML(Array("<a><b/></a>".utf8))
        #expect(throws: ParseError.self) { try edited.append("<c>", to: edited.root) }
        #expect(throws: ParseError.self) { try edited.remove(edited.root) }
        #expect(edited.text == "<a><b/></a>")
    }
}

struct XMLLayoutTests {
    @Test(arguments: [
        ("<a/>", "<a/>"), ("<a><b/><c>x</c></a>", "<a>\n    <b/>\n    <c>x</c>\n  </a>"),
        ("<a>\n\n<b>\n</b>\n</a>", "<a>\n    <b>\n</b>\n  </a>"),
        ("<a><b><c/></b><!-- > --><d x='>'/></a>", "<a>\n    <b>\n      <c/>\n    </b>\n    <!-- > -->\n    <d x='>'/>\n  </a>"),
        ("<a><![CDATA[<b>]]></a>", "<a><![CDATA[<b>]]></a>"), ("<a> x\n <b/> </a>", "<a> x\n <b/>\n  </a>"),
    ]) func `each element is on its own line, and text is unchanged`(old: String, new: String) {
        #expect(XMLLayout.laidOut(old, indentation: "  ") == new)
        #expect(XMLLayout.laidOut(new, indentation: "  ") == new)
    }
}

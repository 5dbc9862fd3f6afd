import Testing

@testable import XML

/// The forms of an element with and without its namespace.
struct XMLPrefixTests {
    @Test(arguments: [
        ("<a/>", "<p:a xmlns:p='urn:x'/>"), ("<a><b>t</b></a>", "<p:a xmlns:p='urn:x'><p:b>t</p:b></p:a>"),
        ("<a x='1>2'>\n <b /><!-- <c> --></a >", "<p:a xmlns:p='urn:x' x='1>2'>\n <p:b /><!-- <c> --></p:a >"),
        ("<a><![CDATA[<b>]]></a>", "<p:a xmlns:p='urn:x'><![CDATA[<b>]]></p:a>"),
        ("<a><o:b xmlns:o='urn:o'><c/></o:b></a>", "<p:a xmlns:p='urn:x'><o:b xmlns:o='urn:o'><p:c/></o:b></p:a>"),
    ]) func `a prefix is added to each tag, and removed again`(plain: String, prefixed: String) throws {
        #expect(try XMLPrefix.added("p", for: "urn:x", to: plain) == prefixed)
        #expect(XMLPrefix.removed(from: prefixed) == plain)
    }

    @Test(arguments: ["<a><b xmlns='urn:o'/></a>", "<a xmlns:p='urn:o'><p:b/></a>"])
    func `an element with namespaces of its own gets a default namespace`(plain: String) throws {
        let namespaced = try XMLPrefix.added("p", for: "urn:x", to: plain)
        #expect(namespaced.hasPrefix("<a xmlns='urn:x'"))
        #expect(XMLPrefix.removed(from: namespaced) == plain)
    }

    @Test func `a prefix that is declared outside is removed too`() {
        #expect(XMLPrefix.removed(from: "<q:a><q:b>1</q:b></q:a>") == "<a><b>1</b></a>")
    }

    @Test func `several elements are replaced at once`() throws {
        var edited = try EditedXML(Array("<a><b/><c/><b/></a>".utf8))
        let elements = edited.root.all("b")
        try edited.replace([(elements[1], "<y/>"), (elements[0], "<x>1</x>")])
        #expect(edited.text == "<a><x>1</x><c/><y/></a>")
    }
}

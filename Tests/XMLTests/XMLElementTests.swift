import Testing
import XML

@Suite struct XMLElementTests {
    @Test func `an element has its name, namespace and line`() throws {
        let root = try XMLDocument(parsing: "<domain>\n <vm:instance\n   xmlns:vm='urn:a'/>\n</domain>").root
        #expect(root.name == "domain")
        #expect(root.namespace == nil)
        #expect(root.line == 1)
        let child = try #require(root.children.first)
        #expect(child.name == "instance")
        #expect(child.namespace == "urn:a")
        #expect(child.line == 2, "the line of the tag's beginning, not of its end")
    }

    @Test func `a line beyond 65535 is exact`() throws {
        let text = "<a>" + String(repeating: "\n", count: 70_000) + "<b/><c>\n</c>\n<d/></a>"
        let lines = try XMLDocument(parsing: text).root.children.map(\.line)
        #expect(lines == [70_001, 70_001, 70_003])
    }

    @Test func `lines count through comments, attributes, CDATA and processing instructions`() throws {
        let text = "<?xml version='1.0'?>\r\n<!--\n\n--><a x='1\n2'><![CDATA[\n\n]]><?pi\n?><b\n\ny='ü\n'/>text\n<c/></a>"
        let root = try XMLDocument(parsing: text).root
        #expect(root.line == 4)
        #expect(root.children.map(\.line) == [8, 12])
    }

    @Test func `text joins direct text and CDATA, verbatim, without comments and children`() throws {
        let root = try XMLDocument(parsing: "<a> one <!-- no --><b>no</b><![CDATA[<two> & ]]>&lt;three&#x20;\n</a>").root
        #expect(root.text == " one <two> & <three \n")
        #expect(try XMLDocument(parsing: "<a/>").root.text == "")
        #expect(try XMLDocument(parsing: "<a><!-- c --><?p i?></a>").root.text == "")
        #expect(try XMLDocument(parsing: "<a>1\r\n2\r3</a>").root.text == "1\n2\n3")
        #expect(try XMLDocument(parsing: "<a><?p i?>x<!--c-->y</a>").root.text == "xy")
    }

    @Test func `long and astral text is complete`() throws {
        let text = String(repeating: "grüße 🐧 ", count: 40_000)
        #expect(try XMLDocument(parsing: "<a>\(text)</a>").root.text == text)
    }

    @Test func `an attribute is found by its name, without a namespace only`() throws {
        let root = try XMLDocument(parsing: "<a xmlns:p='urn:p' p:x='1' x='2&#10;&quot;ü' y=\"\"/>").root
        #expect(root.attribute("x") == "2\n\"ü")
        #expect(root.attribute("y") == "")
        #expect(root.attribute("z") == nil)
        #expect(root.attributes == ["x", "y"])
        #expect(try XMLDocument(parsing: "<a xmlns:p='urn:p' p:x='1'/>").root.attribute("x") == nil)
    }

    @Test func `children are elements in the order of the document`() throws {
        let root = try XMLDocument(parsing: "<a>t<b/><!--c--><c/>u<?p?><b/></a>").root
        #expect(root.children.map(\.name) == ["b", "c", "b"])
        #expect(root.hasChildElements)
        #expect(try !XMLDocument(parsing: "<a>t<!--<b/>--><![CDATA[<b/>]]></a>").root.hasChildElements)
    }

    @Test func `a path finds the first of its elements in any branch`() throws {
        let root = try XMLDocument(parsing: "<d><os/><os><smbios mode='1'/><smbios mode='2'/></os><os><smbios/></os></d>").root
        #expect(root.first("os", "smbios")?.attribute("mode") == "1")
        #expect(root.first("os", "bios") == nil)
        #expect(root.all("os").count == 3)
        #expect(root.all("os", "smbios").map { $0.attribute("mode") } == ["1", "2", nil])
        #expect(root.first()?.name == "d")
    }

    @Test func `a search is in one namespace, whatever the prefix`() throws {
        let text = """
            <m><i/><v:i xmlns:v='urn:a'><v:n>1</v:n></v:i><i xmlns='urn:a'><n>2</n><n xmlns=''>3</n></i><i xmlns='urn:b'/></m>
            """
        let root = try XMLDocument(parsing: text).root
        #expect(root.all("i").count == 1)
        #expect(root.all("i", namespace: "urn:a").count == 2)
        #expect(root.all("i", "n", namespace: "urn:a").map(\.text) == ["1", "2"])
        #expect(root.first("i", namespace: "urn:c") == nil)
        #expect(root.children.last { $0.namespace == "urn:a" }?.first("n")?.text == "3")
    }

    @Test func `an element keeps its document alive`() throws {
        var element: XMLElement?
        do { element = try XMLDocument(parsing: "<a><b><c k='v'>text</c></b></a>").root.first("b", "c") }
        for _ in 0..<100 { _ = try XMLDocument(parsing: "<z><z>overwritten</z></z>") }
        #expect(element?.text == "text")
        #expect(element?.attribute("k") == "v")
    }

    @Test func `names may be of any script`() throws {
        let root = try XMLDocument(parsing: "<größe><名前 ключ='да'/></größe>").root
        #expect(root.name == "größe")
        #expect(root.first("名前")?.attribute("ключ") == "да")
    }
}

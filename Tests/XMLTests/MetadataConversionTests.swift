import Common
import Testing
import XML

@Suite struct MetadataConversionTests {
    private static let open = "<vm:instance xmlns:vm='urn:virt-metadata:instance:1'>"

    /// The converted document as text; `nil` if there is nothing to convert.
    private func converted(_ text: String) throws -> String? {
        guard case .rewritten(let bytes, _) = try convertBareMetadata(in: Array(text.utf8)) else { return nil }
        // The result parses, needs no further conversion, and has each bare element in the namespace.
        #expect(try convertBareMetadata(in: bytes) == .unchanged)
        let instance = try #require(
            XMLDocument(parsing: bytes).root.first("metadata")?.first("instance", namespace: ConvertedMetadata.namespace))
        func check(_ element: XMLElement) {
            #expect(element.namespace != nil, "\(element.name)")
            element.children.forEach(check)
        }
        check(instance)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func refusal(_ text: String) -> ParseError? {
        do throws(ParseError) {
            _ = try convertBareMetadata(in: Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test func `bare elements get one instance around them and every other byte stays`() throws {
        let text = """
            <?xml version="1.0" encoding='utf-8'?>
            <!-- before -->
            <domain type="kvm"
                    id='3' >
              <metadata >
                <!-- ours -->
                <instance-id>i-1</instance-id>\t
                <!-- between -->
                <userdata>
                  #cloud-config
                  a: "1 &amp; 2"
                </userdata>
                <launch-index   />
                <!-- after -->
              </metadata>
              <name>x</name>
            </domain>
            <!-- end -->

            """
        let expected = text.replacing("    <instance-id>", with: "    \(Self.open)\n    <vm:instance-id>")
            .replacing("</instance-id>", with: "</vm:instance-id>").replacing("<userdata>", with: "<vm:userdata>")
            .replacing("</userdata>", with: "</vm:userdata>")
            .replacing("<launch-index   />", with: "<vm:launch-index   />\n    </vm:instance>")
        #expect(try converted(text) == expected)
    }

    @Test func `the names of moved elements are returned`() throws {
        let text = "<domain><metadata><a/><o xmlns='urn:o'/><b/></metadata></domain>"
        guard case .rewritten(_, let elements) = try convertBareMetadata(in: Array(text.utf8)) else {
            return #expect(Bool(false), "nothing was rewritten")
        }
        #expect(elements == ["a", "b"])
    }

    @Test func `elements on one line stay on one line`() throws {
        #expect(
            try converted("<domain><metadata><a/><b>1</b></metadata></domain>")
                == "<domain><metadata>\(Self.open)<vm:a/><vm:b>1</vm:b></vm:instance></metadata></domain>")
    }

    @Test func `a file with CRLF keeps CRLF`() throws {
        #expect(
            try converted("<domain>\r\n  <metadata>\r\n\t<a>1\r\n2</a>\r\n  </metadata>\r\n</domain>\r\n")
                == "<domain>\r\n  <metadata>\r\n\t\(Self.open)\r\n\t<vm:a>1\r\n2</vm:a>\r\n\t</vm:instance>\r\n  </metadata>\r\n</domain>\r\n"
        )
    }

    @Test func `later bare elements move up past other tools' elements, and comments stay`() throws {
        let text = """
            <domain>
              <metadata>
                <libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/x'>
                  <libosinfo:os id="debian/12"/>
                </libosinfo:libosinfo>
                <a>1</a>
                <x:note xmlns:x="urn:x"><y/></x:note>
                <!-- stays -->
                <b k="v>w"/>
                <c/><d/>
                <z xmlns='urn:z'/>
                <e>5</e> <!-- and this -->
              </metadata>
            </domain>
            """
        let expected = """
            <domain>
              <metadata>
                <libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/x'>
                  <libosinfo:os id="debian/12"/>
                </libosinfo:libosinfo>
                \(Self.open)
                <vm:a>1</vm:a>
                <vm:b k="v>w"/>
                <vm:c/><vm:d/>
                <vm:e>5</vm:e>
                </vm:instance>
                <x:note xmlns:x="urn:x"><y/></x:note>
                <!-- stays -->
                <z xmlns='urn:z'/> <!-- and this -->
              </metadata>
            </domain>
            """
        #expect(try converted(text) == expected)
    }

    @Test func `metadata of libvirt_metadata_api keeps its layout and bytes`() throws {
        let body = """
            <public-keys><public-key name="a > b"><key format='openssh-key'>ssh-ed25519 A ü@x</key></public-key></public-keys>
                <userdata><![CDATA[#!/bin/sh
            [[ a > b ]] && echo ']]' <instance-id>]]>]]&gt;<![CDATA[ x ]]></userdata>
                <größe\tk = 'a\tb'\n/><placement><availability-zone>z</availability-zone\n></placement\t>
            """
        let result = try #require(try converted("<domain><metadata>\(body)</metadata></domain>"))
        let names = ["public-keys", "public-key", "key", "userdata", "größe", "placement", "availability-zone"]
        let expected = names.reduce(body) { text, name in
            [" ", ">", "\t", "\n"].reduce(text) { text, end in
                text.replacing("<\(name)\(end)", with: "<vm:\(name)\(end)").replacing(
                    "</\(name)\(end)", with: "</vm:\(name)\(end)")
            }
        }
        #expect(result == "<domain><metadata>\(Self.open)\(expected)</vm:instance></metadata></domain>")
        let namespace = ConvertedMetadata.namespace
        let instance = try #require(XMLDocument(parsing: result).root.first("metadata")?.first("instance", namespace: namespace))
        #expect(instance.first("public-keys", "public-key", "key", namespace: namespace)?.text == "ssh-ed25519 A ü@x")
        #expect(
            instance.first("userdata", namespace: namespace)?.text
                == "#!/bin/sh\n[[ a > b ]] && echo ']]' <instance-id>]]> x ")
        #expect(instance.first("placement", "availability-zone", namespace: namespace)?.text == "z")
    }

    @Test func `a byte order mark does not shift the offsets`() throws {
        #expect(
            try converted("\u{FEFF}<domain><metadata><a>ü</a></metadata></domain>")
                == "\u{FEFF}<domain><metadata>\(Self.open)<vm:a>ü</vm:a></vm:instance></metadata></domain>")
    }

    @Test func `offsets are exact in a document of many kilobytes`() throws {
        let line = "<!-- grüße 🐧 <a/> -->\r\n<disk k='&#10;\n>'>&amp;<![CDATA[<x>]]></disk>\n"
        let filler = String(repeating: line, count: 4000)
        let data = String(repeating: "zeile ü &lt;\n", count: 4000)
        let head = "<domain>\(filler)<metadata><userdata k='\(data)'>\(data)</userdata>"
        let tail = "</metadata>\(filler)</domain>"
        #expect(
            try converted(head + "<o xmlns='urn:o'>\(data)</o><b>\(data)</b>" + tail)
                == head.replacing("<userdata", with: Self.open + "<vm:userdata").replacing("</userdata>", with: "</vm:userdata>")
                + "<vm:b>\(data)</vm:b></vm:instance><o xmlns='urn:o'>\(data)</o>" + tail)
    }

    @Test(arguments: [
        "<domain/>", "<domain><metadata/></domain>", "<domain><metadata> <!-- <a/> --> </metadata></domain>",
        "<domain><metadata><o xmlns='urn:o'><a/></o></metadata></domain>",
        "<domain><metadata><instance xmlns='urn:virt-metadata:instance:1'><name>n</name></instance></metadata></domain>",
        "<domain><metadata><v:instance xmlns:v='urn:virt-metadata:instance:1'/></metadata></domain>",
        "<domain><devices><metadata><a/></metadata></devices></domain>", "<network><metadata><a/></metadata></network>",
        "<domain xmlns='urn:d'><metadata><a/></metadata></domain>",
        "<domain><o:metadata xmlns:o='urn:o'><a/></o:metadata></domain>",
    ])
    func `a document without bare elements is unchanged`(text: String) throws {
        #expect(try convertBareMetadata(in: Array(text.utf8)) == .unchanged)
    }

    @Test func `bare elements beside an existing instance are rejected`() {
        let error = refusal(
            "<domain><metadata>\n<v:instance xmlns:v='urn:virt-metadata:instance:1'/>\n<name>n</name></metadata></domain>")
        #expect(error?.code == .alreadyNamespaced)
        #expect(error?.line == 3)
        #expect(error?.problem == "<name> is next to the <instance> of line 2; move it into <instance>")
    }

    @Test func `elements that a wrapper cannot move into the namespace are rejected`() {
        #expect(refusal("<domain><metadata><a/>\n<b xmlns=''/></metadata></domain>")?.code == .ambiguous)
        #expect(refusal("<domain><metadata><a>\n<b xmlns=\"\"/></a></metadata></domain>")?.line == 2)
        #expect(refusal("<domain><metadata><instance><name>n</name></instance></metadata></domain>")?.code == .ambiguous)
        #expect(refusal("<domain><metadata/>\n<metadata><a/></metadata></domain>")?.code == .ambiguous)
    }

    @Test func `elements that use the prefix themselves get a default namespace`() throws {
        for text in [
            "<domain xmlns:vm='urn:o'><metadata><a><vm:b/></a></metadata></domain>",
            "<domain><metadata><a xmlns:vm='urn:o'/></metadata></domain>",
        ] {
            #expect(try converted(text)?.contains("<instance xmlns='\(ConvertedMetadata.namespace)'><a") == true)
        }
    }

    @Test func `a prefix declared in a bare element is allowed`() throws {
        #expect(try converted("<domain><metadata><a xmlns:p='urn:p'><p:b/></a></metadata></domain>") != nil)
    }

    @Test func `a document that is malformed or would become too deep is rejected`() {
        #expect(refusal("<domain><metadata><a></metadata></domain>")?.code == .malformed)
        #expect(refusal("<!DOCTYPE domain><domain><metadata><a/></metadata></domain>")?.code == .documentType)
        let latin = "<?xml version='1.0' encoding='ISO-8859-1'?>"
        #expect(refusal(latin + "<domain><metadata><a/></metadata></domain>")?.code == .encoding)
        let depth = XMLDocument.maximumDepth - 2
        let nested = String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        #expect(refusal("<domain><metadata>\(nested)</metadata></domain>")?.code == .tooDeep)
    }
}

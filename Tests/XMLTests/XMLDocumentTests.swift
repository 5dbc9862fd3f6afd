import Common
import Testing
import XML

@Suite struct XMLDocumentTests {
    /// The error code of parsing a text; `nil` if it succeeds.
    private func refusal(_ text: String, limit: Int = XMLDocument.defaultLimit) -> ParseError? {
        refusal(Array(text.utf8), limit: limit)
    }

    private func refusal(_ bytes: [UInt8], limit: Int = XMLDocument.defaultLimit) -> ParseError? {
        do throws(ParseError) {
            _ = try XMLDocument(parsing: bytes, limit: limit)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a document type is rejected, with its line`() {
        #expect(refusal("<?xml version='1.0'?>\n<!DOCTYPE a>\n<a/>")?.code == .documentType)
        #expect(refusal("<?xml version='1.0'?>\n<!DOCTYPE a>\n<a/>")?.line == 2)
        #expect(refusal("<!DOCTYPE a []><a/>")?.code == .documentType)
        #expect(refusal("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>")?.code == .documentType)
        #expect(refusal("<!DOCTYPE a PUBLIC '-//x' 'http://127.0.0.1:1/x.dtd'><a/>")?.code == .documentType)
    }

    @Test func `entities are rejected before one is declared`() {
        let bombs = (1...9).map { "<!ENTITY l\($0) '\(String(repeating: "&l\($0 - 1);", count: 10))'>" }.joined()
        #expect(refusal("<!DOCTYPE a [<!ENTITY l0 'ha'>\(bombs)]><a>&l9;</a>")?.code == .documentType)
        #expect(refusal("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>")?.code == .documentType)
        #expect(refusal("<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/'>%p;]><a/>")?.code == .documentType)
        #expect(refusal("<a>&x;</a>")?.code == .malformed)
    }

    @Test func `nesting has a limit`() {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        #expect(refusal(nested(XMLDocument.maximumDepth)) == nil)
        #expect(refusal(nested(XMLDocument.maximumDepth + 1))?.code == .tooDeep)
        #expect(refusal(nested(100_000))?.code == .tooDeep)
        #expect(refusal(String(repeating: "<a>\n", count: 100_000))?.line == XMLDocument.maximumDepth + 1)
    }

    @Test func `a document over the limit is not parsed`() {
        #expect(refusal("<" + String(repeating: "x", count: 5 * 1024 * 1024))?.code == .tooLarge)
        #expect(refusal("<a/>", limit: 4) == nil)
        #expect(refusal("<a/>", limit: 3)?.code == .tooLarge)
        #expect(refusal("<a/>", limit: 3)?.line == nil)
        #expect(refusal("<a>" + String(repeating: "x", count: 4 * 1024 * 1024 - 7) + "</a>") == nil)
    }

    @Test func `a tag has a limit of attributes, without which libxml2 compares them for minutes`() {
        func tag(_ count: Int) -> String { "<b " + (0..<count).map { "a\($0)='=>' " }.joined() + "/>" }
        #expect(refusal("<a>\n\(tag(XMLDocument.maximumAttributes))</a>") == nil)
        #expect(refusal("<a>\n\(tag(XMLDocument.maximumAttributes + 1))</a>")?.code == .tooMany)
        #expect(refusal("<a>\n\(tag(XMLDocument.maximumAttributes + 1))</a>")?.line == 2)
        #expect(refusal(tag(300_000))?.code == .tooMany)
        #expect(refusal("<a>\(String(repeating: tag(XMLDocument.maximumAttributes), count: 50))</a>") == nil)
    }

    @Test func `equals signs outside attributes are not counted`() {
        let signs = String(repeating: "= ", count: 1000)
        #expect(refusal("<a>\(signs)</a>") == nil)
        #expect(refusal("<a b='\(signs)' c=\"'\(signs)\"/>") == nil)
        #expect(refusal("<!-- <a \(signs)--><a><![CDATA[<b ]>\(signs)]]>\(signs)<?p > <c \(signs)?></a>") == nil)
        #expect(refusal("<a><!-- - > <!- \(signs)")?.code == .malformed)
        #expect(refusal("<a><![CDATA[ \(signs)")?.code == .malformed)
    }

    @Test func `namespaces in scope have a limit`() {
        func nested(_ depth: Int) -> String {
            let tags = (0..<depth).map { depth in "<a " + (0..<64).map { "xmlns:p\(depth)-\($0)='u' " }.joined() + ">" }
            return tags.joined() + String(repeating: "</a>", count: depth)
        }
        #expect(refusal(nested(4)) == nil)
        #expect(refusal(nested(5))?.code == .tooMany)
    }

    @Test func `the name of a namespace has a limit: it is read again for each element in it`() {
        func document(_ length: Int) -> String { "<a>\n<p:b xmlns:p='\(String(repeating: "u", count: length))'/></a>" }
        #expect(refusal(document(XMLDocument.longestNamespace)) == nil)
        let refused = refusal(document(XMLDocument.longestNamespace + 1))
        #expect(refused?.code == .tooLarge && refused?.line == 2)
    }

    @Test func `invalid UTF-8 is rejected at its location`() {
        let error = refusal(Array("<a>\n b".utf8) + [0xFF] + Array("</a>".utf8))
        #expect(error?.code == .encoding)
        #expect(error?.line == 2)
        #expect(error?.column == 3)
        #expect(refusal([0xFF, 0xFE] + "<a/>".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })?.code == .encoding)
        #expect(refusal("<a/>".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })?.code == .malformed)
    }

    @Test func `a declared encoding other than UTF-8 or ASCII is rejected`() {
        #expect(refusal("<?xml version='1.0' encoding='ISO-8859-1'?><a/>")?.code == .encoding)
        #expect(refusal("<?xml version=\"1.0\" encoding = \"UTF-16\" ?><a/>")?.code == .encoding)
        #expect(refusal("\u{FEFF}<?xml version='1.0' encoding='latin1'?><a/>")?.code == .encoding)
        #expect(refusal("<?xml version='1.0' encoding='utf-8' standalone='yes'?><a>ü</a>") == nil)
        #expect(refusal("<?xml version='1.0' encoding=\"US-ASCII\"?><a/>") == nil)
        #expect(refusal("\u{FEFF}<a>ü</a>") == nil)
        #expect(refusal("<a encoding='latin1'/>") == nil)
        #expect(refusal("<?xml-stylesheet encoding='latin1'?><a/>") == nil, "no XML declaration")
        #expect(refusal("<!-- <?xml encoding='latin1'?> --><a/>") == nil)
        #expect(refusal("<?xml version='1.0' encoding='latin1\(String(repeating: " ", count: 5000))'?><a/>")?.code != nil)
    }

    @Test func `U+0000 is rejected, raw and as a reference`() {
        #expect(refusal("<a>\n\0</a>")?.code == .malformed)
        #expect(refusal("<a>\n\0</a>")?.line == 2)
        #expect(refusal("<a/>\0")?.code == .malformed)
        #expect(refusal("<a>&#0;</a>")?.code == .malformed)
    }

    @Test func `a document that is not well formed is rejected`() {
        let texts = [
            "", " ", "text", "<a>", "<a></b>", "<a/><b/>", "<a/>x", "<a b=1/>", "<a b='1' b='2'/>", "<a b='<'/>", "<a>&</a>",
        ]
        for text in texts { #expect(refusal(text)?.code == .malformed, "\(text)") }
        #expect(refusal("<a><p:b/></a>")?.code == .malformed, "a prefix that nothing declares")
    }

    @Test func `an error has the location of the first fault, in one line`() {
        let error = refusal("<domain>\n  <name>x</nam>\n</domain>")
        #expect(error?.line == 2)
        #expect(error?.column != nil)
        let location = "line 2, column \(error?.column ?? 0)"
        #expect(error?.description == "\(location): Opening and ending tag mismatch: name line 2 and nam")
        #expect(refusal("<a>\n<p:b/>\n<c>\n</a>")?.line == 2, "the cause, not what follows from it")
        #expect(ParseError(.tooLarge, problem: "m").description == "m")
        #expect(ParseError(.malformed, line: 3, problem: "m").description == "line 3: m")
    }

    @Test func `nothing is printed to stderr`() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]) {
            let texts = [
                "", "<a>", "<a b='1' b='2'>&x;</a>", "<!DOCTYPE a><a/>", "<p:a/>", "<?xml version='1.0' encoding='x'?><a/>",
                "<a xmlns='rel'/>", "<?xml version='9.0'?><a/>", "<a xml:id='1 2'/>", "<a xml:lang='%'/>",
            ]
            for text in texts { _ = try? XMLDocument(parsing: text) }
            for bytes: [UInt8] in [[0xFF, 0xFE, 0x3C, 0], [0x3C, 0, 0, 0], [0x4C, 0x6F, 0xA7, 0x94]] {
                _ = try? XMLDocument(parsing: bytes)
            }
        }
        let standardError = try #require(result).standardErrorContent
        #expect(String(decoding: standardError, as: UTF8.self) == "")
    }
}

import TestSupport
import Testing

@testable import XML

@Suite struct MetadataSpliceTests {
    private static let bare = [
        "<a/>", "<a >x</a >", "<a k='>'\n/>", "<a k=\"'/>\"/>", "<a><![CDATA[</a><b>]]></a>", "<a><!-- </a> --><?p </a>?></a>",
        "<ü>ü🐧</ü>", "<a\r\nk='&lt;&#10;'></a\n>", "<a><a><a/></a>]]&gt;</a>", "<a>\r\n\t</a>", "<a xmlns:p='urn:p'><p:b/></a>",
    ]
    private static let other = ["<o xmlns='urn:o'/>", "<p:o xmlns:p='urn:p' ><a/></p:o>", "<o k='&gt;>' xmlns='urn:o'>ü<b/></o>"]
    private static let between = ["", "<!-- <a/> -->", "<?pi <a/>?>", "text > ü", " ", "<![CDATA[<a/>]]>"]

    private func prefixed(_ element: String) -> String {
        (try? XMLPrefix.added("vm", for: ConvertedMetadata.namespace, to: element)) ?? "no XML"
    }

    /// A document composed of pieces of known kinds, and the expected result of its conversion.
    private func composed(_ random: inout some RandomNumberGenerator) -> (document: String, expected: String) {
        var (before, run, moved, after) = ("", "", "", "")
        var (document, isOver) = ("", false)
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let gap = Self.between.randomElement(using: &random) ?? ""
            let isBare = Bool.random(using: &random)
            let element = (isBare ? Self.bare : Self.other).randomElement(using: &random) ?? ""
            document += gap + element
            switch (isBare, run.isEmpty, isOver) {
            case (true, true, _):
                before += gap
                run = element
            case (true, false, false): run += gap + element
            case (true, false, true):
                after += gap
                moved += element
            case (false, true, _): before += gap + element
            case (false, false, _):
                after += gap + element
                isOver = true
            }
        }
        let tail = Self.between.randomElement(using: &random) ?? ""
        let content = run.isEmpty ? before : before + prefixed("<instance>" + run + moved + "</instance>") + after
        func domain(_ metadata: String) -> String {
            "<domain k='>'><!-- <metadata> --><name>ü</name><metadata >\(metadata)\(tail)</metadata ><os/></domain>"
        }
        return (domain(document), domain(content))
    }

    @Test(arguments: 0..<500 as Range<UInt64>)
    func `random documents are converted as expected`(seed: UInt64) throws {
        var random = Dice(seed: seed)
        let (document, expected) = composed(&random)
        switch try convertBareMetadata(in: Array(document.utf8)) {
        case .unchanged: #expect(document == expected)
        case .rewritten(let bytes, _): #expect(String(decoding: bytes, as: UTF8.self) == expected)
        }
    }

    @Test func `without bare elements a splice changes nothing`() {
        let splice = MetadataSplice(namespace: "n", elements: [.init(bytes: 3..<7, isBare: false)])
        #expect(splice.applied(to: Array("<m><o/></m>".utf8)) == Array("<m><o/></m>".utf8))
    }

    @Test func `a moved element takes its line break and indentation with it`() {
        let text = "<m>\n <a/>\n <o/>\r\n\t<b/>x  <c/>\n</m>"
        let bytes = Array(text.utf8)
        let elements = [("<a/>", true), ("<o/>", false), ("<b/>", true), ("<c/>", true)].compactMap { name, isBare in
            text.utf8.indices.map { text.utf8.distance(from: text.startIndex, to: $0) }
                .first { bytes[$0...].starts(with: name.utf8) }
                .map { MetadataSplice.Element(bytes: $0..<$0 + 4, isBare: isBare) }
        }
        let result = MetadataSplice(namespace: "n", elements: elements).applied(to: bytes)
        #expect(
            String(decoding: result, as: UTF8.self)
                == "<m>\n <instance xmlns='n'>\n <a/>\r\n\t<b/><c/>\n </instance>\n <o/>x  \n</m>")
    }
}

import TestSupport
import Testing

@testable import XML

/// The tokenizer, compared with libxml2: both find an element in the same range, whatever surrounds it.
struct XMLTokenTests {
    private static func tokens(_ bytes: [UInt8]) -> [XMLToken] {
        var (tokens, offset) = ([XMLToken](), 0)
        while offset < bytes.count {
            let token = XMLToken(at: offset, in: bytes.span)
            tokens.append(token)
            offset = token.range.upperBound
        }
        return tokens
    }

    private static func text(_ range: Range<Int>, _ bytes: [UInt8]) -> String { String(decoding: bytes[range], as: UTF8.self) }

    @Test(arguments: [
        ("<a/>", ["<a/>"]), ("x<a>y</a>z", ["x", "<a>", "y", "</a>", "z"]), ("<a k='>'\n/>", ["<a k='>'\n/>"]),
        ("<a k=\"'/>\" l='\"'>", ["<a k=\"'/>\" l='\"'>"]), ("<!-- <a> -- > --><a/>", ["<!-- <a> -- > -->", "<a/>"]),
        ("<!--><a/>-->", ["<!--><a/>-->"]), ("<![CDATA[<a>]]]]><b/>", ["<![CDATA[<a>]]]]>", "<b/>"]),
        ("<?xml version='1.0'?><?p <a> ? > ?>", ["<?xml version='1.0'?>", "<?p <a> ? > ?>"]),
        ("<!DOCTYPE a><a>&lt;&#62;&gt; > </a>", ["<!DOCTYPE a>", "<a>", "&lt;&#62;&gt; > ", "</a>"]),
        ("\u{FEFF}<ü>🐧</ü\n>", ["\u{FEFF}", "<ü>", "🐧", "</ü\n>"]),
        ("<a", ["<a"]), ("<", ["<"]), ("<!-- ", ["<!-- "]), ("<![CDATA[x]]", ["<![CDATA[x]]"]), ("<?p", ["<?p"]),
        ("<a k='>", ["<a k='>"]), ("", []),
    ]) func `a document is the concatenation of its tokens`(document: String, expected: [String]) {
        let bytes = Array(document.utf8)
        #expect(Self.tokens(bytes).map { Self.text($0.range, bytes) } == expected)
    }

    @Test func `each token has its kind`() {
        let bytes = Array("t<![CDATA[c]]><!--c--><?i?><!D><a b='/'></a><a/><a b=/>".utf8)
        #expect(
            Self.tokens(bytes).map(\.kind)
                == [.text, .cdata, .comment, .instruction, .declaration, .startTag, .endTag, .emptyTag, .emptyTag])
    }

    @Test func `attributes are found by their qualified name, including preceding white space`() {
        let bytes = Array("<p:a  x = \"1>\"\n\tp:y='&quot;'z=''/>".utf8)
        let tag = XMLToken(at: 0, in: bytes.span)
        #expect(Self.text(tag.name(in: bytes.span), bytes) == "p:a")
        func value(_ name: String) -> String? { tag.attribute(name, in: bytes.span).map { Self.text($0.value, bytes) } }
        #expect(value("x") == "1>")
        #expect(value("p:y") == "&quot;")
        #expect(value("y") == nil)
        #expect(value("z") == "")
        #expect(tag.attribute("p:y", in: bytes.span).map { Self.text($0.range, bytes) } == "\n\tp:y='&quot;'")
        #expect(tag.equalsSigns == 3)
    }

    // MARK: Comparison with libxml2

    private static let between = [
        "", " ", "\r\n\t", "text > ü 🐧", "&amp;&#60;/a&#x3E;", "<!-- <a> ' \" - -->",
        "<?pi <a k='?>", "<?p?>", "<![CDATA[</a>&'\"]]]]><![CDATA[>]]>", "]]&gt;",
    ]
    private static let attributes = [
        "", " k='1'", " k = \"a>b\"", "\n\tk='/>' l=\"'\"", " k='&lt;&#10;&quot;' l=''", " xmlns:q='urn:q' q:k='2' k=\"=\"",
        " k='&lt;!-- -->'",
    ]
    private static let names = ["a", "größe", "名前", "a-b.c_1"]

    private static func element(_ depth: Int, _ random: inout Dice) -> String {
        let name = names.randomElement(using: &random) ?? "a"
        let tag = name + (attributes.randomElement(using: &random) ?? "")
        guard depth > 0, Int.random(in: 0..<4, using: &random) > 0 else {
            return "<\(tag)\(Bool.random(using: &random) ? " " : "")/>"
        }
        var content = ""
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            content += Bool.random(using: &random) ? between.randomElement(using: &random) ?? "" : element(depth - 1, &random)
        }
        return "<\(tag)>\(content)</\(name)\(Bool.random(using: &random) ? "\n" : "")>"
    }

    private static func document(_ random: inout Dice) -> String {
        let heads = [
            "", "\u{FEFF}", "<?xml version='1.0' encoding='utf-8'?>\n", "\u{FEFF}<?xml version=\"1.0\"?>",
            "<!-- <a> -->\n<?p >?>",
        ]
        return (heads.randomElement(using: &random) ?? "") + element(4, &random)
            + (Bool.random(using: &random) ? "\n<!-- end -->" : "")
    }

    private struct Found: Equatable {
        let range: Range<Int>
        let name: String
        /// The values of the attributes without a namespace as a parser returns them, by name.
        let attributes: [String: String]
    }

    private static func byTokens(_ bytes: [UInt8]) throws -> [Found] {
        var (found, open): ([(tag: XMLToken, end: Int)], [Int]) = ([], [])
        for token in tokens(bytes) {
            switch token.kind {
            case .emptyTag: found.append((token, token.range.upperBound))
            case .startTag:
                open.append(found.count)
                found.append((token, 0))
            case .endTag:
                let start = try #require(open.isEmpty ? nil : open.removeLast())
                found[start].end = token.range.upperBound
            default: break
            }
        }
        return try found.map { tag, end in
            var (attributes, offset) = ([String: String](), tag.name(in: bytes.span).upperBound)
            while let attribute = tag.attribute(at: offset, in: bytes.span) {
                offset = attribute.range.upperBound
                let name = text(attribute.name, bytes)
                guard !name.contains(":") else { continue }
                let quote = text(attribute.value.upperBound..<attribute.value.upperBound + 1, bytes)
                let alone = "<a k=\(quote)\(text(attribute.value, bytes))\(quote)/>"
                attributes[name] = try XMLDocument(parsing: alone).root.attribute("k")
            }
            return Found(range: tag.range.lowerBound..<end, name: text(tag.name(in: bytes.span), bytes), attributes: attributes)
        }
    }

    private static func byParser(_ element: XMLElement) -> [Found] {
        let attributes = Dictionary(uniqueKeysWithValues: element.attributes.map { ($0, element.attribute($0) ?? "") })
        return [Found(range: element.byteRange, name: element.name, attributes: attributes)] + element.children.flatMap(byParser)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `elements and attributes have the same ranges as in libxml2`(seed: UInt64) throws {
        var random = Dice(seed: seed)
        let bytes = Array(Self.document(&random).utf8)
        #expect(try Self.byTokens(bytes) == Self.byParser(XMLDocument(parsing: bytes).root), "\(Self.text(bytes.indices, bytes))")
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `any bytes are split without gaps, within their bounds`(seed: UInt64) throws {
        var random = Dice(seed: seed)
        var bytes = Array(Self.document(&random).utf8)
        let signs = Array("<>/='\"![]-?& \0a".utf8) + [0xFF]
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let offset = Int.random(in: bytes.indices, using: &random)
            if Bool.random(using: &random) {
                bytes[offset] = signs.randomElement(using: &random) ?? 0
            } else {
                bytes.removeSubrange(offset...)
                if bytes.isEmpty { bytes = [UInt8(ascii: "<")] }
            }
        }
        var end = 0
        for token in Self.tokens(bytes) {
            #expect(token.range.lowerBound == end && !token.range.isEmpty)
            end = token.range.upperBound
            var offset = token.name(in: bytes.span).upperBound
            while let attribute = token.attribute(at: offset, in: bytes.span) {
                #expect(attribute.range.upperBound <= token.range.upperBound && attribute.range.upperBound > offset)
                offset = attribute.range.upperBound
            }
        }
        #expect(end == bytes.count)
    }
}

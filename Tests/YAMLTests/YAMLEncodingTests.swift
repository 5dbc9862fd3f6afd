import Common
import Testing

@testable import YAML

@Suite struct YAMLEncodingTests {
    @Test func aDocumentIsInBlockStyle() {
        let value = JSONValue.object([
            JSONMember("name", .string("web")), JSONMember("ports", .array([.integer(1), .string("1")])),
            JSONMember("nothing", .null), JSONMember("tags", .object([])), JSONMember("none", .array([])),
            JSONMember("deep", .object([JSONMember("is it", .bool(true))])),
        ])
        #expect(
            YAMLEncoding.text(value) == """
                name: web
                ports:
                - 1
                - "1"
                nothing: null
                tags: {}
                none: []
                deep:
                  "is it": true

                """)
    }

    /// What is written is read back as the same string, whatever YAML would make of it without quotes.
    @Test(arguments: [
        "", " ", "yes", "No", "~", "null", "0x10", "1e3", "-", "- a", "a: b", "a:", "#c", "a #c", "{", "[", "*a", "&a", "!t", "|",
        ">", "'", "\"",
        "%", "@", "`", "two\nlines", "two\nlines\n", "\n", " indented\nlines", "tab\there", "\r\n", "é", "\u{85}", "\u{2028}",
        "\u{FEFF}",
        "\u{0}", "\u{1B}[31m", "😀", "---", "...", "2026-01-01", "<<", "=", "/latest/meta-data/", "52:54:00:0e:00:01", "1:20",
    ])
    func aStringIsReadBack(text: String) throws {
        let document = YAMLEncoding.text(
            .object([JSONMember(text, .string(text)), JSONMember("other", .array([.string(text)]))]))
        let root = try #require(try YAMLDocument.root(of: Array(document.utf8)))
        guard case .mapping(let entries) = root.content, entries.count == 2 else {
            Issue.record("\(document) is not a mapping of two entries")
            return
        }
        #expect(Array((entries[0].key.text ?? "?").utf8) == Array(text.utf8))
        #expect(Array((entries[0].value.text ?? "?").utf8) == Array(text.utf8))
        #expect(!entries[0].value.isNull)
    }
}

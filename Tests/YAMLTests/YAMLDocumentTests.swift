import Common
import Testing

@testable import YAML

struct YAMLDocumentTests {
    /// A node as comparable text: `line:value`, with quotation marks around quoted strings.
    private static func shown(_ node: YAMLNode) -> String {
        switch node.content {
        case .scalar(let text, let isPlain): "\(node.line):" + (isPlain ? text : "'\(text)'")
        case .sequence(let items): "\(node.line):[" + items.map(shown).joined(separator: " ") + "]"
        case .mapping(let entries):
            "\(node.line):{" + entries.map { "\(shown($0.key))=\(shown($0.value))" }.joined(separator: " ") + "}"
        }
    }

    private func shown(_ text: String) throws -> String? {
        try YAMLDocument.root(of: Array(text.utf8)).map(Self.shown)
    }

    @Test(arguments: [
        ("a: 1\nb:\n  - x\n  - 'y'\n", "1:{1:a=1:1 2:b=3:[3:x 4:'y']}"),
        ("# nothing but a remark\n", nil), ("", nil), ("---\n", "2:"), ("~", "1:~"), ("\u{FEFF}a: é", "1:{1:a=1:é}"),
        ("\u{FEFF}a: 1\nb: 2\n", "1:{1:a=1:1 2:b=2:2}"),
        ("{a: [1, {b: \"c\"}]}", "1:{1:a=1:[1:1 1:{1:b=1:'c'}]}"),
        ("a: |\n  two\n  lines\n", "1:{1:a=1:'two\nlines\n'}"), ("? [a]\n: b", "1:{1:[1:a]=2:b}"),
        ("a: &x [1, 2]\nb: *x", "1:{1:a=1:[1:1 1:2] 2:b=1:[1:1 1:2]}"),
    ])
    func `a document is read with the line of each value`(text: String, expected: String?) throws {
        #expect(try shown(text) == expected)
    }

    @Test(arguments: ["", "~", "null", "Null", "NULL"])
    func `unquoted spellings of null are null`(word: String) throws {
        let plain = try YAMLDocument.root(of: Array("- \(word)".utf8))
        let quoted = try YAMLDocument.root(of: Array("- '\(word)'".utf8))
        guard case .sequence(let items)? = plain?.content, case .sequence(let texts)? = quoted?.content else {
            Issue.record("no sequences")
            return
        }
        #expect(items.first?.isNull == true && texts.first?.isNull == false)
    }

    @Test(arguments: [
        ("a: b: c", 1, "mapping values are not allowed in this context"),
        ("a: 1\n\tb: 2", 2, "found a tab character that violates indentation"),
        ("a: 1\nb: \u{1}", 2, "control characters are not allowed"), ("a: [1, 2", 2, "did not find expected ',' or ']'"),
        ("a: 1\nb: 2\na: 3", 3, "duplicate key 'a', first in line 1"), ("a: 1\n---\nb: 2", 2, "more than one document"),
        ("a: *nowhere", 1, "unknown anchor 'nowhere'"), ("a: &x [*x]", 1, "unknown anchor 'x'"),
    ])
    func `an error has its line`(text: String, line: Int, problem: String) {
        let error = #expect(throws: ParseError.self) { try shown(text) }
        #expect(error?.line == line)
        #expect(error?.problem == problem)
    }

    @Test func `an error quotes the beginning of a long key`() {
        let key = String(repeating: "k", count: 5000)
        let error = #expect(throws: ParseError.self) { try shown("? \(key)\n: 1\n? \(key)\n: 2\n") }
        #expect(error?.problem == "duplicate key '\(key.prefix(40))…', first in line 1")
    }

    @Test func `repeated aliases and deep nesting are limited`() {
        let tens = zip("bcdef", "abcde").map { name, part in
            "\(name): &\(name) [\(Array(repeating: "*\(part)", count: 10).joined(separator: ","))]\n"
        }
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + tens.joined()
        let many = #expect(throws: ParseError.self) { try shown(bomb) }
        #expect(many?.problem == "more than 100000 values, including aliases")
        let deep = #expect(throws: ParseError.self) { try shown(String(repeating: "[", count: 1000)) }
        #expect(deep?.problem == "values are nested more than 64 deep")
    }

    @Test func `invalid UTF-8 is rejected`() {
        #expect(throws: ParseError.self) { try YAMLDocument.root(of: [0x61, 0x3A, 0x20, 0xFF, 0xFE]) }
    }

    @Test func `the text that aliases repeat has a limit`() throws {
        let half = YAMLDocument.mostRepeatedText / 2
        let text = "- &x \(String(repeating: "a", count: half))\n- *x\n- [*x]\n"
        #expect(try YAMLDocument.root(of: Array(text.utf8)) != nil)
        for more in ["- *x\n", "- &y [b, c]\n- *y\n"] {
            #expect(
                throws: ParseError(
                    .tooMany, line: more.hasPrefix("- *") ? 4 : 5, problem: "aliases repeat more than 4 MiB of text")
            ) {
                try YAMLDocument.root(of: Array((text + more).utf8))
            }
        }
        // An alias of a value with aliases repeats all of it.
        let nested = "- &x \(String(repeating: "a", count: half / 2))\n- &y [*x, *x]\n- *y\n- *y\n"
        #expect(throws: ParseError.self) { try YAMLDocument.root(of: Array(nested.utf8)) }
    }

    @Test func `tag directives have a limit: libyaml compares each with all others`() throws {
        func text(_ count: Int) -> [UInt8] { Array(((0..<count).map { "%TAG !t\($0)! a\n" }.joined() + "---\na: 1\n").utf8) }
        #expect(try YAMLDocument.root(of: text(YAMLDocument.mostTagDirectives)) != nil)
        #expect(throws: ParseError(.tooMany, line: 65, problem: "more than 64 directives %TAG")) {
            try YAMLDocument.root(of: text(YAMLDocument.mostTagDirectives + 1))
        }
    }
}

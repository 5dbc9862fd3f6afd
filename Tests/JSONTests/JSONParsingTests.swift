import Common
import JSON
import Testing

@Suite struct JSONParsingTests {
    private func refusal(_ text: String, limit: Int = JSONParsing.defaultLimit) -> ParseError? {
        refusal(Array(text.utf8), limit: limit)
    }

    private func refusal(_ bytes: [UInt8], limit: Int = JSONParsing.defaultLimit) -> ParseError? {
        do throws(ParseError) {
            _ = try JSONParsing.value(of: bytes, limit: limit)
            return nil
        } catch {
            return error
        }
    }

    @Test func `members keep their order and values their kind`() throws {
        let value = try JSONParsing.value(of: #" {"z": [1, -2.5, true, false, null], "a": {"": "x"}, "m": 1e2} "#)
        let array = JSONValue.array([.integer(1), .real(-2.5), .bool(true), .bool(false), .null])
        #expect(
            value
                == .object([
                    JSONMember("z", array), JSONMember("a", .object([JSONMember("", .string("x"))])), JSONMember("m", .real(100)),
                ]))
    }

    @Test func `any value can be at the top level`() throws {
        #expect(try JSONParsing.value(of: "null") == .null)
        #expect(try JSONParsing.value(of: "true\n") == .bool(true))
        #expect(try JSONParsing.value(of: "-0") == .integer(0))
        #expect(try JSONParsing.value(of: "0.5") == .real(0.5))
        #expect(try JSONParsing.value(of: #""""#) == .string(""))
        #expect(try JSONParsing.value(of: "[]") == .array([]))
    }

    @Test func `escapes and astral characters are read`() throws {
        #expect(try JSONParsing.value(of: #""\u00fc ü \uD83D\uDC27 🐧 \n\/""#) == .string("ü ü 🐧 🐧 \n/"))
        #expect(refusal(#""\uD83D""#)?.code == .malformed, "half a pair")
    }

    @Test func `integers have 64 bits, and larger ones are rejected`() throws {
        #expect(try JSONParsing.value(of: "9223372036854775807") == .integer(.max))
        #expect(try JSONParsing.value(of: "-9223372036854775808") == .integer(.min))
        #expect(refusal("9223372036854775808")?.code == .numberOutOfRange)
        #expect(refusal("1e400")?.code == .numberOutOfRange)
        #expect(refusal("-1e400")?.code == .numberOutOfRange)
    }

    @Test func `a duplicate name is rejected, with its line`() {
        let error = refusal("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}")
        #expect(error?.code == .duplicateName)
        #expect(error?.line == 3)
        #expect(refusal(#"{"a": 1, "\u0061": 2}"#)?.code == .duplicateName)
        #expect(refusal(#"[{"a": 1}, {"a": 2}]"#) == nil)
    }

    @Test func `text after the value is rejected`() {
        #expect(refusal("{} x")?.code == .malformed)
        #expect(refusal("1 2")?.code == .malformed)
        #expect(refusal("{}\0")?.code == .malformed)
    }

    @Test func `invalid JSON is rejected`() {
        let texts = [
            "", " ", "{", "[1,]", "{'a': 1}", "{\"a\"}", "nul", "01", "+1", ".5", "\"a", "\"\n\"", "NaN", "Infinity", "// c\n1",
            "]",
        ]
        for text in texts { #expect(refusal(text)?.code == .malformed, "\(text)") }
        #expect(refusal("\u{FEFF}{}")?.code == .malformed)
    }

    @Test func `U+0000 is rejected in strings and names, raw and escaped`() {
        #expect(refusal(#""a\u0000b""#)?.code == .nullCharacter)
        #expect(refusal(#"{"a\u0000b": 1}"#)?.code == .nullCharacter)
        #expect(refusal("\"a\0b\"")?.code == .malformed)
    }

    @Test func `an error names what was expected, without quoting the input`() {
        for text in [
            #"{"secret": hunter2}"#, #"{"hunter2": 1, "hunter2": 2}"#, "[1] hunter2", #"["hunter2"#, #"hunter2"#, "[1e999, 7]",
        ] {
            let error = refusal(text)
            #expect(error?.problem.isEmpty == false && error?.description.contains("hunter2") == false, "\(text)")
        }
        #expect(refusal("[1] x")?.problem == "unexpected text after the value")
        #expect(refusal("[1")?.problem == "unexpected end: a value, string, array or object is not closed")
        #expect(refusal("[1 2]")?.problem == "expected a value, or ',' or a closing bracket after one")
    }

    @Test func `invalid UTF-8 is rejected`() {
        #expect(refusal([0x22, 0xFF, 0x22])?.code == .encoding)
        #expect(refusal([0x22, 0xC0, 0x80, 0x22])?.code == .encoding)
        #expect(refusal([0x22, 0xED, 0xA0, 0x80, 0x22])?.code == .encoding)
    }

    @Test func `nesting has a limit`() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(refusal(nested(JSONParsing.maximumDepth)) == nil)
        #expect(refusal("\n" + nested(JSONParsing.maximumDepth + 1))?.code == .tooDeep)
        #expect(refusal("\n" + nested(JSONParsing.maximumDepth + 1))?.line == 2)
        #expect(refusal(String(repeating: "{\"a\":[", count: 33))?.code == .tooDeep)
        #expect(refusal(nested(500_000))?.code == .tooDeep)
        #expect(refusal("[\"" + String(repeating: "[\\\"", count: 300) + "\"]") == nil, "brackets in a string nest nothing")
        #expect(refusal("[" + Array(repeating: "[]", count: 100).joined(separator: ",") + "]") == nil)
    }

    @Test func `a text over the limit is not parsed`() {
        #expect(refusal("[1]", limit: 3) == nil)
        #expect(refusal("[1]", limit: 2)?.code == .tooLarge)
        #expect(refusal(String(repeating: "x", count: JSONParsing.defaultLimit + 1))?.code == .tooLarge)
    }

    @Test func `an error is one line with its location`() {
        let error = refusal("{\n  \"a\": x\n}")
        #expect(error?.line == 2)
        #expect(error?.column == 8)
        #expect(
            error?.description == "line 2, column 8: expected a value, or ',' or a closing bracket after one",
            "without what stands there")
        #expect(ParseError(.tooLarge, problem: "m").description == "m")
    }

    @Test func `a parsed value is encoded unchanged`() throws {
        let text = #"{"b": [1, 2.5, "\u00FC\uD83D\uDC27\"\\"], "a": {"c": null, "d": [true, false, {}]}, "e": []}"#
        #expect(try JSONEncoding.text(JSONParsing.value(of: text)) == text)
    }
}

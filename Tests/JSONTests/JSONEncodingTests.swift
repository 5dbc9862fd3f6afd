import Common
import JSON
import Testing

@Suite struct JSONEncodingTests {
    @Test func `members keep their order, with a space after commas and colons`() {
        let value = JSONValue.object([
            JSONMember("z", .array([.integer(1), .bool(true), .bool(false), .null])), JSONMember("a", .object([])),
            JSONMember("m", .string("x")), JSONMember("", .array([])),
        ])
        #expect(JSONEncoding.text(value) == #"{"z": [1, true, false, null], "a": {}, "m": "x", "": []}"#)
    }

    @Test func `any value can be at the top level`() {
        #expect(JSONEncoding.text(.null) == "null")
        #expect(JSONEncoding.text(.bool(true)) == "true")
        #expect(JSONEncoding.text(.integer(0)) == "0")
        #expect(JSONEncoding.text(.string("")) == #""""#)
        #expect(JSONEncoding.text(.array([])) == "[]")
        #expect(JSONEncoding.text(.object([])) == "{}")
    }

    @Test func `characters beyond ASCII are escaped, as surrogate pairs if needed`() {
        #expect(JSONEncoding.text(.string("ü")) == #""\u00FC""#)
        #expect(JSONEncoding.text(.string("🐧")) == #""\uD83D\uDC27""#)
        #expect(JSONEncoding.text(.object([JSONMember("größe", .null)])) == #"{"gr\u00F6\u00DFe": null}"#)
    }

    @Test func `control characters, quotes and backslashes are escaped, and a slash is not`() {
        #expect(JSONEncoding.text(.string("\"\\/\u{8}\u{C}\n\r\t\u{1}\u{7F}")) == "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\u{7F}\"")
    }

    @Test func `U+0000 survives in strings and names`() {
        #expect(JSONEncoding.text(.string("a\0b")) == #""a\u0000b""#)
        let members = [JSONMember("a\0b", .integer(1)), JSONMember("a", .integer(2))]
        #expect(JSONEncoding.text(.object(members)) == #"{"a\u0000b": 1, "a": 2}"#)
    }

    @Test func `numbers are written whole and reals with 15 digits`() {
        #expect(JSONEncoding.text(.integer(.max)) == "9223372036854775807")
        #expect(JSONEncoding.text(.integer(.min)) == "-9223372036854775808")
        #expect(JSONEncoding.text(.real(0.1)) == "0.1")
        #expect(JSONEncoding.text(.real(1)) == "1.0")
        #expect(JSONEncoding.text(.real(1.0 / 3)) == "0.333333333333333")
        #expect(JSONEncoding.text(.real(-1e300)) == "-1e300")
    }

    @Test func `as YAML, a character beyond U+FFFF is written as itself, and U+007F is escaped`() {
        #expect(JSONEncoding.yamlText(.string("a🐧ü\u{7F}\u{2028}")) == #""a🐧\u00FC\u007F\u2028""#)
        #expect(
            JSONEncoding.yamlText(.string(#"\uD83D\uDC27 \"#)) == #""\\uD83D\\uDC27 \\""#, "a backslash of the text is no escape")
    }

    @Test func `as YAML, a real has a point and its exponent a sign`() {
        let numbers: [JSONValue] = [.real(1e16), .real(1e-7), .real(1.5e300), .real(-2.5), .integer(-3), .string("1e16")]
        #expect(JSONEncoding.yamlText(.array(numbers)) == #"[1.0e+16, 1.0e-7, 1.5e+300, -2.5, -3, "1e16"]"#)
    }

    @Test func `as YAML, a long name has a question mark before it`() {
        let (short, long) = (String(repeating: "a", count: 1000), String(repeating: "ü", count: 180))
        let value = JSONValue.object([JSONMember(short, .string(long)), JSONMember(long, .object([JSONMember(long, .null)]))])
        let escaped = String(repeating: #"\u00FC"#, count: 180)
        #expect(JSONEncoding.yamlText(value) == "{\"\(short)\": \"\(escaped)\", ? \"\(escaped)\": {? \"\(escaped)\": null}}")
    }

    @Test func `of two members with one name, the last value is written at the first position`() {
        let members = [JSONMember("a", .integer(1)), JSONMember("b", .integer(2)), JSONMember("a", .integer(3))]
        #expect(JSONEncoding.text(.object(members)) == #"{"a": 3, "b": 2}"#)
    }

    @Test func `a text that grows sixfold by escapes is complete`() throws {
        let text = String(repeating: "ü", count: 100_000)
        #expect(JSONEncoding.bytes(.string(text)).count == 600_002)
        #expect(try JSONParsing.value(of: JSONEncoding.bytes(.string(text))) == .string(text))
        #expect(JSONEncoding.bytes(.string(String(repeating: "a", count: 90) + "üüüüüü")).count == 128)
        #expect(JSONEncoding.text(.array(Array(repeating: .integer(.min), count: 1000))).utf8.count == 22_000)
    }

    @Test func `a real that is not finite traps`() async {
        await #expect(processExitsWith: .failure) { _ = JSONEncoding.bytes(.array([.real(.infinity)])) }
        await #expect(processExitsWith: .failure) { _ = JSONEncoding.bytes(.real(.nan)) }
    }
}

import Common
import Testing

struct PercentEncodingTests {
    @Test(arguments: [
        ("", ""), ("azAZ09-._~", "azAZ09-._~"), ("a b", "a%20b"), ("/?#&=+%", "%2F%3F%23%26%3D%2B%25"), ("ü", "%C3%BC"),
        ("\0\u{7F}\n", "%00%7F%0A"), ("🐧", "%F0%9F%90%A7"),
    ]) func `reserved characters are encoded, and decoded again`(text: String, encoded: String) {
        #expect(PercentEncoding.encoded(text) == encoded)
        #expect(PercentEncoding.decoded(encoded[...]) == text)
    }

    @Test(arguments: [
        ("%2f%2F", "//"), ("%252e", "%2e"), ("%", "%"), ("%2", "%2"), ("a%4", "a%4"), ("%zz%41", "%zzA"), ("%+5", "%+5"),
        ("%%41", "%A"), ("100%", "100%"), ("a+b", "a+b"), ("%FF", "\u{FFFD}"), ("%C3%BC", "ü"),
    ]) func `a percent sign without two digits is kept`(text: String, decoded: String) {
        #expect(PercentEncoding.decoded(text[...]) == decoded)
    }

    @Test func `an encoded forbidden octet is rejected, an unencoded one is not`() {
        func decoded(_ text: String) -> [UInt8]? {
            PercentEncoding.decoded(text.utf8Span.span, refusing: UInt8(ascii: "/"))
        }
        #expect(decoded("/a%62/") == Array("/ab/".utf8))
        #expect(decoded("a%2Fb") == nil)
        #expect(decoded("a%2fb") == nil)
        #expect(decoded("a%252F") == Array("a%2F".utf8))
        #expect(decoded("a%2") == Array("a%2".utf8))
    }

    @Test func `all octets are encoded as they are decoded`() throws {
        let text = String((0...0x17F).compactMap { UnicodeScalar($0).map(Character.init) })
        let encoded = PercentEncoding.encoded(text)
        #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
        #expect(PercentEncoding.decoded(encoded[...]) == text)
    }
}

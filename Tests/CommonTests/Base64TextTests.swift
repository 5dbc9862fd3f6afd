import Common
import Testing

@Suite struct Base64TextTests {
    @Test(arguments: [
        ("", ""), ("QQ==", "A"), ("QUI=", "AB"), ("QUJD", "ABC"), (" QU\tJD\r\n QQ = =\n", "ABCA"),
        ("+/+/", "\u{FB}\u{FF}\u{BF}"),
    ]) func `base64 is read with white space anywhere`(text: String, expected: String) {
        #expect(Base64Text.decoded(text.utf8) == expected.unicodeScalars.map { UInt8($0.value) })
    }

    @Test(arguments: [
        "A", "QQ", "QQ=", "QQ===", "=", "==", "====", "QUJD=", "QUJD==", "QUJD====", "Q=Q=", "=QQQ", "QQ==QQ==", "-_-_",
        "QUJD\u{A0}",
        "QU\u{301}D", "QUJ\0", "data:;base64,QUJD", "١٢٣٤",
    ]) func `no other text is base64`(text: String) {
        #expect(Base64Text.decoded(text.utf8) == nil)
    }
}

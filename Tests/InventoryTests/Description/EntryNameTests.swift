import Testing

@testable import Inventory

@Suite struct EntryNameTests {
    @Test(arguments: [
        "a", "a b", "0", "größe", "...", ".a", "a?b", "%2e", "\u{301}", "a\u{200D}", "日本", "👩‍👩‍👧", "a:b", "\u{600}a",
    ]) func `a name that survives a listing and a path is valid`(name: String) {
        #expect(reasonAgainstEntryName(name) == nil)
    }

    @Test(arguments: [
        ("", "is empty"), (".", "must not be '.' or '..'"), ("..", "must not be '.' or '..'"), ("a/b", "contains '/'"),
        ("/", "contains '/'"),
        ("a/\u{301}", "contains '/'"), ("\u{600}/", "contains '/'"), ("a=b", "contains '='"), ("=\u{301}", "contains '='"),
        (" a", "begins or ends with a space"), ("a ", "begins or ends with a space"), ("a\u{A0}", "begins or ends with a space"),
        ("\u{3000}a", "begins or ends with a space"), ("\u{600} ", "begins or ends with a space"),
        (" \u{301}", "begins or ends with a space"),
    ]) func `any other name is refused with the reason`(name: String, reason: String) {
        #expect(reasonAgainstEntryName(name) == reason)
    }

    @Test(arguments: [
        "\n", "\r", "\t", "\u{B}", "\u{C}", "\u{1C}", "\u{1D}", "\u{1E}", "\u{1F}", "\0", "\u{7F}", "\u{85}", "\u{2028}",
        "\u{2029}",
    ])
    func `no character at which a client breaks lines is in a name`(character: String) {
        #expect(reasonAgainstEntryName("a\(character)b") == "contains a line break or another control character")
    }

    @Test func `a tag's name may contain an equals sign`() {
        for name in ["a=b", "a/b", ".", " a"] { #expect(reasonAgainstTagName(name) == nil) }
        for name in ["", "a\nb", "a\u{2028}b"] { #expect(reasonAgainstTagName(name) != nil) }
    }
}

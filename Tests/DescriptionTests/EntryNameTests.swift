import Testing

@testable import Common
@testable import Description

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

    @Test func `an entry that no request can name is not listed`() {
        let longest = String(repeating: "a", count: TreePath.longestName)
        let encoded = String(repeating: "é", count: TreePath.longestName / 6)
        #expect(reasonAgainstEntryName(longest) == nil && reasonAgainstEntryName(encoded) == nil)
        for name in [longest + "a", encoded + "é"] {
            #expect(reasonAgainstEntryName(name) == "is too long for a URL")
            #expect(!Tag(name, "").isListable && Tag(longest, "").isListable)
        }
        let target = "/ec2/2024-04-11/meta-data/iam/security-credentials/" + PercentEncoding.encoded(encoded)
        #expect(TreePath(target: target)?.names.last == encoded && TreePath(target: "/latest/additional/" + longest) != nil)
    }

    @Test func `the names of a path have a limit together`() throws {
        let name = String(repeating: "a", count: 300)
        let found = try assembled(
            "<additional>{\"\(name)\": {\"\(name)\": {\"\(name)\": {\"\(name)\": 1}, \"b\": 2}}}</additional>")
        let deepest = found.instance.documents.additional?.node(at: [name, name][...])
        guard case .directory(let directory)? = deepest else { return #expect(Bool(false), "no directory") }
        #expect(directory.members.map(\.name) == ["b"])
        #expect(found.findings.map(\.problem).first?.hasSuffix("is too long for a URL") == true)
    }

    @Test func `a tag's name may contain an equals sign`() {
        for name in ["a=b", "a/b", ".", " a"] { #expect(reasonAgainstTagName(name) == nil) }
        for name in ["", "a\nb", "a\u{2028}b"] { #expect(reasonAgainstTagName(name) != nil) }
    }
}

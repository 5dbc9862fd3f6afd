import Testing

@testable import Description

@Suite struct HostnameTests {
    @Test(arguments: [
        "a", "web-1", "web.example.com", "0", "1.2.3", "A.B", "xn--gre-6ka", String(repeating: "a", count: 63),
        String(repeating: "a.", count: 126) + "a",
    ]) func `labels of letters, digits and inner hyphens are a host name`(name: String) {
        #expect(Hostname.isValid(name))
        #expect(Hostname.nearest(to: name) == name.lowercased())
    }

    @Test(arguments: [
        "", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a_b", "a b", "größe", "a/b", "a\n", "１",
        String(repeating: "a", count: 64),
        String(repeating: "a.", count: 126) + "aa",
    ]) func `anything else is not a host name`(name: String) {
        #expect(!Hostname.isValid(name))
    }

    @Test(arguments: [
        ("Web Server", "web-server"), ("größe Ω", "gr-e"), ("_a__b_", "a-b"), ("a..b.", "a.b"), ("--a--.--b--", "a.b"),
        ("a. .b", "a.b"),
        ("web/1", "web-1"), ("İ", "i"), (String(repeating: "a", count: 70), String(repeating: "a", count: 63)),
        (String(repeating: "a", count: 62) + "-b", String(repeating: "a", count: 62)),
        (String(repeating: "a.", count: 126) + "bb", String(repeating: "a.", count: 125) + "a"),
    ]) func `the nearest host name keeps allowed characters`(text: String, name: String) {
        #expect(Hostname.nearest(to: text) == name)
        #expect(Hostname.isValid(name))
    }

    @Test(arguments: ["", ".", "-", " ", "Ω", "日本", "..--.."]) func `a text of other characters only gives no host name`(
        text: String
    ) {
        #expect(Hostname.nearest(to: text) == nil)
    }
}

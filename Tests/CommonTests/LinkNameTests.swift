import Common
import Testing

struct LinkNameTests {
    @Test(arguments: ["virbr0", "br-lan.7", "tap-web", "fifteen-bytes-x", "a;b", "a'b", "{a}", "$a"])
    func `a name that a distribution gives a link is possible, printable and quotable`(name: String) {
        #expect(LinkName.isPossible(name) && LinkName.isPrintable(name) && LinkName.isQuotable(name))
    }

    @Test(arguments: ["a*", "*", "a\"b", "a\\b"])
    func `a name with a special meaning in nft is not quotable`(name: String) {
        #expect(LinkName.isPossible(name) && LinkName.isPrintable(name) && !LinkName.isQuotable(name))
    }

    @Test(arguments: ["é", "br-ü", "\u{212A}", "日本"])
    func `a name beyond ASCII is possible, but neither printable nor quotable`(name: String) {
        #expect(LinkName.isPossible(name) && !LinkName.isPrintable(name) && !LinkName.isQuotable(name))
    }

    @Test(arguments: ["", "sixteen-bytes-xx", "a b", "a\nb", "a\u{7F}b", "a\u{9B}b", "a\u{A0}b"])
    func `a name that the kernel rejects, or that has control characters, is not possible`(name: String) {
        #expect(!LinkName.isPossible(name) && !LinkName.isPrintable(name) && !LinkName.isQuotable(name))
    }

    @Test(arguments: ["a/b", "a:b", ".", ".."]) func `a path or an alias is not a possible name`(name: String) {
        #expect(!LinkName.isPossible(name))
    }
}

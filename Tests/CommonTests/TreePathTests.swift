import Common
import Testing

@Suite struct TreePathTests {
    @Test(
        arguments: [
            ("/", []), ("", []), ("//", []), ("/.", []), ("/./.", []), ("/foo/../", []), ("/..", []), ("/latest/../..", []),
            ("/latest", ["latest"]), ("/latest/", ["latest"]), ("latest", ["latest"]),
            ("//latest//meta-data///instance-id/", ["latest", "meta-data", "instance-id"]),
            ("/latest/./meta-data/../user-data", ["latest", "user-data"]), ("/../../etc/passwd", ["etc", "passwd"]),
            ("/openstack/../latest", ["latest"]), ("/...", ["..."]), ("/.a/..b", [".a", "..b"]),
        ] as [(String, [String])]) func `empty names and dots are dropped, and two dots stop at the root`(
            target: String, names: [String]
        )
    {
        #expect(TreePath(target: target)?.names == names)
    }

    @Test(
        arguments: [
            ("/latest/meta%2Ddata", ["latest", "meta-data"]), ("/a%2Eb", ["a.b"]), ("/%4a%4A", ["JJ"]),
            ("/%2e%2e/a", ["a"]), ("/a/%2E%2e/b", ["b"]), ("/a/%2e/b", ["a", "b"]), ("/a%20b", ["a b"]), ("/a+b", ["a+b"]),
            ("/%C3%BC", ["ü"]), ("/%25", ["%"]), ("/%252e", ["%2e"]), ("/a%3Fb", ["a?b"]), ("/a%23b", ["a#b"]),
            ("/%", ["%"]), ("/%2", ["%2"]), ("/%zz", ["%zz"]), ("/%+5", ["%+5"]), ("/100%/x", ["100%", "x"]), ("/%0A", ["\n"]),
        ] as [(String, [String])]) func `escapes are decoded once, before the path is split`(target: String, names: [String])
    {
        #expect(TreePath(target: target)?.names == names)
    }

    @Test(arguments: ["/latest%2fuser-data", "/latest/meta-data%2F", "/%2f", "http://host/latest%2Fuser-data"])
    func `a target with an encoded slash is rejected`(target: String) {
        #expect(TreePath(target: target) == nil)
        #expect(TreePath(target: "/latest?%2f")?.names == ["latest"], "the query never matters")
    }

    @Test func `a target that is too long is rejected`() {
        let longest = "/" + String(repeating: "a", count: TreePath.longestTarget - 1)
        #expect(TreePath(target: longest) != nil)
        #expect(TreePath(target: longest + "a") == nil)
        #expect(TreePath(target: "/?" + longest) == nil, "its query counts")
        #expect(TreePath(target: "/" + String(repeating: "ü", count: TreePath.longestTarget / 2)) == nil, "bytes count")
    }

    @Test(arguments: ["/latest/%00", "/\0", "/%ff", "/%C3", "/%C3/%BC", "/%ED%A0%80", "/%C0%AF"])
    func `a target with invalid UTF-8 or U+0000 is rejected`(target: String) {
        #expect(TreePath(target: target) == nil)
    }

    @Test(arguments: ["/a/b?x=/c", "/a/b?", "/a/b?a?b", "/a/b#c", "/a/b#c?d", "/a/b/?x=%ff%00"])
    func `query and fragment are ignored`(target: String) {
        #expect(TreePath(target: target)?.names == ["a", "b"])
    }

    @Test(
        arguments: [
            ("http://169.254.169.254/latest/user-data", ["latest", "user-data"]), ("http://[fe80::a9fe:a9fe]:80/a?b", ["a"]),
            ("https://host/", []), ("http://host", []), ("http://host?x=/y", []), ("http://a@b/c/../d", ["d"]),
            ("/http://host/a", ["http:", "host", "a"]),
        ] as [(String, [String])]) func `an absolute URL is reduced to its path`(target: String, names: [String])
    {
        #expect(TreePath(target: target)?.names == names)
    }

    @Test func `a slash followed by a combining mark separates names`() {
        #expect(TreePath(target: "/a/\u{301}b")?.names == ["a", "\u{301}b"])
        #expect(TreePath(target: "/a/%CC%81")?.names == ["a", "\u{301}"])
        #expect(TreePath(target: "/%D8%80/b")?.names == ["\u{600}", "b"])
        #expect(TreePath(target: "http://host/\u{301}")?.names == ["\u{301}"])
    }

    @Test func `a path shows its names between slashes`() {
        #expect(TreePath([]).description == "/")
        #expect(TreePath(["latest", "meta-data"]).description == "/latest/meta-data")
    }
}

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
        ] as [(String, [String])]) func `empty names and dots vanish, and two dots stop at the root`(
            target: String, names: [String]
        )
    {
        #expect(TreePath(target: target)?.names == names)
    }

    @Test(
        arguments: [
            ("/latest/meta%2Ddata", ["latest", "meta-data"]), ("/latest%2fmeta-data%2Fx", ["latest", "meta-data", "x"]),
            ("/%2e%2e/a", ["a"]), ("/a/%2E%2e/b", ["b"]), ("/a/%2e/b", ["a", "b"]), ("/a%20b", ["a b"]), ("/a+b", ["a+b"]),
            ("/%C3%BC", ["ü"]), ("/%25", ["%"]), ("/%252e", ["%2e"]), ("/a%3Fb", ["a?b"]), ("/a%23b", ["a#b"]),
            ("/%", ["%"]), ("/%2", ["%2"]), ("/%zz", ["%zz"]), ("/%+5", ["%+5"]), ("/100%/x", ["100%", "x"]), ("/%0A", ["\n"]),
        ] as [(String, [String])]) func `escapes are decoded once, before names are parted`(target: String, names: [String])
    {
        #expect(TreePath(target: target)?.names == names)
    }

    @Test(arguments: ["/latest/%00", "/\0", "/%ff", "/%C3", "/%C3/%BC", "/%ED%A0%80", "/%C0%AF"])
    func `what is no text, or holds U+0000, names no place`(target: String) {
        #expect(TreePath(target: target) == nil)
    }

    @Test(arguments: ["/a/b?x=/c", "/a/b?", "/a/b?a?b", "/a/b#c", "/a/b#c?d", "/a/b/?x=%ff%00"])
    func `query and fragment never matter`(target: String) {
        #expect(TreePath(target: target)?.names == ["a", "b"])
    }

    @Test(
        arguments: [
            ("http://169.254.169.254/latest/user-data", ["latest", "user-data"]), ("http://[fe80::a9fe:a9fe]:80/a?b", ["a"]),
            ("https://host/", []), ("http://host", []), ("http://host?x=/y", []), ("http://a@b/c/../d", ["d"]),
            ("/http://host/a", ["http:", "host", "a"]),
        ] as [(String, [String])]) func `of a whole URL only the path counts`(target: String, names: [String])
    {
        #expect(TreePath(target: target)?.names == names)
    }

    @Test func `a slash parts names whatever mark joins it`() {
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

import Common
import Testing

@Suite struct WalkTests {
    private struct View: MetadataView {
        let tree: Node
        var name: String { "test" }
        var root: TreePath { TreePath(["t"]) }
        func publicNode(at path: TreePath) -> Node? { nil }
        func node(at path: TreePath, for question: Question) -> Node? {
            var node: Node? = tree
            for name in path.names.dropFirst() {
                guard case .directory(let directory) = node else { return nil }
                node = directory.members.first { $0.name == name }?.node
            }
            return node
        }
    }

    private func text(_ members: [Directory.Member]) throws -> String {
        let directory = try #require(Directory(members))
        let question = Question(about: .example(), address: nil, interface: nil, entropy: .system)
        return try Walk(through: View(tree: .directory(directory)), from: TreePath(["t"]), for: question).text
    }

    @Test func `each directory precedes its entries, in the order of the listing`() throws {
        let inner = try #require(Directory([Directory.Member("c", .text("deep"))]))
        #expect(
            try text([Directory.Member("b", .directory(inner)), Directory.Member("a", .text("x"))]) == """
                /t  text, 4 bytes
                    b/
                    a
                /t/b  text, 1 bytes
                    c
                /t/b/c  text, 4 bytes
                    deep
                /t/a  text, 1 bytes
                    x

                """)
    }

    @Test func `a number before the equals sign is followed, else the whole line`() throws {
        let walk = try text([
            Directory.Member("0", .text("key"), label: "0=name"), Directory.Member("a=b", .text("x")),
            Directory.Member("1", .text("accent"), label: "1=\u{301}"),
            Directory.Member("\u{600}", isDirectory: true) { .text("y") },
        ])
        #expect(walk.contains("/t/0  text, 3 bytes\n    key\n"))
        #expect(walk.contains("/t/a=b  text, 1 bytes\n    x\n"))
        #expect(walk.contains("/t/1  text, 6 bytes\n    accent\n"))
        #expect(walk.contains("/t/\u{600}  text, 1 bytes\n    y\n"))
    }

    @Test func `a line without a node is recorded`() throws {
        #expect(try text([Directory.Member("gone", isDirectory: false) { nil }]).hasSuffix("/t/gone  leads nowhere\n"))
        #expect(try text([Directory.Member("a\nb", .text("x"))]).contains("/t/a  leads nowhere\n/t/b  leads nowhere\n"))
    }

    @Test func `binary content is shown as base64, with its media type`() throws {
        let walk = try text([
            Directory.Member("bytes", .bytes([0xFF, 0])), Directory.Member("crlf", .text("a\r\n")),
            Directory.Member("empty", .text("")),
            Directory.Member("json", .document(.json) { Array("{}".utf8) }), Directory.Member("end", .text("a\tb\n")),
        ])
        #expect(walk.contains("/t/bytes  text, 2 bytes\n    base64: /wA=\n"))
        #expect(walk.contains("/t/crlf  text, 3 bytes\n    base64: YQ0K\n"))
        #expect(walk.contains("/t/empty  text, 0 bytes\n/t/json  json, 2 bytes\n    {}\n"))
        #expect(walk.hasSuffix("/t/end  text, 4 bytes\n    a\tb\n    \n"))
    }

    @Test func `a view claims the paths below its root`() {
        let view = View(tree: .text("x"))
        #expect(view.claims(TreePath(["t"])) && view.claims(TreePath(["t", "a"])))
        #expect(!view.claims(TreePath([])) && !view.claims(TreePath(["tt"])))
    }
}

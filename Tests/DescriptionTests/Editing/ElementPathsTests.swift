import Testing

@testable import Description

/// The paths of an element's values, by which `disable` names what it keeps and how to remove it.
struct ElementPathsTests {
    private func paths(_ elements: String) -> [String] {
        InstanceElement("<instance>\(elements)</instance>").paths.map(\.description)
    }

    @Test(
        arguments: [
            ("", []), ("<hostname>a</hostname><userdata merge='append'>b</userdata>", ["hostname", "userdata"]),
            (
                "<tags merge='replace'><tag name='a b'>1</tag><tag name='c'/></tags>",
                ["tags/tag[a b]", "tags/tag[c]", "tags@merge"]
            ),
            ("<imds tokens='required' hop-limit='2'/>", ["imds@tokens", "imds@hop-limit"]),
            (
                "<public-keys><public-key name='me'><key>k</key><key>l</key></public-key></public-keys>",
                ["public-keys/public-key[me]/key"]
            ),
            (
                "<interfaces><interface mac='52:54:00:00:00:01'><address>192.0.2.1/24</address><route to='::/0' via='fe80::1'/></interface></interfaces>",
                [
                    "interfaces/interface[52:54:00:00:00:01]/address",
                    "interfaces/interface[52:54:00:00:00:01]/route[::/0]@via",
                ]
            ),
            ("<security-groups><group>a</group><group>b</group></security-groups>", ["security-groups/group"]),
            ("<iam><security-credentials role='r'>{}</security-credentials></iam>", ["iam/security-credentials[r]"]),
        ] as [(String, [String])]) func `unset of all paths removes the element`(elements: String, expected: [String]) throws
    {
        #expect(paths(elements) == expected)
        let element = InstanceElement("<instance>\(elements)</instance>")
        #expect(try element.isRemoved(byUnsetting: element.paths) == !expected.isEmpty)
    }

    @Test func `a long name is not repeated for each of thousands of elements below it`() {
        let name = String(repeating: "n", count: 100_000)
        let keys = (0..<2_000).map { "<key format='f\($0)'>k</key>" }.joined()
        let found = InstanceElement(
            "<instance><public-keys><public-key name='\(name)'>\(keys)</public-key></public-keys><hostname>a</hostname></instance>"
        ).paths
        #expect(found.map(\.description).reduce(0) { $0 + $1.utf8.count } <= InstanceElement.mostBytesOfPaths)
    }

    @Test(arguments: ["<hostnam>a</hostnam>", "<tags/>", "<tags><tag>a</tag></tags>", "<tags><tag name='a]b'>c</tag></tags>"])
    func `what no path names is found`(elements: String) throws {
        let element = InstanceElement("<instance><hostname>a</hostname>\(elements)</instance>")
        #expect(element.paths.map(\.description) == ["hostname"])
        #expect(try !element.isRemoved(byUnsetting: element.paths))
    }
}

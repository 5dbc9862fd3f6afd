import Common
import EC2API
import FoundationEssentials
import Inventory
import NoCloudAPI
import OpenStackAPI
import Testing
import XML

@Suite struct GoldenWalkTests {
    @Test func `there is a story for everything that a guest may be`() {
        #expect(
            Set(Story.all.map(\.name)).isSuperset(of: [
                "seed", "rich", "minimal", "no-keys", "several-keys", "base64", "gzip", "crlf", "indented", "indented-uneven",
                "one-line",
                "non-ascii", "no-metadata", "two-nics", "broken", "broken-too", "ec2", "openstack",
            ]))
    }

    @Test(arguments: Story.all) func `a guest walks through the EC2 tree as it is written down`(story: Story) throws {
        try golden("ec2.txt", of: story).expect(goldenWalk(through: EC2View(), for: story.question()))
    }

    @Test(arguments: Story.all) func `a guest walks through the OpenStack documents as it is written down`(story: Story) throws {
        try golden("openstack.txt", of: story).expect(goldenWalk(through: OpenStackView(), for: story.question()))
    }

    @Test(arguments: Story.all) func `a guest reads the NoCloud files as they are written down`(story: Story) throws {
        let walk = Walk(through: NoCloudView(), from: TreePath(["nocloud"]), for: try story.question())
        try golden("nocloud.txt", of: story).expect(walk.text)
    }

    @Test(arguments: Story.all) func `an operator is told what cannot be used as it is written down`(story: Story) throws {
        let findings = try story.assembled().findings.map { "\($0)\n" }.joined()
        try GoldenFile(url: story.folder.appending(path: "findings.txt")).expect(findings)
    }

    @Test func `converting the older format yields the file beside it`() throws {
        let seed = Story(name: "seed").folder
        let bare = try Fixtures.bytes(of: seed.appending(path: "domain.xml"))
        guard case .rewritten(let converted, _) = try convertBareMetadata(in: bare) else {
            Issue.record("the seed's domain has nothing to convert")
            return
        }
        try GoldenFile(url: seed.appending(path: "converted.xml")).expect(String(decoding: converted, as: UTF8.self))
    }

    @Test func `a guest reads the same before and after its domain is converted`() throws {
        let seed = Story(name: "seed")
        try golden("ec2.txt", of: seed).expect(goldenWalk(through: EC2View(), for: seed.question(about: "converted.xml")))
        try golden("openstack.txt", of: seed).expect(
            goldenWalk(through: OpenStackView(), for: seed.question(about: "converted.xml")))
        #expect(try seed.assembled(from: "converted.xml").findings == [])
    }

    private func golden(_ file: String, of story: Story) -> GoldenFile {
        GoldenFile(url: story.folder.appending(path: "golden/\(file)"))
    }
}

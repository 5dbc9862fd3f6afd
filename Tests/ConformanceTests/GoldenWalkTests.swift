import Common
import Description
import EC2API
import FoundationEssentials
import NoCloudAPI
import OpenStackAPI
import Testing
import XML

@Suite struct GoldenWalkTests {
    @Test func `there is a case for every kind of domain`() {
        #expect(
            Set(Case.all.map(\.name)).isSuperset(of: [
                "seed", "rich", "minimal", "no-keys", "several-keys", "base64", "gzip", "crlf", "indented", "indented-uneven",
                "one-line",
                "non-ascii", "no-metadata", "two-nics", "broken", "broken-too", "ec2", "openstack",
                "networks", "profiles",
            ]))
    }

    @Test(arguments: Case.all) func `the EC2 tree equals its golden file`(fixture: Case) throws {
        try golden("ec2.txt", of: fixture).expect(try goldenWalk(through: EC2View(), for: fixture.question()))
    }

    @Test(arguments: Case.all) func `the OpenStack documents equal their golden file`(fixture: Case) throws {
        try golden("openstack.txt", of: fixture).expect(try goldenWalk(through: OpenStackView(), for: fixture.question()))
    }

    @Test(arguments: Case.all) func `the NoCloud files equal their golden file`(fixture: Case) throws {
        let walk = try Walk(through: NoCloudView(), from: TreePath(["nocloud"]), for: try fixture.question())
        try golden("nocloud.txt", of: fixture).expect(walk.text)
    }

    @Test(arguments: Case.all) func `the findings equal their golden file`(fixture: Case) throws {
        let findings = try fixture.assembled().findings.map { "\($0)\n" }.joined()
        try GoldenFile(url: fixture.folder.appending(path: "findings.txt")).expect(findings)
    }

    @Test func `the converted older format equals its golden file`() throws {
        let seed = Case(name: "seed").folder
        let bare = try Fixtures.bytes(of: seed.appending(path: "domain.xml"))
        guard case .rewritten(let converted, _) = try convertBareMetadata(in: bare) else {
            Issue.record("the seed's domain has nothing to convert")
            return
        }
        try GoldenFile(url: seed.appending(path: "converted.xml")).expect(String(decoding: converted, as: UTF8.self))
    }

    @Test func `metadata is the same before and after conversion`() throws {
        let seed = Case(name: "seed")
        try golden("ec2.txt", of: seed).expect(try goldenWalk(through: EC2View(), for: seed.question(about: "converted.xml")))
        try golden("openstack.txt", of: seed).expect(
            try goldenWalk(through: OpenStackView(), for: seed.question(about: "converted.xml")))
        // Its key is a placeholder.
        #expect(try seed.assembled(from: "converted.xml").findings.map(\.element) == ["public-keys/public-key/key"])
    }

    private func golden(_ file: String, of fixture: Case) -> GoldenFile {
        GoldenFile(url: fixture.folder.appending(path: "golden/\(file)"))
    }
}

import FoundationEssentials
import OpenStackAPI
import Testing

/// `docs/reference/openstack.md` and the tables in the code agree.
@Suite struct OpenStackPageTests {
    private let page = try? Fixtures.text(of: Fixtures.package.appending(path: "docs/reference/openstack.md"))

    @Test func `the page lists exactly the files and fields of the code, with their versions and in order`() throws {
        let rows = try #require(page).split(separator: "\n").compactMap { line -> String? in
            line.firstMatch(of: /^\| `([^`]+)` \| `([^`]+)` \|.*\|$/).map { "\($0.1) since \($0.2)" }
        }
        #expect(rows == (OpenStackView.files + OpenStackView.metaDataFields).map { "\($0.name) since \($0.since.rawValue)" })
    }

    @Test func `the page names every version`() throws {
        let page = try #require(page)
        for version in OpenStackVersion.allCases { #expect(page.contains("`\(version.rawValue)`")) }
    }
}

import EC2API
import FoundationEssentials
import Testing

/// `docs/ec2.md` and the table of the code say the same.
@Suite struct EC2PageTests {
    private struct Row: Hashable {
        let path: String
        let since: String
    }

    private let page = try? Fixtures.text(of: Fixtures.package.appending(path: "docs/ec2.md"))

    @Test func `the page names every place with its version, and no other`() throws {
        let rows = try #require(page).split(separator: "\n").compactMap { line -> Row? in
            guard let match = line.firstMatch(of: /^\| `([^`]+)` \| `([^`]+)` \|.*\|.*\|.*\|$/) else { return nil }
            return Row(path: String(match.1), since: String(match.2))
        }
        let interfaces = "meta-data/network/interfaces/macs/<mac>/"
        let places = EC2View.places.map { place in
            Row(path: place.path.replacing(interfaces, with: ""), since: place.since.rawValue)
        }
        #expect(Set(rows).subtracting(places) == [], "the page has what the code has not")
        #expect(Set(places).subtracting(rows) == [], "the code has what the page has not")
        #expect(rows.count == places.count)
    }

    @Test func `the page names every version`() throws {
        let page = try #require(page)
        for version in EC2Version.allCases { #expect(page.contains("`\(version.rawValue)`")) }
    }
}

import EC2API
import FoundationEssentials
import Testing

/// `docs/reference/ec2.md` and the table in the code agree.
@Suite struct EC2PageTests {
    private struct Row: Hashable {
        let path: String
        let since: String
    }

    private let page = try? Fixtures.text(of: Fixtures.package.appending(path: "docs/reference/ec2.md"))

    @Test func `the page lists exactly the paths of the code, with their versions`() throws {
        let rows = try #require(page).split(separator: "\n").compactMap { line -> Row? in
            guard let match = line.firstMatch(of: /^\| `([^`]+)` \| `([^`]+)` \|.*\|.*\|.*\|$/) else { return nil }
            return Row(path: String(match.1), since: String(match.2))
        }
        let interfaces = "meta-data/network/interfaces/macs/<mac>/"
        let entries = EC2View.entries.map { entry in
            Row(path: entry.path.replacing(interfaces, with: ""), since: entry.since.rawValue)
        }
        #expect(Set(rows).subtracting(entries) == [], "the page has what the code has not")
        #expect(Set(entries).subtracting(rows) == [], "the code has what the page has not")
        #expect(rows.count == entries.count)
    }

    @Test func `the page names every version`() throws {
        let page = try #require(page)
        for version in EC2Version.allCases { #expect(page.contains("`\(version.rawValue)`")) }
    }
}

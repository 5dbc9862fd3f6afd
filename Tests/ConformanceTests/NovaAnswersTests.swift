import FoundationEssentials
import Testing

@Suite struct NovaAnswersTests {
    private static let document = Fixtures.package.appending(path: "docs/reference/nova-differences.md")

    @Test(arguments: ["rich", "minimal"]) func `responses equal Nova's except for documented differences`(name: String) throws {
        let table = try NovaDifferenceTable(markdown: Fixtures.text(of: Self.document))
        let undocumented = try differences(of: name).filter { difference in
            !table.rows.contains { row in row.paths.contains { row.describes(difference, onPath: $0, of: name) } }
        }
        #expect(
            undocumented.isEmpty, "\(undocumented.count) differences without a row:\n\(undocumented.map { "\($0)\n" }.joined())")
    }

    @Test func `each documented difference exists on each of its paths`() throws {
        let table = try NovaDifferenceTable(markdown: Fixtures.text(of: Self.document))
        #expect(table.rows.count > 20)
        for name in ["rich", "minimal"] {
            let differences = try differences(of: name)
            for row in table.rows where row.cases.contains(name) {
                for path in row.paths {
                    let isThere = differences.contains { row.describes($0, onPath: path, of: name) }
                    #expect(isThere, "\(row): there is no such difference at \(path) of \(name)")
                }
            }
        }
    }

    @Test func `the crawl covers every path of both cases`() throws {
        #expect(try NovaCrawl(case: "rich").replies.count == 451)
        #expect(try NovaCrawl(case: "minimal").replies.count == 389)
    }

    private func differences(of name: String) throws -> [NovaDifference] {
        let question = try Case(name: name).question()
        return try NovaCrawl(case: name).replies.flatMap { try NovaDifference.all(of: $0, question) }
    }
}

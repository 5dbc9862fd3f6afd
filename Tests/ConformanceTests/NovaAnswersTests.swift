import FoundationEssentials
import Testing

@Suite struct NovaAnswersTests {
    private static let document = Fixtures.package.appending(path: "docs/nova-differences.md")

    @Test(arguments: ["rich", "minimal"]) func `answers are Nova's but for the differences that are told`(story: String) throws {
        let table = try NovaDifferenceTable(markdown: Fixtures.text(of: Self.document))
        let untold = try differences(of: story).filter { difference in
            !table.rows.contains { row in row.paths.contains { row.describes(difference, onPath: $0, of: story) } }
        }
        #expect(untold.isEmpty, "\(untold.count) differences without a row:\n\(untold.map { "\($0)\n" }.joined())")
    }

    @Test func `each difference that is told is there, on each path that it names`() throws {
        let table = try NovaDifferenceTable(markdown: Fixtures.text(of: Self.document))
        #expect(table.rows.count > 20)
        for story in ["rich", "minimal"] {
            let differences = try differences(of: story)
            for row in table.rows where row.stories.contains(story) {
                for path in row.paths {
                    let isThere = differences.contains { row.describes($0, onPath: path, of: story) }
                    #expect(isThere, "\(row): there is no such difference at \(path) of \(story)")
                }
            }
        }
    }

    @Test func `the crawl asked for every place of both stories`() throws {
        #expect(try NovaCrawl(story: "rich").replies.count == 451)
        #expect(try NovaCrawl(story: "minimal").replies.count == 389)
    }

    private func differences(of story: String) throws -> [NovaDifference] {
        let question = try Story(name: story).question()
        return try NovaCrawl(story: story).replies.flatMap { try NovaDifference.all(of: $0, question) }
    }
}

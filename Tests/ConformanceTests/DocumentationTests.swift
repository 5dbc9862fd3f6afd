import FoundationEssentials
import Testing

/// Links and structure of the documentation.
@Suite struct DocumentationTests {
    private static let pages: [URL] = {
        let folder = Fixtures.package.appending(path: "docs")
        let below = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
        let above = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
        return above.map { Fixtures.package.appending(path: $0) }
            + below.filter { $0.hasSuffix(".md") }.sorted().map { folder.appending(path: $0) }
    }()

    @Test func `every link has an existing file and heading`() throws {
        #expect(Self.pages.count > 20)
        for page in Self.pages {
            for match in try Fixtures.text(of: page).matches(of: /\]\(([^)\s]+)\)/) where !match.1.hasPrefix("http") {
                let parts = match.1.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                let target =
                    parts[0].isEmpty ? page : page.deletingLastPathComponent().appending(path: parts[0]).standardizedFileURL
                #expect(FileManager.default.fileExists(atPath: target.path), "\(page.lastPathComponent): \(match.1)")
                guard parts.count > 1 else { continue }
                let anchors = try Self.anchors(of: target)
                #expect(anchors.contains(parts[1]), "\(page.lastPathComponent): \(match.1)")
            }
        }
    }

    /// The headings of a page, as links name them: lower-case, without punctuation, words joined by hyphens.
    private static func anchors(of page: URL) throws -> Set<String> {
        let headings = try Fixtures.text(of: page).split(separator: "\n").filter { $0.hasPrefix("#") }
        return Set(
            headings.map { heading in
                heading.drop { $0 == "#" || $0 == " " }.lowercased()
                    .filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" || $0 == " " }.replacing(" ", with: "-")
            })
    }

    @Test func `the first page is short`() throws {
        let lines = try Fixtures.text(of: Self.pages[0]).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count < 150)
    }

    @Test func `each recipe states when and with which versions it was tested, or that it was not`() throws {
        let recipes = Self.pages.filter { $0.path.contains("/recipes/") && $0.lastPathComponent != "README.md" }
        #expect(recipes.count >= 6)
        let index = try Fixtures.text(of: Fixtures.package.appending(path: "docs/recipes/README.md"))
        for recipe in recipes {
            let text = try Fixtures.text(of: recipe)
            #expect(index.contains("(\(recipe.lastPathComponent))"), "\(recipe.lastPathComponent) is not in the list")
            // If each value has a section, each section has a different title.
            let sections = text.split(separator: "\n## ").map { "## \($0)" }
            let own = sections.dropFirst()
            let hasOwn =
                !own.isEmpty && own.allSatisfy { $0.contains(/\*(Tried \d{4}-\d\d-\d\d|Not tried|From .*not tried)/) }
            #expect(hasOwn || sections[0].contains(/\*Tried \d{4}-\d\d-\d\d/), "\(recipe.lastPathComponent)")
        }
    }
}

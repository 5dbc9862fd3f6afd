import ArgumentParser
import Foundation
import TestSupport
import Testing

/// The commands that sentences and tables of the documentation mention; `DocumentedCommandsTests` run the lines to copy.
struct MentionedCommandTests {
    struct Mention: Sendable, CustomTestStringConvertible {
        let page: String
        let words: [String]

        var testDescription: String { "\(page): \(words.joined(separator: " "))" }
    }

    private static let mentions: [Mention] = {
        let project = URL(filePath: Program.fixtures).deletingLastPathComponent()
        let docs = project.appending(path: "docs").path
        let below = (try? FileManager.default.subpathsOfDirectory(atPath: docs)) ?? []
        let pages = ["README.md"] + below.filter { $0.hasSuffix(".md") && !$0.hasPrefix("dev/") }.sorted().map { "docs/\($0)" }
        return pages.flatMap { page -> [Mention] in
            let text = (try? String(contentsOf: project.appending(path: page), encoding: .utf8)) ?? ""
            let sentences = text.replacing(/(?ms)^```.*?^```/, with: "")
            return sentences.matches(of: /`(?:sudo )?virt-metadata ([^`…]+)`/).map { match in
                Mention(page: page, words: match.1.split { " \n>".contains($0) }.map { $0.filter { $0 != "'" } })
            }
        }
    }()

    @Test func `the pages mention commands`() {
        #expect(Self.mentions.count > 30)
        #expect(Set(Self.mentions.map(\.page)).count > 8)
    }

    @Test(arguments: mentions) func `each mentioned command exists, and has the options`(mention: Mention) async throws {
        let name = try #require(mention.words.first)
        // `--help` comes from the parser, which refuses what it does not know.
        let help = try await Program.run(more: Array(mention.words.prefix(name == "config" ? 2 : 1)) + ["--help"])
        #expect(help.status == 0, "\(mention.testDescription)\n\(help.stderr)")
        for word in mention.words.dropFirst() where word.hasPrefix("-") {
            let option = String(word.prefix { $0 != "=" })
            #expect(help.stdout.contains(option), "\(mention.testDescription): \(option)")
        }
    }
}

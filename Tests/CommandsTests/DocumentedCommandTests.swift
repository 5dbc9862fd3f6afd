import Foundation
import TestSupport
import Testing

@testable import Commands

/// The command lines of the documentation: each is accepted as it is printed.
struct DocumentedCommandTests {
    private static let project = URL(filePath: Program.fixtures).deletingLastPathComponent()

    /// A command line, without what the shell does with it.
    struct Line: Sendable, CustomTestStringConvertible {
        let page: String
        let words: [String]
        /// Whether it is a line to copy, and not a command that a sentence mentions.
        let isComplete: Bool

        var testDescription: String { "\(page): \(words.joined(separator: " "))" }
    }

    private static let lines: [Line] = {
        let docs = project.appending(path: "docs").path
        let below = (try? FileManager.default.subpathsOfDirectory(atPath: docs)) ?? []
        let pages = ["README.md"] + below.filter { $0.hasSuffix(".md") && !$0.hasPrefix("dev/") }.sorted().map { "docs/\($0)" }
        return pages.flatMap { page -> [Line] in
            let text = (try? String(contentsOf: project.appending(path: page), encoding: .utf8)) ?? ""
            let blocks = text.matches(of: /(?s)\n```sh\n(.*?)\n```/).map { String($0.1) }
            let mentions = text.replacing(/(?s)\n```.*?\n```/, with: "").matches(of: /`((?:sudo )?virt-metadata [^`]+)`/)
            return blocks.flatMap { commands(in: $0) }.map { Line(page: page, words: $0, isComplete: true) }
                + mentions.flatMap { commands(in: String($0.1)) }.map { Line(page: page, words: $0, isComplete: false) }
        }
    }()

    /// The arguments of each call of `virt-metadata` in lines of a shell.
    private static func commands(in script: String) -> [[String]] {
        var found: [[String]] = []
        for line in script.replacing("\\\n", with: " ").replacing("|\n", with: "| ").split(separator: "\n") {
            for var words in simpleCommands(in: String(line)) {
                if words.first == "sudo" { words.removeFirst() }
                if words.first == "virt-metadata" { found.append(Array(words.dropFirst())) }
            }
        }
        return found
    }

    /// The words of each command in a line: quotes are removed, and so are comments and redirections.
    private static func simpleCommands(in line: String) -> [[String]] {
        var commands: [[String]] = [[]]
        for match in line.matches(of: /(?:[^\s'"|;&<>#]|'[^']*'|"[^"]*")+|[|;&<>#]/) {
            switch match.output {
            case "#": return commands
            case "|", ";", "&": commands.append([])
            case "<", ">": commands[commands.count - 1].append(">")
            default: commands[commands.count - 1].append(match.output.filter { !"'\"".contains($0) })
            }
        }
        return commands.map { words in
            words.indices.filter { words[$0] != ">" && ($0 == 0 || words[$0 - 1] != ">") }.map { words[$0] }
        }
    }

    @Test func `the pages have command lines`() {
        #expect(Self.lines.count { $0.isComplete } > 40)
        #expect(Set(Self.lines.map(\.page)).count > 10)
    }

    @Test(arguments: lines) func `each command line is accepted`(line: Line) throws {
        let subcommands = ConfigCommand.configuration.subcommands.compactMap(\.configuration.commandName)
        let arguments = ArgumentNormalization(subcommands: subcommands)(line.words)
        if !line.isComplete {
            // A sentence may leave the arguments out.
            let name = try #require(arguments.first)
            #expect(VirtMetadata.configuration.subcommands.contains { $0._commandName == name }, "\(line.testDescription)")
            guard arguments.count > 1 else { return }
        }
        do {
            _ = try VirtMetadata.parseAsRoot(arguments)
        } catch {
            #expect(VirtMetadata.exitCode(for: error) == .success, "\(VirtMetadata.fullMessage(for: error))")
        }
    }
}

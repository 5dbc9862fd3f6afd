import Foundation
import TestSupport
import Testing

/// The stages that CI runs in full for changed paths (`.ci/stages`).
@Suite struct StagePlanTests {
    /// The output of `.ci/plan` for changed paths, by stage.
    private static func plan(_ paths: String...) throws -> [String: String] {
        let plan = Fixtures.package.appending(path: ".ci/plan").path
        let output = try Command.succeed([plan, "--changed"], input: paths.map { $0 + "\n" }.joined())
        let lines = output.split(separator: "\n").map { $0.split(separator: ": ", maxSplits: 1).map(String.init) }
        return Dictionary(uniqueKeysWithValues: lines.map { ($0[0], $0[1]) })
    }

    private static let least = ["lab": "quick", "siege": "quick", "sanitizers": "skipped", "benchmarks": "skipped"]

    @Test func `documents, tests and views need no full stage`() throws {
        #expect(try Self.plan() == Self.least)
        let paths = try Self.plan("README.md", "docs/dev/lab.md", "Sources/EC2API/Schema.swift", "Tests/XMLTests/A.swift")
        #expect(paths == Self.least)
    }

    @Test func `a path needs the stages of its row, and the first such path is named`() throws {
        let plan = try Self.plan("docs/dev/lab.md", "Sources/Interception/Plan.swift", "Sources/Interception/Rules.swift")
        let because = "whole, because Sources/Interception/Plan.swift changed"
        #expect(plan == ["lab": because, "siege": because, "sanitizers": because, "benchmarks": "skipped"])
        #expect(try Self.plan("Siege/attacks/peace.py")["siege"] == "whole, because Siege/attacks/peace.py changed")
        #expect(try Self.plan("Siege/attacks/peace.py")["lab"] == "quick")
    }

    @Test(arguments: ["Package.swift", "Makefile", ".ci/run", "scripts/run-tests", "Sources/Unheard/Of.swift"])
    func `a path without a row needs every stage`(path: String) throws {
        #expect(try Self.plan(path).values.allSatisfy { $0 == "whole, because \(path) changed" })
    }

    @Test func `every row of the table has files`() throws {
        let table = try Fixtures.text(of: Fixtures.package.appending(path: ".ci/stages"))
        let rows = table.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ") }
        #expect(rows.count > 20)
        for row in rows {
            let path = Fixtures.package.appending(path: row[0].hasSuffix("/*") ? row[0].dropLast(2) : row[0]).path
            #expect(FileManager.default.fileExists(atPath: path) && row.count >= 2, "\(row)")
        }
    }
}

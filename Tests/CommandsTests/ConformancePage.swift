import Foundation
import TestSupport

/// The table of `docs/conformance.md`.
struct ConformancePage {
    private let rows: [[String]]

    init() throws {
        let page = URL(filePath: Program.fixtures).deletingLastPathComponent().appending(path: "docs/conformance.md")
        let lines = try String(contentsOf: page, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("| `") }
        rows = lines.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces).replacing("`", with: "") }
        }.filter { $0.count == Self.columns }
    }

    /// Rule, profile, level, and a server each: ours, Nova, moto. Other tables of the page have fewer.
    private static let columns = 6

    /// The names of all rules.
    var rules: [String] { rows.map { $0[0] } }

    /// The level of each rule.
    var levels: [String] { rows.map { $0[2] } }

    /// The rules that hold here.
    var held: [String] { rows.filter { $0[3] == "holds" }.map { $0[0] } }

    /// The rules that a server fails: a cell of its column with `fails`, or with the case that does.
    func failed(by server: String, case name: String) -> [String] {
        let column = ["Nova": 4, "moto": 5][server] ?? 4
        return rows.filter { $0[column] == "fails" || $0[column] == "fails (\(name))" }.map { $0[0] }
    }
}

import FoundationEssentials

/// The table of deliberate differences from Nova in `docs/reference/nova-differences.md`.
struct NovaDifferenceTable {
    /// A row: differences of one kind with one reason.
    struct Row: CustomStringConvertible {
        /// The line in the file, from 1.
        let line: Int
        let cases: [String]
        let paths: [String]
        let what: String
        let nova: String
        let ours: String

        var description: String { "line \(line): \(cases.joined(separator: " ")) \(paths.joined(separator: " ")): \(what)" }

        /// Whether the row describes a difference on one of its paths.
        func describes(_ difference: NovaDifference, onPath path: String, of name: String) -> Bool {
            cases.contains(name) && what == difference.what && matches(nova, difference.nova)
                && matches(ours, difference.ours) && matchesPath(path, difference.path)
        }
    }

    let rows: [Row]

    /// Reads each row of each table with these columns: case, path, what differs, nova, ours, why; tables with another first
    /// column are skipped.
    init(markdown: String) throws {
        var rows: [Row] = []
        var isInTable = false
        var isDifferenceTable = false
        for (index, text) in markdown.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            defer { isInTable = text.hasPrefix("|") }
            guard text.hasPrefix("|") else { continue }
            let cells = text.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map(trimmed)
            if !isInTable { isDifferenceTable = cells.first == "case" }
            guard isDifferenceTable else { continue }
            guard cells.count == 6, !cells.contains(where: \.isEmpty) else { throw Malformed(line: index + 1) }
            guard cells[0] != "case", !cells[0].hasPrefix("-") else { continue }
            rows.append(
                Row(
                    line: index + 1, cases: cells[0] == "both" ? ["rich", "minimal"] : [cells[0]],
                    paths: cells[1].split(separator: " ").map { unquoted(String($0)) }.flatMap(alternatives), what: cells[2],
                    nova: unquoted(cells[3]), ours: unquoted(cells[4])))
        }
        self.rows = rows
    }

    struct Malformed: Error {
        let line: Int
    }
}

private func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
}

/// The text between backticks; `(empty)` stands for an empty text.
private func unquoted(_ cell: String) -> String {
    cell == "(empty)" ? "" : cell.hasPrefix("`") && cell.hasSuffix("`") ? String(cell.dropFirst().dropLast()) : cell
}

/// Expands `{a,b}` in a pattern.
private func alternatives(_ pattern: String) -> [String] {
    guard let open = pattern.firstIndex(of: "{"), let close = pattern[open...].firstIndex(of: "}") else { return [pattern] }
    let rest = alternatives(String(pattern[pattern.index(after: close)...]))
    return pattern[pattern.index(after: open)..<close].split(separator: ",").flatMap { choice in
        rest.map { pattern[..<open] + choice + $0 }
    }
}

/// Whether a text matches a cell: `…` at the end stands for any text.
private func matches(_ cell: String, _ text: String) -> Bool {
    cell.hasSuffix("…") ? text.hasPrefix(cell.dropLast()) : cell == text
}

/// Whether a path matches a pattern: `*` stands for one name, `/**` for any path.
private func matchesPath(_ pattern: String, _ path: String) -> Bool {
    let (names, given) = (pattern.split(separator: "/"), path.split(separator: "/"))
    return pattern == "/**" || names.count == given.count && zip(names, given).allSatisfy { $0 == "*" || $0 == $1 }
}

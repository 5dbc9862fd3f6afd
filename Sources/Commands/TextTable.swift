import Common

/// A table for a terminal: columns as wide as their contents, with two blanks between. Cells may hold text that guests wrote.
struct TextTable {
    private let rows: [[String]]

    /// - Parameters:
    ///   - head: the names of the columns.
    ///   - rows: each with as many cells.
    init(_ head: [String], _ rows: [[String]]) {
        self.rows = ([head] + rows).map { $0.map { $0.cleaned() } }
    }

    /// The lines, each with a newline.
    func text(on terminal: Terminal) -> String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.enumerated().map { number, row in
            let cells = zip(row, widths).enumerated().map { column, cell in
                column == row.count - 1 ? cell.0 : cell.0 + String(repeating: " ", count: cell.1 - cell.0.count)
            }
            let line = cells.joined(separator: "  ")
            return (number == 0 ? terminal.coloured(line, .cyan) : line) + "\n"
        }.joined()
    }
}

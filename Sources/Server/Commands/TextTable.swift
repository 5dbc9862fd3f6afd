/// A table for a terminal: columns as wide as what is in them, with two blanks between.
struct TextTable {
    private let rows: [[String]]

    /// - Parameters:
    ///   - head: the names of the columns.
    ///   - rows: each with as many cells.
    init(_ head: [String], _ rows: [[String]]) {
        self.rows = [head] + rows
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

/// A length of time for people, in the largest unit that says it.
enum Age {
    /// - Parameter seconds: not negative.
    static func text(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.001: "\(Int(seconds * 1e6)) µs"
        case ..<1: "\(Int(seconds * 1000)) ms"
        case ..<120: "\(Int(seconds)) s"
        case ..<7200: "\(Int(seconds / 60)) min"
        case ..<172_800: "\(Int(seconds / 3600)) h"
        default: "\(Int(seconds / 86_400)) d"
        }
    }
}

import Common

/// The difference between two texts, in the unified format of `diff -u`.
struct UnifiedDifference {
    /// How many lines are shown around a change.
    private static let context = 3
    /// Beyond this many pairs of differing lines, all of them are shown as changed: finding the least difference would take too
    /// long.
    private static let longestSearch = 4_000_000

    fileprivate enum Line {
        case kept(String), removed(String), added(String)

        var isKept: Bool { if case .kept = self { true } else { false } }
        var text: String {
            switch self {
            case .kept(let line): " " + line.cleaned(for: .page)
            case .removed(let line): "-" + line.cleaned(for: .page)
            case .added(let line): "+" + line.cleaned(for: .page)
            }
        }
    }

    private let lines: [Line]

    /// Compares two texts, line by line.
    init(from old: String, to new: String) {
        let (old, new) = (Self.lines(of: old), Self.lines(of: new))
        let start = zip(old, new).prefix { $0 == $1 }.count
        let end = zip(old[start...].reversed(), new[start...].reversed()).prefix { $0 == $1 }.count
        let middle = Self.middle(Array(old[start..<old.count - end]), Array(new[start..<new.count - end]))
        lines = old[..<start].map(Line.kept) + middle + old[(old.count - end)...].map(Line.kept)
    }

    var isEmpty: Bool { lines.allSatisfy(\.isKept) }

    /// The difference as text, with a newline at its end; empty where there is none.
    ///
    /// - Parameters:
    ///   - from: the name of the old text.
    ///   - to: the name of the new one.
    func text(from: String, to: String, on terminal: Terminal) -> String {
        guard !isEmpty else { return "" }
        var text = "--- \(from.cleaned())\n+++ \(to.cleaned())\n"
        for hunk in hunks {
            let before = lines[..<hunk.lowerBound]
            let old = Self.range(before.count { !$0.isAdded }, lines[hunk].count { !$0.isAdded })
            let new = Self.range(before.count { !$0.isRemoved }, lines[hunk].count { !$0.isRemoved })
            text += terminal.coloured("@@ -\(old) +\(new) @@", .cyan) + "\n"
            for line in lines[hunk] {
                switch line {
                case .kept: text += line.text
                case .removed: text += terminal.coloured(line.text, .red)
                case .added: text += terminal.coloured(line.text, .green)
                }
                text += "\n"
            }
        }
        return text
    }

    /// `start,count`; an empty range starts at the line before it.
    private static func range(_ before: Int, _ count: Int) -> String { "\(count == 0 ? before : before + 1),\(count)" }

    private var hunks: [Range<Int>] {
        var hunks: [Range<Int>] = []
        for index in lines.indices where !lines[index].isKept {
            let hunk = max(0, index - Self.context)..<min(lines.count, index + Self.context + 1)
            if let last = hunks.last, last.upperBound >= hunk.lowerBound {
                hunks[hunks.count - 1] = last.lowerBound..<hunk.upperBound
            } else {
                hunks.append(hunk)
            }
        }
        return hunks
    }

    private static func lines(of text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    private static func middle(_ old: [String], _ new: [String]) -> [Line] {
        guard old.count * new.count <= longestSearch else { return old.map(Line.removed) + new.map(Line.added) }
        let changes = new.difference(from: old)
        var (removed, added): (Set<Int>, Set<Int>) = ([], [])
        for change in changes {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var (lines, next): ([Line], Int) = ([], 0)
        func takeAdded() {
            while added.contains(next) {
                lines.append(.added(new[next]))
                next += 1
            }
        }
        for (offset, line) in old.enumerated() {
            if removed.contains(offset) {
                lines.append(.removed(line))
            } else {
                takeAdded()
                lines.append(.kept(line))
                next += 1
            }
        }
        takeAdded()
        return lines
    }
}

extension UnifiedDifference.Line {
    fileprivate var isAdded: Bool { if case .added = self { true } else { false } }
    fileprivate var isRemoved: Bool { if case .removed = self { true } else { false } }
}

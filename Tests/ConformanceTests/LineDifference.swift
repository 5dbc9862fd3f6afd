/// The difference of two texts for readers: removed (`-`) and added (`+`) lines with context.
///
/// Lines are compared octet by octet: Swift's comparison treats `é` and `e` with a combining accent as equal.
func lineDifference(from old: String, to new: String) -> String {
    let (before, after) = (lines(of: old), lines(of: new))
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    for change in after.difference(from: before, by: { $0.utf8.elementsEqual($1.utf8) }) {
        switch change {
        case .remove(let offset, _, _): removed.insert(offset)
        case .insert(let offset, _, _): inserted.insert(offset)
        }
    }
    var shown: [(line: String, isChange: Bool)] = []
    var (left, right) = (0, 0)
    while left < before.count || right < after.count {
        if removed.contains(left) {
            shown.append(("- " + before[left], true))
            left += 1
        } else if inserted.contains(right) {
            shown.append(("+ " + after[right], true))
            right += 1
        } else {
            shown.append(("  " + before[left], false))
            (left, right) = (left + 1, right + 1)
        }
    }
    let neighbours = 2
    var text = ""
    var isGap = false
    for index in shown.indices {
        let near = shown[max(0, index - neighbours)...min(shown.count - 1, index + neighbours)]
        if near.contains(where: \.isChange) {
            text += shown[index].line + "\n"
            isGap = false
        } else if !isGap {
            text += "  ⋮\n"
            isGap = true
        }
    }
    return text
}

private func lines(of text: String) -> [String] {
    text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
}

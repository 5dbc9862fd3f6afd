/// The name of a set that is nearest to a misspelt one: with the fewest edits, at most a third of its letters.
package func nearestWord(to word: String, among words: some Collection<String>) -> String? {
    // The lengths alone exclude many names, and a misspelt name may be very long.
    words.filter { abs(word.count - $0.count) * 3 <= max(word.count, $0.count) }
        .map { (word: $0, distance: editDistance(word, $0)) }
        .filter { $0.distance * 3 <= max(word.count, $0.word.count) }
        .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
}

/// The number of letters to insert, remove or change, or adjacent letters to exchange, to turn one name into the other (optimal string
/// alignment distance).
private func editDistance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left), Array(right))
    // The rows of the table for the letters before this one.
    var (earlier, last) = ([Int](), Array(0...right.count))
    for i in left.indices {
        var row = [i + 1]
        for j in right.indices {
            var least = min(last[j] + (left[i] == right[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { least = min(least, earlier[j - 1] + 1) }
            row.append(least)
        }
        (earlier, last) = (last, row)
    }
    return last[right.count]
}

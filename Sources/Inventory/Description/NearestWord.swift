/// The word of a set that a misspelt one most likely means: the one with the fewest letters changed, at most a third of them.
public func nearestWord(to word: String, among words: some Collection<String>) -> String? {
    // The lengths alone tell that many differ by more, and one of them may be very long.
    words.filter { abs(word.count - $0.count) * 3 <= max(word.count, $0.count) }
        .map { (word: $0, distance: editDistance(word, $0)) }
        .filter { $0.distance * 3 <= max(word.count, $0.word.count) }
        .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
}

/// How many letters must be put in, taken out or changed, or two neighbours exchanged, to come from one word to the other (optimal string
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

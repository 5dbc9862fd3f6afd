/// The word of a set that a misspelt one most likely means: the one with the fewest letters changed, at most a third of them.
public func nearestWord(to word: String, among words: some Collection<String>) -> String? {
    // The lengths alone tell that many differ by more, and one of them may be very long.
    words.filter { abs(word.count - $0.count) * 3 <= max(word.count, $0.count) }
        .map { (word: $0, distance: editDistance(word, $0)) }
        .filter { $0.distance * 3 <= max(word.count, $0.word.count) }
        .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
}

/// How many letters must be put in, taken out or changed to come from one word to the other (Levenshtein).
private func editDistance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (i, letter) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for j in right.indices {
            let changed = diagonal + (letter == right[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(changed, row[j] + 1, diagonal + 1)
        }
    }
    return row[right.count]
}

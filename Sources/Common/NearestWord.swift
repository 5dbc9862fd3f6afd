/// The longest word that is compared, in bytes: no name of a value is longer, and the time grows with the square of the length.
private let longestWord = 128
/// The most steps of all comparisons for one word, about a millisecond of work. With ten letters each, these are ten thousand names.
private let mostSteps = 1 << 20

/// The name of a set that is nearest to a misspelt one: with the fewest edits, at most a third of its letters.
///
/// It is advice for a reader, while the author of a document may choose the word and the names. So there is none for a very long word, and
/// none where very many names would have to be compared.
package func nearestWord(to word: String, among words: some Collection<String>) -> String? {
    guard word.utf8.count <= longestWord else { return nil }
    let letters = Array(word.unicodeScalars)
    var (candidates, steps): ([(word: String, letters: [Unicode.Scalar])], Int) = ([], 0)
    for other in words where other.utf8.count <= longestWord {
        let others = Array(other.unicodeScalars)
        // The lengths alone exclude many names.
        guard abs(letters.count - others.count) * 3 <= max(letters.count, others.count) else { continue }
        steps += letters.count * others.count
        guard steps <= mostSteps else { return nil }
        candidates.append((other, others))
    }
    return candidates.map { (word: $0.word, distance: editDistance(letters, $0.letters), length: $0.letters.count) }
        .filter { $0.distance * 3 <= max(letters.count, $0.length) }
        .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
}

/// The number of letters to insert, remove or change, or adjacent letters to exchange, to turn one name into the other (optimal string
/// alignment distance).
private func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    // The rows of the table for the letters before this one.
    var (earlier, last) = ([Int](), Array(0...right.count))
    for i in left.indices {
        var row = [i + 1]
        row.reserveCapacity(right.count + 1)
        for j in right.indices {
            var least = min(last[j] + (left[i] == right[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { least = min(least, earlier[j - 1] + 1) }
            row.append(least)
        }
        (earlier, last) = (last, row)
    }
    return last[right.count]
}

/// What a crawl has left out: of each reason the first few paths, so that none crowds out the others, and last why it ended early.
struct Omissions {
    private static let mostOfAKind = 5
    private static let mostKinds = 40

    private var kinds: [(kind: String, sentences: [String], count: Int)] = []
    private var indices: [String: Int] = [:]
    private var others = 0
    /// Why the crawl ended early; `nil` if it did not.
    var end: String?

    /// - Parameter kind: what such sentences have in common; each may come once for every request.
    mutating func add(_ sentence: String, kind: String) {
        if let index = indices[kind] {
            kinds[index].count += 1
            if kinds[index].sentences.count < Self.mostOfAKind { kinds[index].sentences.append(sentence) }
        } else if kinds.count < Self.mostKinds {
            indices[kind] = kinds.count
            kinds.append((kind, [sentence], 1))
        } else {
            others += 1
        }
    }

    var sentences: [String] {
        var sentences: [String] = []
        for kind in kinds {
            sentences += kind.sentences
            let rest = kind.count - kind.sentences.count
            if rest > 0 { sentences.append("\(rest) more: \(kind.kind)") }
        }
        if others > 0 { sentences.append("\(others) more omissions are not listed") }
        return sentences + (end.map { [$0] } ?? [])
    }
}

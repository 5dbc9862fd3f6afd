/// The way to a value of the operator's element, as people write it: `placement/availability-zone`, `tags/tag[env]`,
/// `imds@tokens`.
///
/// In brackets stands what tells an element from others of its name: the `name` of a tag or key, the `path` of a file, the `mac`
/// of an interface, the `target` of a disk, the `role` of credentials.
public struct ElementPath: Sendable, Equatable, CustomStringConvertible {
    /// One element on the way.
    struct Step: Sendable, Equatable {
        let name: String
        /// The value of the attribute that tells it from others.
        let key: String?
    }

    /// A path that leads nowhere, and what would.
    public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// In one sentence, without the path.
        public let description: String

        init(_ problem: String) { description = problem }
    }

    /// At least one.
    let steps: [Step]
    /// The attribute of the last element that is meant, and not its text.
    let attribute: String?
    /// The path as it is told to people, complete.
    public let description: String

    /// The name of the element directly below the instance element.
    var firstName: String { steps.first?.name ?? "" }

    /// Reads a path, and leads it on to the only value there is below it.
    ///
    /// - Throws: ``Failure`` where the vocabulary has no such value.
    public init(_ text: String) throws(Failure) {
        var (steps, attribute) = try Self.parts(of: text)
        try Self.check(steps, attribute)
        while attribute == nil, let last = steps.last, let words = Vocabulary.children[last.name], words.count == 1,
            let word = words.first, Vocabulary.children[word] == nil, Vocabulary.key(of: word, in: last.name) == nil
        {
            steps.append(Step(name: word, key: nil))
        }
        if attribute == nil, let last = steps.last, let words = Vocabulary.children[last.name] {
            throw Failure("<\(last.name)> has no text of its own, but \(words.sorted().joined(separator: ", ")) below it")
        }
        (self.steps, self.attribute) = (steps, attribute)
        description =
            steps.map { $0.name + ($0.key.map { "[\($0)]" } ?? "") }.joined(separator: "/") + (attribute.map { "@\($0)" } ?? "")
    }

    /// The path, not yet complete, that a key leads to below another: where an element has nothing below it but elements that are
    /// told apart, such as tags, the key tells one of these, else it is a word.
    public static func descending(from path: String, to key: String) -> String {
        let parent = String(path.split(separator: "/").last ?? "").prefix { $0 != "[" }
        guard let words = Vocabulary.children[String(parent)], words.count == 1, let word = words.first,
            Vocabulary.key(of: word, in: String(parent)) != nil
        else { return "\(path)/\(key)" }
        return "\(path)/\(word)[\(key)]"
    }

    private static func check(_ steps: [Step], _ attribute: String?) throws(Failure) {
        var (words, parent) = (Vocabulary.elements, Vocabulary.root)
        for step in steps {
            guard words.contains(step.name) else {
                let advice = nearestWord(to: step.name, among: words).map { "; is '\($0)' meant?" } ?? ""
                let place =
                    words.isEmpty ? "<\(parent)> has nothing below it" : "<\(parent)> has no '\(shown(step.name))' below it"
                throw Failure(place + advice)
            }
            if let key = Vocabulary.key(of: step.name, in: parent) {
                guard step.key != nil else {
                    throw Failure("which <\(step.name)>? Write its \(key) in brackets: \(step.name)[\(key.uppercased())]")
                }
            } else if step.key != nil {
                throw Failure("a <\(step.name)> of <\(parent)> has no name that could stand in brackets")
            }
            (words, parent) = (Vocabulary.children[step.name] ?? [], step.name)
        }
        if let attribute, Vocabulary.attributes[parent]?.contains(attribute) != true {
            let known = Vocabulary.attributes[parent]?.sorted().joined(separator: ", ")
            throw Failure("<\(parent)> has no attribute '\(shown(attribute))'" + (known.map { "; there are \($0)" } ?? ""))
        }
    }

    private static func parts(of text: String) throws(Failure) -> ([Step], attribute: String?) {
        var steps: [Step] = []
        var rest = Substring(text)
        repeat {
            let name = rest.prefix { !"/[@".contains($0) }
            guard !name.isEmpty else { throw Failure("a path is words with '/' between them, such as placement/region") }
            rest = rest.dropFirst(name.count)
            var key: String?
            if rest.first == "[" {
                guard let end = rest.firstIndex(of: "]") else {
                    throw Failure("the bracket after '\(shown(String(name)))' is not closed")
                }
                key = String(rest[rest.index(after: rest.startIndex)..<end])
                rest = rest[rest.index(after: end)...]
            }
            steps.append(Step(name: String(name), key: key))
            if rest.first == "@" { return (steps, String(rest.dropFirst())) }
            guard rest.isEmpty || rest.first == "/" else { throw Failure("after a bracket comes '/', '@' or nothing") }
            rest = rest.dropFirst()
        } while !rest.isEmpty
        return (steps, nil)
    }
}

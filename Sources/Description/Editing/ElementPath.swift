import Common

/// The path of a value in the operator's element, as written on the command line: `placement/availability-zone`, `tags/tag[env]`,
/// `imds@tokens`.
///
/// The key in brackets distinguishes elements of the same name: the `name` of a tag or key, the `path` of a file, the `mac` of an
/// interface, the `target` of a disk, the `role` of credentials.
package struct ElementPath: Sendable, Equatable, CustomStringConvertible {
    /// One element of the path.
    struct Step: Sendable, Equatable {
        let name: String
        /// The value of the key attribute.
        let key: String?
    }

    /// An invalid path, and a valid alternative.
    package struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// One sentence, without the path.
        package var description: String { sentence(assigning: "") }
        private let problem: String
        /// The path that is probably meant.
        private let meant: String?

        init(_ problem: String, meant: String? = nil) { (self.problem, self.meant) = (problem, meant) }

        /// The same, for a command that assigns a value.
        ///
        /// - Parameter text: the sign and the value.
        package func sentence(assigning text: String) -> String { problem + (meant.map { "; use '\($0)\(text)'" } ?? "") }
    }

    /// Never empty.
    let steps: [Step]
    /// The attribute of the last element; `nil` for its text.
    let attribute: String?
    /// The complete path, as written on the command line.
    package let description: String

    /// The name of the element directly below the instance element.
    package var firstName: String { steps.first?.name ?? "" }
    /// The name of the last element; `nil` where the path leads to an attribute.
    package var lastName: String? { attribute == nil ? steps.last?.name : nil }

    /// Whether the value is usually kept in a file: user data, a file, a key.
    package var mayBeLong: Bool {
        attribute == nil && (Vocabulary.holdsBytes.contains(steps.last?.name ?? "") || firstName == "public-keys")
    }

    /// Whether a text begins with the name of an element, and so is rather a path than a domain's name.
    package static func isLikely(_ text: String) -> Bool {
        Vocabulary.elements.contains(String(text.prefix { !"/[@".contains($0) }))
    }

    /// What is wrong with a text that begins almost like the name of an element; `nil` for any other.
    package static func misspelling(in text: String) -> String? {
        let name = String(text.prefix { !"/[@".contains($0) })
        guard !Vocabulary.elements.contains(name), let meant = nearestWord(to: name, among: Vocabulary.elements) else {
            return nil
        }
        return "unknown element '\(shown(name))'; did you mean '\(meant)'?"
    }

    /// Parses a path, and extends it to the only value below it, if there is only one.
    ///
    /// - Throws: ``Failure`` where the path names no value.
    package init(_ text: String) throws(Failure) {
        var (steps, attribute) = try Self.parts(of: text)
        try Self.check(steps, attribute)
        while attribute == nil, let last = steps.last, let names = Vocabulary.children[last.name], names.count == 1,
            let name = names.first, Vocabulary.children[name] == nil, Vocabulary.key(of: name, in: last.name) == nil
        {
            steps.append(Step(name: name, key: nil))
        }
        if attribute == nil, let last = steps.last, let names = Vocabulary.children[last.name] {
            let paths = names.sorted().map { name in
                "\(text)/\(name)" + (Vocabulary.key(of: name, in: last.name).map { "[\($0.uppercased())]" } ?? "")
            }
            throw Failure("\(last.name) is a container: use one of \(paths.joined(separator: ", "))")
        }
        (self.steps, self.attribute) = (steps, attribute)
        description = Self.joined(steps) + (attribute.map { "@\($0)" } ?? "")
    }

    private static func joined(_ steps: some Sequence<Step>) -> String {
        steps.map { $0.name + ($0.key.map { "[\($0)]" } ?? "") }.joined(separator: "/")
    }

    /// Appends a key to a path: the key of a child where an element has only keyed children, such as tags, else the name of a child. The
    /// result need not be complete.
    package static func descending(from path: String, to key: String) -> String {
        let parent = String(path.split(separator: "/").last ?? "").prefix { $0 != "[" }
        guard let names = Vocabulary.children[String(parent)], names.count == 1, let name = names.first,
            Vocabulary.key(of: name, in: String(parent)) != nil
        else { return "\(path)/\(key)" }
        return "\(path)/\(name)[\(key)]"
    }

    private static func check(_ steps: [Step], _ attribute: String?) throws(Failure) {
        var (names, parent) = (Vocabulary.elements, Vocabulary.root)
        for (index, step) in steps.enumerated() {
            guard names.contains(step.name) else {
                guard !names.isEmpty else { throw Failure("\(parent) has no elements below it") }
                let problem = "unknown element '\(shown(step.name))' in \(parent)"
                let advice = nearestWord(to: step.name, among: names).map { "; did you mean '\($0)'?" }
                // Many write a tag's name where its element is expected.
                let isLast = index == steps.count - 1 && attribute == nil && step.key == nil
                if advice == nil, isLast, names.count == 1, names.allSatisfy({ Vocabulary.key(of: $0, in: parent) != nil }) {
                    throw Failure(problem, meant: descending(from: joined(steps.dropLast()), to: step.name))
                }
                let all =
                    parent == Vocabulary.root
                    ? "; \(DocumentationPage.path("metadata.md")) lists the elements"
                    : "; expected one of \(names.sorted().joined(separator: ", "))"
                throw Failure(problem + (advice ?? all))
            }
            if let key = Vocabulary.key(of: step.name, in: parent) {
                guard step.key != nil else {
                    throw Failure(
                        "missing key: use \(parent == Vocabulary.root ? "" : parent + "/")\(step.name)[\(key.uppercased())]")
                }
            } else if step.key != nil {
                throw Failure("\(step.name) has no key: remove the brackets")
            }
            (names, parent) = (Vocabulary.children[step.name] ?? [], step.name)
        }
        if let attribute, Vocabulary.attributes[parent]?.contains(attribute) != true {
            let known = Vocabulary.attributes[parent]?.sorted().joined(separator: ", ")
            throw Failure(
                "\(parent) has no attribute '\(shown(attribute))'" + (known.map { "; expected one of \($0)" } ?? ""))
        }
    }

    private static func parts(of text: String) throws(Failure) -> ([Step], attribute: String?) {
        var steps: [Step] = []
        var rest = Substring(text)
        repeat {
            let name = rest.prefix { !"/[@".contains($0) }
            guard !name.isEmpty else {
                throw Failure("invalid path: expected element names separated by '/', such as placement/region")
            }
            rest = rest.dropFirst(name.count)
            var key: String?
            if rest.first == "[" {
                guard let end = rest.firstIndex(of: "]") else {
                    throw Failure("missing ']' after '\(shown(String(name)))['")
                }
                key = String(rest[rest.index(after: rest.startIndex)..<end])
                rest = rest[rest.index(after: end)...]
            }
            steps.append(Step(name: String(name), key: key))
            if rest.first == "@" { return (steps, String(rest.dropFirst())) }
            guard rest.isEmpty || rest.first == "/" else {
                throw Failure("unexpected text after ']': expected '/', '@' or the end")
            }
            rest = rest.dropFirst()
        } while !rest.isEmpty
        return (steps, nil)
    }
}

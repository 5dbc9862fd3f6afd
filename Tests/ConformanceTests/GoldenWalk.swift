import Common

/// The traversals of a tree in every version, as one text without repetitions.
///
/// It begins with the list of versions under its own path and the traversal in the oldest version. For each group of versions
/// with equal trees it then lists added and changed paths relative to the previous group, and removed ones. `*` stands for the
/// version in paths.
func goldenWalk(through view: some MetadataView, for question: Question) throws -> String {
    let list = try (view.publicNode(at: view.root) ?? view.node(at: view.root, for: question))?.content.bytes ?? []
    let versions = String(decoding: list, as: UTF8.self).split(separator: "\n").map(String.init)
    var runs: [(versions: [String], steps: [Step])] = []
    for version in versions {
        let steps = try steps(through: view, version: version, for: question)
        if let last = runs.last, last.steps == steps {
            runs[runs.count - 1].versions.append(version)
        } else {
            runs.append(([version], steps))
        }
    }
    let first = "# \(view.root)\n" + versions.map { "    \($0)\n" }.joined()
    let walks = runs.indices.map { index in
        let heading = "# \(runs[index].versions.joined(separator: " "))\n"
        return heading + differences(from: index == 0 ? [] : runs[index - 1].steps, to: runs[index].steps)
    }
    return ([first] + walks).joined(separator: "\n")
}

/// One path of a traversal and its text.
private struct Step: Equatable {
    let path: String
    let text: String

    static func == (left: Step, right: Step) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }
}

private func differences(from before: [Step], to after: [Step]) -> String {
    let known = Dictionary(before.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    let paths = Set(after.map(\.path))
    return
        (after.filter { known[$0.path] != $0 }.map(\.text)
        + before.filter { !paths.contains($0.path) }.map { "\($0.path)  is no more\n" }).joined()
}

private func steps(through view: some MetadataView, version: String, for question: Question) throws -> [Step] {
    let start = TreePath(view.root.names + [version])
    let anyStart = TreePath(view.root.names + ["*"]).description
    return try Walk(through: view, from: start, for: question).steps.map { step in
        let path = anyStart + String(step.path.description.unicodeScalars.dropFirst(start.description.unicodeScalars.count))
        let own = step.text.unicodeScalars.dropFirst(step.path.description.unicodeScalars.count)
        return Step(path: path, text: path + String(String.UnicodeScalarView(own)))
    }
}

import Common

/// A guest's walks through a tree in every version, as a text that says everything once.
///
/// First comes the list of versions under its own path, then the walk in the oldest, then for each run of versions that read alike what
/// is new in them or reads otherwise than in the run before, and what is gone. `*` stands for the version in paths.
func goldenWalk(through view: some MetadataView, for question: Question) -> String {
    let list = (view.publicNode(at: view.root) ?? view.node(at: view.root, for: question))?.content.bytes ?? []
    let versions = String(decoding: list, as: UTF8.self).split(separator: "\n").map(String.init)
    var runs: [(versions: [String], steps: [Step])] = []
    for version in versions {
        let steps = steps(through: view, version: version, for: question)
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

/// One place of a walk, and all that is written of it.
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

private func steps(through view: some MetadataView, version: String, for question: Question) -> [Step] {
    let start = TreePath(view.root.names + [version])
    let anyStart = TreePath(view.root.names + ["*"]).description
    return Walk(through: view, from: start, for: question).steps.map { step in
        let path = anyStart + String(step.path.description.unicodeScalars.dropFirst(start.description.unicodeScalars.count))
        let own = step.text.unicodeScalars.dropFirst(step.path.description.unicodeScalars.count)
        return Step(path: path, text: path + String(String.UnicodeScalarView(own)))
    }
}

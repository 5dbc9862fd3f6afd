import Common

/// A guest's walks through a tree in every version, as a text: versions that read alike are written once.
///
/// First comes the list of versions under its own path, then for each run of versions a heading that names them and the walk,
/// in whose paths `*` stands for the version.
func goldenWalk(through view: some MetadataView, for question: Question) -> String {
    let list = (view.publicNode(at: view.root) ?? view.node(at: view.root, for: question))?.content.bytes ?? []
    let versions = String(decoding: list, as: UTF8.self).split(separator: "\n").map(String.init)
    var runs: [(versions: [String], walk: String)] = []
    for version in versions {
        let walk = walk(through: view, version: version, for: question)
        if let last = runs.last, last.walk.utf8.elementsEqual(walk.utf8) {
            runs[runs.count - 1].versions.append(version)
        } else {
            runs.append(([version], walk))
        }
    }
    return
        (["# \(view.root)\n" + versions.map { "    \($0)\n" }.joined()]
        + runs.map { "# \($0.versions.joined(separator: " "))\n\($0.walk)" }).joined(separator: "\n")
}

private func walk(through view: some MetadataView, version: String, for question: Question) -> String {
    let start = TreePath(view.root.names + [version])
    let anyStart = TreePath(view.root.names + ["*"]).description
    let lines = Walk(through: view, from: start, for: question).text.unicodeScalars.split(
        separator: "\n", omittingEmptySubsequences: false)
    return lines.map { line in
        line.starts(with: start.description.unicodeScalars)
            ? anyStart + String(line.dropFirst(start.description.unicodeScalars.count)) : String(line)
    }.joined(separator: "\n")
}

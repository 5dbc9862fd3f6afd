package import Common
package import Recording

/// The differences between two servers.
package struct RecordingComparison: Sendable {
    /// In the order of the first one's targets, then of those that only the second has.
    package let differences: [ResponseDifference]
    /// How many targets were compared.
    package let count: Int

    /// Compares every target of both.
    ///
    /// A target that one of them does not have is looked up in its other forms (`RecordingIndex`), and is otherwise absent there. Where one was
    /// redacted, so is the other before they are compared.
    package init(_ left: Recording, _ right: Recording) {
        var (left, right) = (left, right)
        if left.isRedacted != right.isRedacted {
            if left.isRedacted { right.redact() } else { left.redact() }
        }
        let (leftIndex, rightIndex) = (RecordingIndex(left), RecordingIndex(right))
        var targets = left.responses.map(\.target)
        let known = Set(targets)
        // Another form of a path that the first one has says nothing more.
        targets += right.responses.map(\.target).filter {
            !known.contains($0) && (leftIndex.response(to: $0) == nil || $0.contains("?"))
        }
        let directories = Self.directories(left.responses + right.responses)
        var differences: [ResponseDifference] = []
        for target in targets {
            let (one, two) = (
                leftIndex.response(to: target) ?? leftIndex.absent, rightIndex.response(to: target) ?? rightIndex.absent
            )
            let path = TreePath(target: target)?.description ?? target
            differences += ResponseDifference.all(at: target, one, two, isListing: directories.contains(path))
        }
        (self.differences, count) = (differences, targets.count)
    }

    /// The paths that a found path is below.
    private static func directories(_ responses: [RecordedResponse]) -> Set<String> {
        var directories: Set<String> = ["/"]
        for response in responses where response.status == 200 {
            guard var names = TreePath(target: response.target)?.names else { continue }
            while names.popLast() != nil { directories.insert(TreePath(names).description) }
        }
        return directories
    }

    /// For programs.
    package var json: JSONValue {
        .object([
            JSONMember("compared", .integer(Int64(count))),
            JSONMember(
                "differences",
                .array(
                    differences.map { difference in
                        .object([
                            JSONMember("target", .string(difference.target)), JSONMember("what", .string(difference.what)),
                            JSONMember("left", .string(difference.left)), JSONMember("right", .string(difference.right)),
                        ])
                    })),
        ])
    }

    /// For people: a line for each target, and below it each difference.
    package var text: String {
        var (lines, last): ([String], String?) = ([], nil)
        for difference in differences {
            if difference.target != last { lines.append(difference.target.cleaned()) }
            last = difference.target
            lines.append("  \(difference.what): \(Self.shown(difference.left)) → \(Self.shown(difference.right))")
        }
        lines.append("\(differences.count) differences in \(count) paths")
        return lines.map { $0 + "\n" }.joined()
    }

    private static func shown(_ text: String) -> String {
        (text.utf8.count > 200 ? String(text.prefix(150)) + "… (\(text.utf8.count) bytes)" : text).cleaned()
    }
}

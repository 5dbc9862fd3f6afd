package import Common
package import Recording

/// The differences between two servers.
package struct RecordingComparison: Sendable {
    /// In the order of the first one's targets, then of those that only the second has.
    package let differences: [ResponseDifference]
    /// How many targets were compared.
    package let count: Int
    /// How many were not, because one side was read in part, or did not answer, and may have them.
    package let uncompared: Int
    /// Which side seems to be a redacted recording that is served; `nil` for neither or both.
    package let servedRedacted: Side?

    package enum Side: Sendable {
        case first, second
    }

    /// Compares every target of both.
    ///
    /// A target that one of them does not have is looked up in its other forms (`RecordingIndex`), and is otherwise absent there. Where one was
    /// redacted, so is the other before they are compared. Of a side that was read in part, only what was read is compared.
    package init(_ left: Recording, _ right: Recording) {
        var (left, right) = (left, right)
        let isPlain = !left.isRedacted && !right.isRedacted
        let (isFirst, isSecond) = (isPlain && left.looksRedacted, isPlain && right.looksRedacted)
        servedRedacted = isFirst == isSecond ? nil : isFirst ? .first : .second
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
        var uncompared = 0
        for target in targets {
            let (found, other) = (leftIndex.response(to: target), rightIndex.response(to: target))
            if found == nil && left.mayHave(target) || other == nil && right.mayHave(target) {
                uncompared += 1
                continue
            }
            let (one, two) = (found ?? leftIndex.absent, other ?? rightIndex.absent)
            let path = TreePath(target: target)?.description ?? target
            differences += ResponseDifference.all(at: target, one, two, isListing: directories.contains(path))
        }
        count = targets.count - uncompared
        // Neither side has answered these.
        uncompared += left.unanswered.union(right.unanswered).subtracting(targets).count
        (self.differences, self.uncompared) = (differences, uncompared)
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
            JSONMember("compared", .integer(Int64(count))), JSONMember("uncompared", .integer(Int64(uncompared))),
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

    /// For people: a line for each target, and below it each difference. A target that differs in the same way in other versions stands for
    /// them.
    package var text: String {
        var groups: [(target: String, lines: [String], versions: Int)] = []
        var indices: [[String]: Int] = [:]
        var rest = differences[...]
        while let target = rest.first?.target {
            let own = rest.prefix { $0.target == target }
            rest = rest.dropFirst(own.count)
            let lines = own.map { "  \($0.what): \(Self.shown($0.left)) → \(Self.shown($0.right))" }
            // By the whole values: two long ones may be shown alike.
            let key = [Self.versionless(target)] + own.flatMap { [$0.what, $0.left, $0.right] }
            if let index = indices[key] {
                groups[index].versions += 1
            } else {
                indices[key] = groups.count
                groups.append((target, lines, 0))
            }
        }
        let lines = groups.flatMap { group in
            let plural = group.versions == 1 ? "" : "s"
            let more = group.versions == 0 ? "" : ", and the same in \(group.versions) other version\(plural)"
            return [group.target.cleaned() + more] + group.lines
        }
        let open = uncompared == 0 ? "" : "; \(uncompared) paths not compared"
        return (lines + ["\(differences.count) differences in \(count) paths\(open)"]).map { $0 + "\n" }.joined()
    }

    /// A target with `*` for its version.
    private static func versionless(_ target: String) -> String {
        var parts = target.split(separator: "/", omittingEmptySubsequences: false)
        let index = parts.count > 2 && parts[1] == "openstack" ? 2 : 1
        guard parts.count > index, parts[index] == "latest" || parts[index].utf8.first.map({ (0x30...0x39).contains($0) }) == true
        else { return target }
        parts[index] = "*"
        return parts.joined(separator: "/")
    }

    private static func shown(_ text: String) -> String {
        (text.utf8.count > 200 ? String(text.prefix(150)) + "… (\(text.utf8.count) bytes)" : text).cleaned()
    }
}

extension Recording {
    /// Whether a target that is not here may be on the server.
    fileprivate func mayHave(_ target: String) -> Bool { isCut || unanswered.contains(target) }
}

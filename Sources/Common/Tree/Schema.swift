/// A dated version of an API; the raw value is its name in a path, and alphabetical order is the order of the dates.
package protocol SchemaVersion: Sendable, Hashable, CaseIterable, Comparable, RawRepresentable<String> where AllCases == [Self] {}

extension SchemaVersion {
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// The version with a name, where `latest` is the newest; `nil` for any other name.
    package init?(name: String) {
        guard let version = name == "latest" ? Self.allCases.last : Self(rawValue: name) else { return nil }
        self = version
    }

    /// The names of all versions as served: oldest first, `latest` at the end.
    package static var names: [String] { allCases.map(\.rawValue) + ["latest"] }
}

/// One row of a schema: a path, the version that introduced it, and how its node is read.
package struct Entry<Version: SchemaVersion>: Sendable {
    let path: TreePath
    let since: Version
    let operation: Operation?
    let read: @Sendable (Question, Version) -> Node?

    /// An entry at a path below the version's root; if the node is `nil`, the path is neither served nor listed.
    ///
    /// - Parameter operation: an operation at the path in addition to reading it.
    package init(
        _ path: String, since: Version, operation: Operation? = nil, node: @escaping @Sendable (Question) -> Node?
    ) {
        self.init(path, since, operation) { question, _ in node(question) }
    }

    /// An entry whose content depends on the version, such as a document that gained fields over time.
    package init(_ path: String, since: Version, versionedNode: @escaping @Sendable (Question, Version) -> Node?) {
        self.init(path, since, nil, versionedNode)
    }

    /// An entry with one text.
    package init(_ path: String, since: Version, text: @escaping @Sendable (Question) -> String?) {
        self.init(path, since: since, node: { text($0).map(Node.text) })
    }

    private init(
        _ path: String, _ since: Version, _ operation: Operation?, _ read: @escaping @Sendable (Question, Version) -> Node?
    ) {
        self.path = TreePath(path.split(separator: "/").map(String.init))
        (self.since, self.operation, self.read) = (since, operation, read)
    }
}

/// The table of an API: it serves the paths of its entries and derives every listing from them.
package struct Schema<Version: SchemaVersion>: Sendable {
    /// The order of the entries in a listing.
    package enum Order: Sendable {
        /// By name, code point by code point, as in EC2.
        case sorted
        /// In the order of the table, as in OpenStack.
        case table
    }

    private let roots: [String: Branch]
    private let operations: [OperationPath]
    /// The path of every entry and the version that introduced it, in the order of the table.
    package let entries: [(path: TreePath, since: Version)]

    package init(order: Order, _ entries: [Entry<Version>]) {
        self.entries = entries.map { ($0.path, $0.since) }
        operations = entries.compactMap { entry in
            entry.operation.map { operation in
                let versions = Version.names.filter { name in Version(name: name).map { entry.since <= $0 } ?? false }
                return OperationPath(names: entry.path.names, versions: versions, operation: operation)
            }
        }
        roots = Dictionary(
            uniqueKeysWithValues: Version.names.compactMap { name in
                guard let version = Version(name: name) else { return nil }
                let rows = entries.filter { $0.since <= version }.map { entry in
                    Branch.Row(path: entry.path) { entry.read($0, version) }
                }
                return (name, Branch(rows, depth: 0, sorted: order == .sorted))
            })
    }

    /// The node at a path from the root of the API, which lists the versions; `nil` if there is none.
    package func node(at path: ArraySlice<String>, for question: Question) -> Node? {
        guard let name = path.first else { return versions(for: question).map(Node.directory) }
        return roots[name]?.node(at: path.dropFirst(), for: question)
    }

    /// The operation at a path, in the versions that have it; usually `nil`.
    ///
    /// - Parameter path: from the root of the API.
    package func operation(at path: ArraySlice<String>) -> Operation? {
        operations.first { $0.isAt(path) }?.operation
    }

    /// The versions as a directory; a listing shows them without a slash.
    private func versions(for question: Question) -> Directory? {
        Directory(
            Version.names.map { name in
                Directory.Member(name, isDirectory: true, label: name) { roots[name]?.node(at: [], for: question) }
            })
    }
}

/// An operation and its path. Every request is compared with all of them, so this type is not generic.
private struct OperationPath: Sendable {
    /// The path below a version.
    let names: [String]
    /// The names of the versions that have the operation.
    let versions: [String]
    let operation: Operation

    func isAt(_ path: ArraySlice<String>) -> Bool {
        path.count == names.count + 1 && path.last == names.last && path.dropFirst().elementsEqual(names)
            && path.first.map(versions.contains) ?? false
    }
}

/// A directory of the table in one version: the rows with a common path prefix.
private final class Branch: Sendable {
    /// An entry in one version.
    struct Row: Sendable {
        let path: TreePath
        let read: @Sendable (Question) -> Node?
    }

    private enum Child: Sendable {
        case row(Row)
        case branch(Branch)
    }

    private let children: [(name: String, child: Child)]
    private let index: [String: Child]

    init(_ rows: [Row], depth: Int, sorted: Bool) {
        var names: [String] = []
        var groups: [String: [Row]] = [:]
        for row in rows {
            let name = row.path.names[depth]
            if groups[name] == nil { names.append(name) }
            groups[name, default: []].append(row)
        }
        if sorted { names.sort { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) } }
        children = names.map { name in
            let group = groups[name, default: []]
            if let row = group.first(where: { $0.path.names.count == depth + 1 }) {
                precondition(group.count == 1, "the table has two rows for one path, or a row below another: \(row.path)")
                return (name, .row(row))
            }
            return (name, .branch(Branch(group, depth: depth + 1, sorted: sorted)))
        }
        index = Dictionary(uniqueKeysWithValues: children.map { ($0.name, $0.child) })
    }

    func node(at path: ArraySlice<String>, for question: Question) -> Node? {
        guard let name = path.first else { return directory(for: question).map(Node.directory) }
        switch index[name] {
        case .row(let row): return row.read(question)?.descendant(at: path.dropFirst())
        case .branch(let branch): return branch.node(at: path.dropFirst(), for: question)
        case nil: return nil
        }
    }

    private func directory(for question: Question) -> Directory? {
        Directory(
            children.compactMap { name, child in
                switch child {
                case .row(let row): row.read(question).map { Directory.Member(name, $0) }
                case .branch(let branch) where branch.hasContent(for: question):
                    Directory.Member(name, isDirectory: true) { branch.node(at: [], for: question) }
                case .branch: nil
                }
            })
    }

    private func hasContent(for question: Question) -> Bool {
        children.contains { _, child in
            switch child {
            case .row(let row): row.read(question) != nil
            case .branch(let branch): branch.hasContent(for: question)
            }
        }
    }
}

/// A dated version of an API; the raw value is its name in a path, and the dates are in the order of the alphabet.
public protocol SchemaVersion: Sendable, Hashable, CaseIterable, Comparable, RawRepresentable<String> where AllCases == [Self] {}

extension SchemaVersion {
    /// Dates are in the order of their names.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// The version of a name, where `latest` is the newest; `nil` for any other name.
    public init?(name: String) {
        guard let version = name == "latest" ? Self.allCases.last : Self(rawValue: name) else { return nil }
        self = version
    }

    /// The names under which versions are served, oldest first, `latest` at the end.
    public static var names: [String] { allCases.map(\.rawValue) + ["latest"] }
}

/// One row of a schema: a place, the version that brought it, and how to read it from a question.
public struct Entry<Version: SchemaVersion>: Sendable {
    let path: TreePath
    let since: Version
    let operation: Operation?
    let read: @Sendable (Question, Version) -> Node?

    /// A place below the version's root; where the reading is `nil` there is no such place, so it is neither served nor listed.
    ///
    /// - Parameter operation: what the place is for besides being read.
    public init(
        _ path: String, since: Version, operation: Operation? = nil, node: @escaping @Sendable (Question) -> Node?
    ) {
        self.init(path, since, operation) { question, _ in node(question) }
    }

    /// A place whose content depends on the version it is read in, as a document does that gained fields over time.
    public init(_ path: String, since: Version, versionedNode: @escaping @Sendable (Question, Version) -> Node?) {
        self.init(path, since, nil, versionedNode)
    }

    /// A place that holds one text.
    public init(_ path: String, since: Version, text: @escaping @Sendable (Question) -> String?) {
        self.init(path, since: since, node: { text($0).map(Node.text) })
    }

    private init(
        _ path: String, _ since: Version, _ operation: Operation?, _ read: @escaping @Sendable (Question, Version) -> Node?
    ) {
        self.path = TreePath(path.split(separator: "/").map(String.init))
        (self.since, self.operation, self.read) = (since, operation, read)
    }
}

/// The table of an API: it serves the places that its entries name, and derives every listing from them.
public struct Schema<Version: SchemaVersion>: Sendable {
    /// The order in which a directory lists its places.
    public enum Order: Sendable {
        /// By name, code point by code point, as EC2 does.
        case sorted
        /// As the table has them, as OpenStack does.
        case table
    }

    private let roots: [String: Branch]
    private let purposes: [Purpose]
    /// Every place that has an entry, and the version that brought it, in the order of the table.
    public let places: [(path: TreePath, since: Version)]

    /// A schema of these entries.
    public init(order: Order, _ entries: [Entry<Version>]) {
        places = entries.map { ($0.path, $0.since) }
        purposes = entries.compactMap { entry in
            entry.operation.map { operation in
                let versions = Version.names.filter { name in Version(name: name).map { entry.since <= $0 } ?? false }
                return Purpose(names: entry.path.names, versions: versions, operation: operation)
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

    /// What stands at a path from the root of the API, whose places are its versions; `nil` where there is nothing.
    public func node(at path: ArraySlice<String>, for question: Question) -> Node? {
        guard let name = path.first else { return versions(for: question).map(Node.directory) }
        return roots[name]?.node(at: path.dropFirst(), for: question)
    }

    /// What a place is for besides being read, in the versions that have it; `nil` as a rule.
    ///
    /// - Parameter path: from the root of the API.
    public func operation(at path: ArraySlice<String>) -> Operation? {
        purposes.first { $0.isAt(path) }?.operation
    }

    /// The versions as a directory; a listing shows them without a slash.
    private func versions(for question: Question) -> Directory? {
        Directory(
            Version.names.map { name in
                Directory.Member(name, isDirectory: true, label: name) { roots[name]?.node(at: [], for: question) }
            })
    }
}

/// What a place is for besides being read. Every request is compared with all of them, so it is not generic.
private struct Purpose: Sendable {
    /// Where it is below a version.
    let names: [String]
    /// The names of the versions that have it.
    let versions: [String]
    let operation: Operation

    func isAt(_ path: ArraySlice<String>) -> Bool {
        path.count == names.count + 1 && path.last == names.last && path.dropFirst().elementsEqual(names)
            && path.first.map(versions.contains) ?? false
    }
}

/// A directory of the table in one version: the rows that share a path so far.
private final class Branch: Sendable {
    /// An entry as one version has it.
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
                precondition(group.count == 1, "the table has two rows for one place, or a row below another: \(row.path)")
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
                case .branch(let branch) where branch.isInhabited(for: question):
                    Directory.Member(name, isDirectory: true) { branch.node(at: [], for: question) }
                case .branch: nil
                }
            })
    }

    private func isInhabited(for question: Question) -> Bool {
        children.contains { _, child in
            switch child {
            case .row(let row): row.read(question) != nil
            case .branch(let branch): branch.isInhabited(for: question)
            }
        }
    }
}

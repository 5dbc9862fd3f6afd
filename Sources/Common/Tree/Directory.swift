/// A place that holds further places; it is never empty.
public struct Directory: Sendable {
    /// One of the places in a directory.
    public struct Member: Sendable {
        /// The path component that leads there.
        public let name: String
        /// How a listing shows it: the name, with a slash if it is a directory, unless its API labels it otherwise (`0=key`).
        public let label: String
        private let open: @Sendable () -> Node?

        /// A place whose node is at hand.
        public init(_ name: String, _ node: Node, label: String? = nil) {
            self.init(name, isDirectory: node.isDirectory, label: label) { node }
        }

        /// A place whose node is made when somebody goes there.
        public init(_ name: String, isDirectory: Bool, label: String? = nil, open: @escaping @Sendable () -> Node?) {
            (self.name, self.label) = (name, label ?? (isDirectory ? name + "/" : name))
            self.open = open
        }

        /// What stands there.
        public var node: Node? { open() }
    }

    private enum Contents: Sendable {
        case members([Member])
        /// Leaves that were there before anybody asked: nothing is made of the others where one is looked up.
        case leaves([Tag])
    }

    private let contents: Contents

    /// A directory of these places; `nil` if there are none.
    public init?(_ members: [Member]) {
        guard !members.isEmpty else { return nil }
        contents = .members(members)
    }

    /// A directory of a text for each of these names; `nil` if there are none.
    public init?(leaves: [Tag]) {
        guard !leaves.isEmpty else { return nil }
        contents = .leaves(leaves)
    }

    /// The places, in the order of the listing.
    public var members: [Member] {
        switch contents {
        case .members(let members): members
        case .leaves(let leaves): leaves.map { Member($0.name, .text($0.value)) }
        }
    }

    /// One label a line, without a newline at the end: clients split at newlines and take each part for a place.
    public var listing: String {
        switch contents {
        case .members(let members): members.map(\.label).joined(separator: "\n")
        case .leaves(let leaves): leaves.map(\.name).joined(separator: "\n")
        }
    }

    /// What stands at a path below this directory.
    func node(at path: ArraySlice<String>) -> Node? {
        guard let name = path.first else { return .directory(self) }
        switch contents {
        case .members(let members): return members.first { $0.name == name }?.node?.descendant(at: path.dropFirst())
        case .leaves(let leaves):
            return leaves.first { $0.name == name }.flatMap { Node.text($0.value).descendant(at: path.dropFirst()) }
        }
    }
}

extension Node {
    var isDirectory: Bool {
        if case .directory = self { true } else { false }
    }

    /// The node at a path below this one; below a leaf there is nothing.
    func descendant(at path: ArraySlice<String>) -> Node? {
        if path.isEmpty { return self }
        guard case .directory(let directory) = self else { return nil }
        return directory.node(at: path)
    }
}

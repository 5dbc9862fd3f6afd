/// A node with entries below it; never empty.
package struct Directory: Sendable {
    /// An entry of a directory.
    package struct Member: Sendable {
        /// The path component.
        package let name: String
        /// The label in a listing: the name, with a slash if it is a directory, unless the API defines another one (`0=key`).
        package let label: String
        private let open: @Sendable () -> Node?

        /// An entry whose node already exists.
        package init(_ name: String, _ node: Node, label: String? = nil) {
            self.init(name, isDirectory: node.isDirectory, label: label) { node }
        }

        /// An entry whose node is created on access.
        package init(_ name: String, isDirectory: Bool, label: String? = nil, open: @escaping @Sendable () -> Node?) {
            (self.name, self.label) = (name, label ?? (isDirectory ? name + "/" : name))
            self.open = open
        }

        /// The node of the entry; `nil` if there is none.
        package var node: Node? { open() }
    }

    private enum Contents: Sendable {
        case members([Member])
        /// Existing leaves: looking up one creates no nodes for the others.
        case leaves([Tag])
    }

    private let contents: Contents

    /// A directory of these entries; `nil` if there are none.
    package init?(_ members: [Member]) {
        guard !members.isEmpty else { return nil }
        contents = .members(members)
    }

    /// A directory of leaves with these names and texts; `nil` if there are none.
    package init?(leaves: [Tag]) {
        guard !leaves.isEmpty else { return nil }
        contents = .leaves(leaves)
    }

    /// The entries, in the order of the listing.
    package var members: [Member] {
        switch contents {
        case .members(let members): members
        case .leaves(let leaves): leaves.map { Member($0.name, .text($0.value)) }
        }
    }

    /// One label per line, without a newline at the end: clients split at newlines and take each part for an entry.
    package var listing: String {
        switch contents {
        case .members(let members): members.map(\.label).joined(separator: "\n")
        case .leaves(let leaves): leaves.map(\.name).joined(separator: "\n")
        }
    }

    /// The node at a path below this directory.
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

    /// The node at a path below this one; a leaf has no nodes below it.
    func descendant(at path: ArraySlice<String>) -> Node? {
        if path.isEmpty { return self }
        guard case .directory(let directory) = self else { return nil }
        return directory.node(at: path)
    }
}

/// A metadata API: its tree for an instance.
package protocol MetadataView: Sendable {
    /// The name of the API in options and logs.
    var name: String { get }

    /// The root of the tree. A view claims all paths below it, and the first view that claims a path answers, so the view with
    /// the root `/` comes last.
    var root: TreePath { get }

    /// The node at a path for any client, matched or not; usually `nil`.
    func publicNode(at path: TreePath) -> Node?

    /// The node at a path for an instance; `nil` if there is none.
    func node(at path: TreePath, for question: Question) -> Node?

    /// A directory with all its descendants as one JSON document; `nil` if the API has none at that path, which is the default.
    func json(of directory: Directory, at path: TreePath) -> Node?

    /// The operation at a path in addition to reading it; usually `nil`.
    func operation(at path: TreePath) -> Operation?
}

extension MetadataView {
    /// Whether the path belongs to this API.
    package func claims(_ path: TreePath) -> Bool { path.names.starts(with: root.names) }

    /// By default a directory has no JSON form.
    package func json(of directory: Directory, at path: TreePath) -> Node? { nil }

    /// By default every path is only read.
    package func operation(at path: TreePath) -> Operation? { nil }
}

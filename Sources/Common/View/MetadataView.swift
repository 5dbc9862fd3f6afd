/// An API's reading of an instance.
public protocol MetadataView: Sendable {
    /// The word for this API in options and logs.
    var name: String { get }

    /// Where its tree begins. A view claims all paths from there on, and the first that claims a path answers, so the one whose
    /// root is the root of all comes last.
    var root: TreePath { get }

    /// What stands at a path for anybody, known or not; as a rule nothing.
    func publicNode(at path: TreePath) -> Node?

    /// What stands at a path for the instance that asks; `nil` where there is nothing.
    func node(at path: TreePath, for question: Question) -> Node?

    /// A directory with all below it as one JSON document; `nil` where the API has none, as a rule.
    func json(of directory: Directory) -> Node?

    /// What is to be done at a path besides reading it; as a rule nothing.
    func operation(at path: TreePath) -> Operation?
}

extension MetadataView {
    /// Whether a path is this API's to answer.
    public func claims(_ path: TreePath) -> Bool { path.names.starts(with: root.names) }

    /// None: a directory reads as its listing.
    public func json(of directory: Directory) -> Node? { nil }

    /// Nothing: a view whose paths are all read need not say so.
    public func operation(at path: TreePath) -> Operation? { nil }
}

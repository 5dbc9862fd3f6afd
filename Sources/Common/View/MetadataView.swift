/// An API's reading of an instance.
public protocol MetadataView: Sendable {
    /// The word for this API in options and logs.
    var name: String { get }

    /// Whether a path is this API's to answer; the first view that claims a path answers, so the one that claims all comes last.
    func claims(_ path: TreePath) -> Bool

    /// What stands at a path for anybody, known or not; as a rule nothing.
    func publicNode(at path: TreePath) -> Node?

    /// What stands at a path for the instance that asks; `nil` where there is nothing.
    func node(at path: TreePath, for question: Question) -> Node?
}

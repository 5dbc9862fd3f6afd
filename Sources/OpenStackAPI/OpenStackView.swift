public import Common

/// The OpenStack reading of an instance: a few JSON documents below each dated version, at `/openstack`.
public struct OpenStackView: MetadataView {
    /// The word for this API in options and logs.
    public let name = "openstack"

    /// Where its tree begins.
    public let root = TreePath(["openstack"])

    /// The view; it has no state.
    public init() {}

    /// Nothing here is for everybody: a client that gets no list of versions knows that this server is not for it.
    public func publicNode(at path: TreePath) -> Node? { nil }

    /// What stands at a path for the instance that asks; `nil` where there is nothing.
    public func node(at path: TreePath, for question: Question) -> Node? {
        openStackSchema.node(at: path.names.dropFirst(), for: question)
    }

    /// What a place is for besides being read, as its row in the table says.
    public func operation(at path: TreePath) -> Operation? {
        openStackSchema.operation(at: path.names.dropFirst())
    }
}

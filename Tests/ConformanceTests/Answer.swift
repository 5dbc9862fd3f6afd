import Common
import EC2API
import NoCloudAPI
import OpenStackAPI

/// The readings of an instance in the order in which the server asks them.
let views: [any MetadataView] = [OpenStackView(), NoCloudView(), EC2View()]

/// What a guest gets for the target of a request; `nil` where it gets 404.
func answer(to target: String, _ question: Question) -> Node? {
    guard let path = TreePath(target: target), let view = views.first(where: { $0.claims(path) }) else { return nil }
    return view.publicNode(at: path) ?? view.node(at: path, for: question)
}

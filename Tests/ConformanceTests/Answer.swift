import Common
import EC2API
import NoCloudAPI
import OpenStackAPI

/// The views in the server's order.
let views: [any MetadataView] = [OpenStackView(), NoCloudView(), EC2View()]

/// The node that a guest gets for a request target; `nil` for 404.
func answer(to target: String, _ question: Question) -> Node? {
    guard let path = TreePath(target: target), let view = views.first(where: { $0.claims(path) }) else { return nil }
    return view.publicNode(at: path) ?? view.node(at: path, for: question)
}

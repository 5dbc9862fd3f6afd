public import Common
import JSON

/// The EC2 reading of an instance: a tree of short texts below each dated version.
///
/// `/ec2/…` is another name of the same tree, as in Nova.
public struct EC2View: MetadataView {
    /// The word for this API in options and logs.
    public let name = "ec2"

    /// The root of all: every path that no other view claims is a path of this tree.
    public let root = TreePath([])

    /// The view; it has no state.
    public init() {}

    /// Every place of the tree and the version that brought it; `<mac>` stands for the hardware address of an interface.
    public static var places: [(path: String, since: EC2Version)] {
        let own = ec2Schema.places.map { (path: $0.path.names.joined(separator: "/"), since: $0.since) }
        let ofInterfaces = ec2InterfacePlaces.map { (path: "\(ec2InterfacesPath)/<mac>/\($0.name)", since: $0.since) }
        return own.filter { $0.path != ec2InterfacesPath } + ofInterfaces
    }

    /// The list of versions at `/`, which any client may look at to see that there is a metadata server.
    public func publicNode(at path: TreePath) -> Node? {
        path.names.isEmpty ? .text(EC2Version.names.joined(separator: "\n")) : nil
    }

    /// What stands at a path for the instance that asks; `nil` where there is nothing.
    public func node(at path: TreePath, for question: Question) -> Node? {
        ec2Schema.node(at: names(of: path), for: question)
    }

    /// A directory with all below it, for whoever prefers JSON to listings.
    public func json(of directory: Directory) -> Node? {
        .document(.json) { JSONEncoding.bytes(EC2API.json(of: directory)) }
    }

    /// Sessions begin at `api/token`, in every version.
    public func operation(at path: TreePath) -> Operation? {
        // Every request comes by here, so what tells most of them apart is looked at first.
        guard path.names.last == "token" else { return nil }
        let names = names(of: path)
        guard names.count == 3, names.dropFirst().first == "api", let version = names.first else { return nil }
        return EC2Version(name: version) == nil ? nil : .issueToken
    }

    /// The names from the version on.
    private func names(of path: TreePath) -> ArraySlice<String> {
        path.names.first == "ec2" ? path.names.dropFirst() : path.names[...]
    }
}

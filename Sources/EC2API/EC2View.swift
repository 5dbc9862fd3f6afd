package import Common
import JSON

/// The EC2 API: a tree of short texts below each dated version.
///
/// `/ec2/…` is an alias of the same tree, as in Nova.
package struct EC2View: MetadataView {
    package let name = "ec2"

    /// `/`: every path that no other view claims belongs to this tree.
    package let root = TreePath([])

    package init() {}

    /// Every path of the tree and the version that introduced it; `<mac>` stands for the MAC address of an interface.
    package static var entries: [(path: String, since: EC2Version)] {
        let own = ec2Schema.entries.map { (path: $0.path.names.joined(separator: "/"), since: $0.since) }
        let ofInterfaces = ec2InterfaceRows.map { (path: "\(ec2InterfacesPath)/<mac>/\($0.name)", since: $0.since) }
        return own.filter { $0.path != ec2InterfacesPath } + ofInterfaces
    }

    /// The list of versions at `/`, which any client may read to detect a metadata server.
    package func publicNode(at path: TreePath) -> Node? {
        path.names.isEmpty ? .text(EC2Version.names.joined(separator: "\n")) : nil
    }

    package func node(at path: TreePath, for question: Question) -> Node? {
        ec2Schema.node(at: names(of: path), for: question)
    }

    /// A directory with all its descendants, for clients that prefer JSON to listings. The list of versions stays a listing: as
    /// JSON it would contain the whole tree, including user data, once for each version.
    package func json(of directory: Directory, at path: TreePath) -> Node? {
        guard !names(of: path).isEmpty else { return nil }
        return .document(.json) { () throws(Unsigned) in JSONEncoding.bytes(try EC2API.json(of: directory)) }
    }

    /// Sessions start at `api/token`, in every version.
    package func operation(at path: TreePath) -> Operation? {
        // Every request reaches this check, so the most selective comparison comes first.
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

import Common
import JSON

extension EmulatedInstance {
    /// What is served at a path now, in its version or in the latest; the whole document where the path names a member.
    private func node(at path: EmulatedPath) -> Node? {
        let version = path.version ?? "latest"
        let names =
            switch path.tree {
            case .ec2: [version] + path.names
            case .openStack: ["openstack", version] + path.names
            case .noCloud: ["nocloud"] + path.names
            }
        let question = Question(about: instance, address: address, interface: 0, entropy: .system)
        return trees.first { $0.tree == path.tree }?.node(at: TreePath(names), for: question)
    }

    /// Whether a path has a value now, or is a directory; for a member, whether there is the document.
    package func hasEntry(at path: EmulatedPath) -> Bool { node(at: path) != nil }

    /// Checks that a member can be set at a path. Where there is no document, none is changed.
    ///
    /// - Throws: ``EmulatorError`` where the value at the path is not JSON: as a document, it would no longer be what it is.
    package func checkMember(at path: EmulatedPath) throws(EmulatorError) {
        guard path.member != nil, let node = node(at: path) else { return }
        if case .directory = node { return }
        // A document that cannot be signed now is JSON all the same.
        guard let bytes = try? node.content.bytes, (try? JSONParsing.value(of: bytes)) == nil else { return }
        throw EmulatorError("cannot set \(path): the value of the path is not JSON; set the whole value, without '#'")
    }
}

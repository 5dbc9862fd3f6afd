import Common
import EC2API
import JSON
import OpenStackAPI

extension EmulatedInstance {
    /// What is served at a path now, in its version or in the latest; the whole document where the path names a member.
    private func node(at path: EmulatedPath) -> Node? {
        guard let version = path.version else {
            // A recorded server may have no `latest`.
            let others = recording == nil ? [] : (path.tree == .openStack ? OpenStackVersion.names : EC2Version.names).reversed()
            return (["latest"] + others).lazy.compactMap { self.node(at: path, in: $0) }.first
        }
        return node(at: path, in: version)
    }

    private func node(at path: EmulatedPath, in version: String) -> Node? {
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

    /// Whether the document at a path has its member now.
    package func hasMember(at path: EmulatedPath) -> Bool {
        guard let member = path.member, let bytes = document(at: path), let value = try? JSONParsing.value(of: bytes) else {
            return false
        }
        return JSONDocument.value(at: member[...], in: value) != nil
    }

    /// The bytes at a path that is no directory.
    private func document(at path: EmulatedPath) -> [UInt8]? {
        guard let node = node(at: path) else { return nil }
        if case .directory = node { return nil }
        return try? node.content.bytes
    }

    /// Checks that a member can be set at a path: in a document that one of the instances has.
    ///
    /// - Throws: ``EmulatorError`` where no document would change. Where the value at the path is not JSON, it would no longer be what it
    ///   is.
    package static func checkMember(at path: EmulatedPath, of instances: [EmulatedInstance]) throws(EmulatorError) {
        guard let member = path.member else { return }
        guard instances.contains(where: { $0.hasEntry(at: path) }) else {
            throw EmulatorError(
                "cannot set \(path): no instance has this document; set the whole document first, without '#'")
        }
        for bytes in instances.compactMap({ $0.document(at: path) }) {
            guard let value = try? JSONParsing.value(of: bytes) else {
                throw EmulatorError("cannot set \(path): the value of the path is not JSON; set the whole value, without '#'")
            }
            guard JSONDocument.hasPlace(at: member[...], in: value) else {
                throw EmulatorError(
                    "cannot set \(path): a list of the document has no such item: expected the number of an item, from 0, or - for a "
                        + "new one")
            }
        }
    }
}

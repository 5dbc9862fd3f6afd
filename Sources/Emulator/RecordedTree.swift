import Common
import EC2API
import Recording

/// A recorded tree as a view: the server's own responder answers for it, so tokens and methods are as everywhere. What a path
/// contains is the recording's; its response replaces the responder's, byte for byte (``EmulatedInstance``).
struct RecordedTree: MetadataView {
    let index: RecordingIndex
    let tree: EmulatedPath.Tree
    let issuesTokens: Bool

    var name: String {
        switch tree {
        case .ec2: "ec2"
        case .openStack: "openstack"
        case .noCloud: "nocloud"
        }
    }

    var root: TreePath { TreePath(tree == .ec2 ? [] : [name]) }

    /// The list of versions is public where the recorded server needed no token.
    func publicNode(at path: TreePath) -> Node? { nil }

    func operation(at path: TreePath) -> Operation? {
        tree == .ec2 && issuesTokens ? EC2View().operation(at: path) : nil
    }

    func node(at path: TreePath, for question: Question) -> Node? {
        guard let response = index.response(to: path.description), response.status == 200 else { return nil }
        let text = String(validating: response.body, as: UTF8.self)
        let lines = text.map { $0.unicodeScalars.split(separator: "\n").map(String.init) } ?? []
        guard response.target.hasSuffix("/") || lines.contains(where: { hasEntry($0, below: path) }), !lines.isEmpty else {
            let isJSON = response.field("Content-Type")?.hasPrefix("application/json") == true
            return isJSON ? .document(.json) { () throws(Unsigned) in response.body } : .bytes(response.body)
        }
        let members = lines.map { label in
            let name = Self.name(of: label)
            let child = TreePath(path.names + [name])
            return Directory.Member(name, isDirectory: label.hasSuffix("/"), label: label) { node(at: child, for: question) }
        }
        return Directory(members).map(Node.directory)
    }

    private func hasEntry(_ label: String, below path: TreePath) -> Bool {
        index.response(to: TreePath(path.names + [Self.name(of: label)]).description) != nil
    }

    /// `0=key` leads to `0`.
    private static func name(of label: String) -> String {
        if label.hasSuffix("/") { return String(label.dropLast()) }
        let parts = label.split(separator: "=", maxSplits: 1)
        return parts.count == 2 && Int(parts[0]) != nil ? String(parts[0]) : label
    }
}

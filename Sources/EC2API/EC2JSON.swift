import Common
import FoundationEssentials
import JSON

/// A directory with all below it as one JSON object, as Firecracker's metadata service answers whoever prefers JSON: directories are
/// objects by the names of their places, and leaves the strings that they answer with. Bytes that are no text become
/// `{"base64": "…"}`.
func json(of directory: Directory) -> JSONValue {
    .object(
        directory.members.compactMap { member in
            member.node.map { JSONMember(member.name, json(of: $0)) }
        })
}

private func json(of node: Node) -> JSONValue {
    if case .directory(let directory) = node { return json(of: directory) }
    let bytes = node.content.bytes
    return String(validating: bytes, as: UTF8.self).map(JSONValue.string)
        ?? .object([JSONMember("base64", .string(Data(bytes).base64EncodedString()))])
}

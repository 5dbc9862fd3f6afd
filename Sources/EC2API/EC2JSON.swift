import Common
import FoundationEssentials
import JSON

/// A directory with all its descendants as one JSON object, as Firecracker's metadata service returns to clients that prefer
/// JSON: directories are objects by the names of their entries, leaves are strings. Bytes that are not UTF-8 become `{"base64":
/// "…"}`.
func json(of directory: Directory) throws(Unsigned) -> JSONValue {
    var members: [JSONMember] = []
    for member in directory.members {
        if let node = member.node { members.append(JSONMember(member.name, try json(of: node))) }
    }
    return .object(members)
}

private func json(of node: Node) throws(Unsigned) -> JSONValue {
    if case .directory(let directory) = node { return try json(of: directory) }
    let bytes = try node.content.bytes
    return String(validating: bytes, as: UTF8.self).map(JSONValue.string)
        ?? .object([JSONMember("base64", .string(Data(bytes).base64EncodedString()))])
}

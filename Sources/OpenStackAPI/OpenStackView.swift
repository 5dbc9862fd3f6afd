public import Common

/// The OpenStack reading of an instance: a few JSON documents below each dated version, at `/openstack`.
public struct OpenStackView: MetadataView {
    /// The word for this API in options and logs.
    public let name = "openstack"

    /// Where its tree begins.
    public let root = TreePath(["openstack"])

    /// The view; it has no state.
    public init() {}

    /// Every file below a version, in the order in which they are listed, and the version that brought it.
    public static var files: [(name: String, since: OpenStackVersion)] {
        openStackSchema.places.map { ($0.path.names.joined(separator: "/"), $0.since) }
    }

    /// Every field of `meta_data.json`, in their order, and the version that brought it.
    public static var metaDataFields: [(name: String, since: OpenStackVersion)] {
        metaData.fields.map { ($0.name, $0.since) }
    }

    /// Nothing here is for everybody: a client that gets no list of versions knows that this server is not for it.
    public func publicNode(at path: TreePath) -> Node? { nil }

    /// What stands at a path for the instance that asks; `nil` where there is nothing.
    public func node(at path: TreePath, for question: Question) -> Node? {
        if path.names.dropFirst().first == contentRoot { return content(at: path.names.dropFirst(2), of: question.instance) }
        return openStackSchema.node(at: path.names.dropFirst(), for: question)
    }

    /// What a place is for besides being read, as its row in the table says.
    public func operation(at path: TreePath) -> Operation? {
        openStackSchema.operation(at: path.names.dropFirst())
    }
}

/// Where the files are, beside the versions; nothing lists them but `meta_data.json`.
private let contentRoot = "content"

/// The name of a file there, by its number.
func contentName(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}

private func content(at path: ArraySlice<String>, of instance: Instance) -> Node? {
    guard path.count == 1, let name = path.first, let number = Int(name), contentName(number) == name else { return nil }
    return instance.files.indices.contains(number) ? .bytes(instance.files[number].content) : nil
}

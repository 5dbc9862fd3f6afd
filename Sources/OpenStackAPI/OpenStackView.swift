package import Common

/// The OpenStack API: a few JSON documents below each dated version, at `/openstack`.
package struct OpenStackView: MetadataView {
    package let name = "openstack"

    package let root = TreePath(["openstack"])

    package init() {}

    /// Every file below a version, in the order of the listing, and the version that introduced it.
    package static var files: [(name: String, since: OpenStackVersion)] {
        openStackSchema.entries.map { ($0.path.names.joined(separator: "/"), $0.since) }
    }

    /// Every field of `meta_data.json`, in its order, and the version that introduced it.
    package static var metaDataFields: [(name: String, since: OpenStackVersion)] {
        metaData.fields.map { ($0.name, $0.since) }
    }

    /// Nothing is public: a client that gets no list of versions concludes that there is no OpenStack metadata.
    package func publicNode(at path: TreePath) -> Node? { nil }

    package func node(at path: TreePath, for question: Question) -> Node? {
        if path.names.dropFirst().first == contentRoot { return content(at: path.names.dropFirst(2), of: question.instance) }
        return openStackSchema.node(at: path.names.dropFirst(), for: question)
    }

    package func operation(at path: TreePath) -> Operation? {
        openStackSchema.operation(at: path.names.dropFirst())
    }
}

/// The directory of the injected files, beside the versions; only `meta_data.json` refers to it.
private let contentRoot = "content"

/// The name of an injected file, from its number.
func contentName(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}

private func content(at path: ArraySlice<String>, of instance: Instance) -> Node? {
    guard path.count == 1, let name = path.first, let number = Int(name), contentName(number) == name else { return nil }
    return instance.documents.files.indices.contains(number) ? .bytes(instance.documents.files[number].content) : nil
}

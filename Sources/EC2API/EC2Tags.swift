import Common

/// The operator's tags by name.
///
/// Clients take `N=name` in a listing for a key and follow its number; a tag whose name looks like one would lead them to a path
/// without a node, so it is omitted. So is a name that is no component of a path, such as `kubernetes.io/cluster/prod`.
func tags(of instance: Instance) -> Node? {
    Directory(leaves: instance.documents.tags.filter { $0.isListable }).map(Node.directory)
}

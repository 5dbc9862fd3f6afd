import Common

/// The operator's tags by name.
///
/// A listing shows `N=name` for a key, whose number clients follow; a tag that looks like one would lead them to where nothing is, so
/// it is not here.
func tags(of instance: Instance) -> Node? {
    Directory(leaves: instance.tags.filter { !$0.readsAsKey }).map(Node.directory)
}

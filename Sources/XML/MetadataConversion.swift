/// What became of a domain's `<metadata>`.
public enum ConvertedMetadata: Sendable, Equatable {
    /// The namespace of an operator's description of an instance.
    public static let namespace = "urn:virt-metadata:instance:1"

    /// There was nothing to convert: the document is right as it is.
    case unchanged
    /// The whole document with its bare elements in one `<instance>`, and the names of those elements in their order.
    case rewritten([UInt8], elements: [String])
}

/// Puts the bare elements of `/domain/metadata`, the format of libvirt_metadata_api, into one `<instance>` of our namespace.
///
/// libvirt drops what has no namespace there. The elements keep their names and every byte of theirs, and so does the rest of
/// the document, other tools' elements included; only the two tags of `<instance>` are new. Where elements of other namespaces
/// stand between bare ones, the later bare ones move up to the first ones, each with the line break and indentation before
/// it; comments between them stay where they are. A document that has been converted is `.unchanged`.
///
/// - Parameters:
///   - bytes: a domain's XML in UTF-8; any other document is `.unchanged`.
///   - limit: the largest number of bytes that is parsed at all.
/// - Throws: ``XMLError`` when the document cannot be parsed, when an `<instance>` of our namespace already stands beside bare
///   elements (`alreadyNamespaced`), or when no wrapping can give the bare elements our namespace (`ambiguous`).
public func convertBareMetadata(
    in bytes: [UInt8], limit: Int = XMLDocument.defaultLimit
) throws(XMLError) -> ConvertedMetadata {
    let root = try XMLDocument(parsing: bytes, limit: limit).root
    guard root.name == "domain", root.namespace == nil else { return .unchanged }
    let places = root.all("metadata")
    guard let metadata = places.first(where: { $0.children.contains { $0.namespace == nil } }) else { return .unchanged }
    if places.count > 1 {
        throw XMLError(.ambiguous, line: places[1].line, message: "a domain has one <metadata>, and this is the second")
    }

    let children = metadata.children
    let bare = children.filter { $0.namespace == nil }
    if let ours = children.first(where: { $0.name == "instance" && $0.namespace == ConvertedMetadata.namespace }) {
        throw XMLError(
            .alreadyNamespaced, line: bare.first?.line,
            message: "<\(bare.first?.name ?? "")> stands beside the <instance> of line \(ours.line); move it in there by hand")
    }
    for element in bare {
        if element.name == "instance" {
            throw XMLError(
                .ambiguous, line: element.line,
                message: "<instance> has no namespace; give it xmlns='\(ConvertedMetadata.namespace)'")
        }
        try refuseUndeclaration(in: element)
    }

    let splice = MetadataSplice(
        namespace: ConvertedMetadata.namespace,
        elements: children.map { .init(bytes: $0.byteRange, isBare: $0.namespace == nil) })
    let result = splice.applied(to: bytes)
    // What is given back is written over someone's file: that it parses is looked at and not assumed.
    _ = try XMLDocument(parsing: result, limit: result.count)
    return .rewritten(result, elements: bare.map(\.name))
}

/// `xmlns=""` would keep an element out of the namespace that is put around it.
private func refuseUndeclaration(in element: XMLElement) throws(XMLError) {
    if element.declaresNoNamespace {
        throw XMLError(
            .ambiguous, line: element.line, message: "xmlns=\"\" keeps <\(element.name)> out of every namespace; take it away")
    }
    for child in element.children where child.namespace == nil { try refuseUndeclaration(in: child) }
}

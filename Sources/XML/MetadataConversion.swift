package import Common

/// The result of converting a domain's `<metadata>`.
package enum ConvertedMetadata: Sendable, Equatable {
    /// The namespace of the operator's `<instance>` element.
    package static let namespace = "urn:virt-metadata:instance:1"
    /// The prefix of its tags.
    package static let prefix = "vm"

    /// There was nothing to convert.
    case unchanged
    /// The whole document with its bare elements in one `<instance>`, and the names of those elements in their order.
    case rewritten([UInt8], elements: [String])
}

/// Moves the bare elements of `/domain/metadata`, the format of libvirt_metadata_api, into one `<instance>` in the namespace of
/// virt-metadata.
///
/// libvirt drops elements without a namespace there. The elements keep their bytes but for the prefix of their tags, and so does the
/// rest of the document, including other tools' elements; only the two tags of `<vm:instance>` are new. Where elements of other namespaces stand
/// between bare ones, the later bare ones move up to the first ones, each with the line break and indentation before it; comments
/// between them are not moved. A converted document is `.unchanged`.
///
/// - Parameters:
///   - bytes: a domain's XML in UTF-8; any other document is `.unchanged`.
///   - limit: the largest accepted size in bytes.
/// - Throws: ``ParseError`` if the document cannot be parsed, if an `<instance>` in the namespace already exists beside bare
///   elements (`alreadyNamespaced`), or if no wrapper can move the bare elements into the namespace (`ambiguous`).
package func convertBareMetadata(
    in bytes: [UInt8], limit: Int = XMLDocument.defaultLimit
) throws(ParseError) -> ConvertedMetadata {
    let root = try XMLDocument(parsing: bytes, limit: limit).root
    guard root.name == "domain", root.namespace == nil else { return .unchanged }
    let candidates = root.all("metadata")
    guard let metadata = candidates.first(where: { $0.children.contains { $0.namespace == nil } }) else { return .unchanged }
    if candidates.count > 1 {
        throw ParseError(.ambiguous, line: candidates[1].line, problem: "duplicate <metadata>")
    }

    let children = metadata.children
    let bare = children.filter { $0.namespace == nil }
    if let own = children.first(where: { $0.name == "instance" && $0.namespace == ConvertedMetadata.namespace }) {
        throw ParseError(
            .alreadyNamespaced, line: bare.first?.line,
            problem: "<\(bare.first?.name ?? "")> is next to the <instance> of line \(own.line); move it into <instance>")
    }
    for element in bare {
        if element.name == "instance" {
            throw ParseError(
                .ambiguous, line: element.line,
                problem: "<instance> has no namespace; add xmlns='\(ConvertedMetadata.namespace)'")
        }
        try refuseUndeclaration(in: element)
    }

    let splice = MetadataSplice(
        namespace: ConvertedMetadata.namespace,
        elements: children.map { .init(bytes: $0.byteRange, isBare: $0.namespace == nil) })
    // The result replaces an operator's file, so it is parsed rather than assumed to be well formed.
    let result = try prefixed(splice.applied(to: bytes))
    return .rewritten(result, elements: bare.map(\.name))
}

/// The document with a prefix on each tag of the operator's element: virt-manager rewrites a default namespace into XML that libvirt
/// refuses. An element that uses the prefix otherwise keeps its default namespace.
private func prefixed(_ bytes: [UInt8]) throws(ParseError) -> [UInt8] {
    let document = try XMLDocument(parsing: bytes, limit: bytes.count)
    let metadata = document.root.first("metadata")
    guard let range = metadata?.first("instance", namespace: ConvertedMetadata.namespace)?.byteRange else { return bytes }
    let prefix = ConvertedMetadata.prefix
    let element = String(decoding: bytes[range], as: UTF8.self)
    guard !element.contains("<\(prefix):"),
        let written = try? XMLPrefix.added(prefix, for: ConvertedMetadata.namespace, to: XMLPrefix.removed(from: element))
    else { return bytes }
    let result = Array(bytes[..<range.lowerBound]) + Array(written.utf8) + bytes[range.upperBound...]
    _ = try XMLDocument(parsing: result, limit: result.count)
    return result
}

/// `xmlns=""` would keep an element out of the namespace of its new parent.
private func refuseUndeclaration(in element: XMLElement) throws(ParseError) {
    if element.declaresNoNamespace {
        throw ParseError(
            .ambiguous, line: element.line,
            problem: "xmlns=\"\" removes <\(element.name)> from every namespace; delete that attribute")
    }
    for child in element.children where child.namespace == nil { try refuseUndeclaration(in: child) }
}

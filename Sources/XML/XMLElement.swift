internal import CLibXML2

/// An element of a document, which it keeps alive.
///
/// Names are local names; prefixes are not exposed.
///
/// Safe: the pointer is private and points into the tree of the document that this element retains and that is never modified
/// after parsing.
@safe
package struct XMLElement {
    private let document: XMLDocument
    private let node: xmlNodePtr

    init(borrowing node: xmlNodePtr, of document: XMLDocument) {
        unsafe (self.node, self.document) = (node, document)
    }

    package var name: String {
        unsafe String(cString: node.pointee.name)
    }

    /// The namespace URI; `nil` for none.
    package var namespace: String? {
        guard let uri = unsafe node.pointee.ns?.pointee.href, unsafe uri.pointee != 0 else { return nil }
        return unsafe String(cString: uri)
    }

    /// The line of the start tag, counted from 1.
    package var line: Int {
        unsafe XMLMark.line(of: node)
    }

    /// The range of the element in the parsed bytes, from `<` to the end of the end tag.
    var byteRange: Range<Int> {
        unsafe XMLMark.range(of: node)
    }

    /// Whether the start tag has `xmlns=""`, which removes the element and its descendants from any default namespace.
    var declaresNoNamespace: Bool {
        var definition = unsafe node.pointee.nsDef
        while let current = unsafe definition {
            if unsafe current.pointee.prefix == nil, unsafe (current.pointee.href?.pointee ?? 0) == 0 { return true }
            unsafe definition = current.pointee.next
        }
        return false
    }

    /// The direct text and CDATA of the element, concatenated verbatim, without comments and child elements.
    ///
    /// Line ends are `\n`: XML 1.0 (2.11) requires parsers to normalize them.
    package var text: String {
        unsafe Self.text(from: node.pointee.children)
    }

    private static func text(from first: xmlNodePtr?) -> String {
        // Nearly every element has one text node; it is copied once.
        guard let first = unsafe first else { return "" }
        var result = unsafe vm_xml_content(first).map { unsafe String(cString: $0) } ?? ""
        var next = unsafe first.pointee.next
        while let current = unsafe next {
            if let content = unsafe vm_xml_content(current) { unsafe result += String(cString: content) }
            unsafe next = current.pointee.next
        }
        return result
    }
}

extension XMLElement {
    /// The value of an attribute without a namespace; `nil` if the element has no such attribute.
    package func attribute(_ name: String) -> String? {
        var next = unsafe node.pointee.properties
        while let current = unsafe next {
            if unsafe current.pointee.ns == nil, unsafe xmlStrEqual(current.pointee.name, name) == 1 {
                return unsafe Self.text(from: current.pointee.children)
            }
            unsafe next = current.pointee.next
        }
        return nil
    }

    /// The names of the attributes without a namespace, in document order; the others belong to other tools.
    package var attributes: [String] {
        unsafe names { unsafe $0 == nil }
    }

    /// The local names of the attributes in a namespace, in document order.
    package func attributes(in namespace: String) -> [String] {
        unsafe names { own in unsafe own?.pointee.href.map { unsafe xmlStrEqual($0, namespace) == 1 } ?? false }
    }

    private func names(_ isWanted: (xmlNsPtr?) -> Bool) -> [String] {
        var names: [String] = []
        var next = unsafe node.pointee.properties
        while let current = unsafe next {
            if unsafe isWanted(current.pointee.ns) { unsafe names.append(String(cString: current.pointee.name)) }
            unsafe next = current.pointee.next
        }
        return names
    }
}

extension XMLElement {
    /// The child elements, in document order.
    package var children: [XMLElement] {
        var elements: [XMLElement] = []
        let _: Never? = walk {
            elements.append($0)
            return nil
        }
        return elements
    }

    package var hasChildElements: Bool {
        unsafe xmlFirstElementChild(node) != nil
    }

    /// Whether a comment or a processing instruction is among the element's text, which ``text`` leaves out.
    package var hasCommentOrInstruction: Bool {
        var next = unsafe node.pointee.children
        while let current = unsafe next {
            if unsafe [XML_COMMENT_NODE, XML_PI_NODE].contains(current.pointee.type) { return true }
            unsafe next = current.pointee.next
        }
        return false
    }

    /// The first element at a path of names, all of one namespace: `domain.first("os", "smbios")`.
    ///
    /// - Parameter namespace: the namespace URI of each element of the path; `nil` means no namespace, not any.
    package func first(_ path: String..., namespace: String? = nil) -> XMLElement? {
        walk(path[...], namespace) { $0 }
    }

    /// All elements at a path of names, in document order: `domain.all("devices", "interface")`.
    ///
    /// - Parameter namespace: the namespace URI of each element of the path; `nil` means no namespace, not any.
    package func all(_ path: String..., namespace: String? = nil) -> [XMLElement] {
        var elements: [XMLElement] = []
        let _: Never? = walk(path[...], namespace) {
            elements.append($0)
            return nil
        }
        return elements
    }

    /// Visits the elements at a path in every branch until `visit` returns a value.
    private func walk<Found>(
        _ path: ArraySlice<String>, _ namespace: String?, _ visit: (XMLElement) -> Found?
    ) -> Found? {
        guard let name = path.first else { return visit(self) }
        return walk { child in
            guard child.isNamed(name, namespace) else { return nil }
            return child.walk(path.dropFirst(), namespace, visit)
        }
    }

    /// Visits each child element until `visit` returns a value.
    private func walk<Found>(_ visit: (XMLElement) -> Found?) -> Found? {
        var next = unsafe xmlFirstElementChild(node)
        while let current = unsafe next {
            if let found = unsafe visit(XMLElement(borrowing: current, of: document)) { return found }
            unsafe next = xmlNextElementSibling(current)
        }
        return nil
    }

    private func isNamed(_ name: String, _ namespace: String?) -> Bool {
        guard unsafe xmlStrEqual(node.pointee.name, name) == 1 else { return false }
        guard let uri = unsafe node.pointee.ns?.pointee.href, unsafe uri.pointee != 0 else { return namespace == nil }
        guard let namespace else { return false }
        return unsafe xmlStrEqual(uri, namespace) == 1
    }
}

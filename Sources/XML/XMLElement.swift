internal import CLibXML2

/// One element of a document, which it keeps alive.
///
/// Names are local names: a prefix is spelling, and is never shown.
///
/// Safe: the pointer is private and points into the tree of the document held beside it, which lives as long and is
/// never written to after parsing.
@safe
public struct XMLElement {
    private let document: XMLDocument
    private let node: xmlNodePtr

    init(borrowing node: xmlNodePtr, of document: XMLDocument) {
        unsafe (self.node, self.document) = (node, document)
    }

    /// The local name.
    public var name: String {
        unsafe String(cString: node.pointee.name)
    }

    /// The URI of the namespace, whatever prefix stands for it; `nil` for none.
    public var namespace: String? {
        guard let uri = unsafe node.pointee.ns?.pointee.href, unsafe uri.pointee != 0 else { return nil }
        return unsafe String(cString: uri)
    }

    /// The line on which the start tag begins, counted from 1.
    public var line: Int {
        unsafe XMLMark.line(of: node)
    }

    /// The bytes of the element in what was parsed, from `<` to behind the end tag.
    var byteRange: Range<Int> {
        unsafe XMLMark.range(of: node)
    }

    /// Whether the start tag says `xmlns=""`, which takes the element and what is in it out of any default namespace.
    var declaresNoNamespace: Bool {
        var definition = unsafe node.pointee.nsDef
        while let current = unsafe definition {
            if unsafe current.pointee.prefix == nil, unsafe (current.pointee.href?.pointee ?? 0) == 0 { return true }
            unsafe definition = current.pointee.next
        }
        return false
    }

    /// The direct text and CDATA of the element, one after the other and verbatim; comments and child elements are left out.
    ///
    /// Line ends are `\n`, as XML 1.0 (2.11) has every parser deliver them.
    public var text: String {
        unsafe Self.text(from: node.pointee.children)
    }

    private static func text(from first: xmlNodePtr?) -> String {
        // Nearly every element has one text; it is copied once.
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
    /// The value of the attribute of this name that is in no namespace; `nil` if the element has none.
    public func attribute(_ name: String) -> String? {
        var next = unsafe node.pointee.properties
        while let current = unsafe next {
            if unsafe current.pointee.ns == nil, unsafe xmlStrEqual(current.pointee.name, name) == 1 {
                return unsafe Self.text(from: current.pointee.children)
            }
            unsafe next = current.pointee.next
        }
        return nil
    }

    /// The names of the attributes that are in no namespace, in the order of the document; the others are someone else's.
    public var attributes: [String] {
        var names: [String] = []
        var next = unsafe node.pointee.properties
        while let current = unsafe next {
            if unsafe current.pointee.ns == nil { unsafe names.append(String(cString: current.pointee.name)) }
            unsafe next = current.pointee.next
        }
        return names
    }
}

extension XMLElement {
    /// The child elements, in the order of the document.
    public var children: [XMLElement] {
        var elements: [XMLElement] = []
        let _: Never? = walk {
            elements.append($0)
            return nil
        }
        return elements
    }

    /// Whether any child is an element.
    public var hasChildElements: Bool {
        unsafe xmlFirstElementChild(node) != nil
    }

    /// The first element at the end of a path of names, all of one namespace: `domain.first("os", "smbios")`.
    ///
    /// - Parameter namespace: the URI that each step is in; `nil` means no namespace, not any.
    public func first(_ path: String..., namespace: String? = nil) -> XMLElement? {
        walk(path[...], namespace) { $0 }
    }

    /// All elements at the end of a path of names, in the order of the document: `domain.all("devices", "interface")`.
    ///
    /// - Parameter namespace: the URI that each step is in; `nil` means no namespace, not any.
    public func all(_ path: String..., namespace: String? = nil) -> [XMLElement] {
        var elements: [XMLElement] = []
        let _: Never? = walk(path[...], namespace) {
            elements.append($0)
            return nil
        }
        return elements
    }

    /// Follows a path into every branch until `visit` finds something.
    private func walk<Found>(
        _ path: ArraySlice<String>, _ namespace: String?, _ visit: (XMLElement) -> Found?
    ) -> Found? {
        guard let name = path.first else { return visit(self) }
        return walk { child in
            guard child.isNamed(name, namespace) else { return nil }
            return child.walk(path.dropFirst(), namespace, visit)
        }
    }

    /// Shows each child element to `visit` until it finds something.
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

internal import CLibXML2
package import Common

/// A parsed XML document, immutable and freed with its last element.
///
/// It is parsed without network access, entities or document types, with limits of size and depth; only UTF-8 is accepted.
///
/// Safe: the pointer is private, points to a tree that this object alone owns and frees, and is passed to elements that retain
/// this object.
@safe
package final class XMLDocument {
    /// Enough for a domain with hundreds of devices and 64 KiB of user data, and too little to keep a server busy.
    package static let defaultLimit = 4 * 1024 * 1024
    /// Domains are some ten elements deep; libxml2 itself stops at 256, and some of its functions recurse.
    package static let maximumDepth = 128
    /// The largest tags of a domain have some twenty attributes; libxml2 compares each attribute of a tag with all others.
    package static let maximumAttributes = 64
    /// Domains use a handful; libxml2 searches all namespaces in scope for each name.
    package static let maximumNamespaces = 256
    /// The longest name of a namespace, in bytes: it is read again for each element in it.
    package static let longestNamespace = 1024
    /// The number in a libvirt network with a reservation for each address of a /16.
    package static let maximumElements = 200_000

    private let pointer: xmlDocPtr
    private let rootPointer: xmlNodePtr

    /// Parses UTF-8 bytes.
    ///
    /// - Parameters:
    ///   - limit: the largest accepted size in bytes.
    ///   - elements: the largest accepted number of elements.
    /// - Throws: ``ParseError`` with the location of the first error.
    package convenience init(
        parsing bytes: [UInt8], limit: Int = defaultLimit, elements: Int = maximumElements
    ) throws(ParseError) {
        try self.init(screening: bytes.span, limit: limit, elements: elements)
    }

    /// Parses a text.
    ///
    /// - Parameter limit: the largest accepted size in UTF-8 bytes.
    /// - Throws: ``ParseError`` with the location of the first error.
    package convenience init(parsing text: String, limit: Int = defaultLimit) throws(ParseError) {
        try self.init(screening: text.utf8Span.span, limit: limit, elements: Self.maximumElements)
    }

    private init(screening bytes: borrowing Span<UInt8>, limit: Int, elements: Int) throws(ParseError) {
        try XMLScreening.check(bytes, limit: limit)
        let document = try unsafe XMLParsing.document(bytes, mostElements: elements)
        guard let root = unsafe xmlDocGetRootElement(document) else {
            unsafe xmlFreeDoc(document)
            throw ParseError(.malformed, problem: "the document has no element")
        }
        unsafe (pointer, rootPointer) = (document, root)
    }

    deinit {
        unsafe xmlFreeDoc(pointer)
    }

    /// The outermost element.
    package var root: XMLElement {
        unsafe XMLElement(borrowing: rootPointer, of: self)
    }
}

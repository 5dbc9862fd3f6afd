internal import CLibXML2

/// A parsed XML document, which never changes again and is freed with its last element.
///
/// It is read without network, entities or a document type, under a limit of bytes and of depth; only UTF-8 is accepted.
///
/// Safe: the pointer is private, points to a tree that this object alone owns and frees, and is lent to elements that hold
/// this object.
@safe
public final class XMLDocument {
    /// Enough for a domain with hundreds of devices and a whole user data of 64 KiB, and too little to hold a server up.
    public static let defaultLimit = 4 * 1024 * 1024
    /// Domains are some ten elements deep; libxml2 itself gives up at 256, and some of its walks recurse.
    public static let maximumDepth = 128
    /// The busiest tags of a domain have some twenty; libxml2 compares all of a tag with each other.
    public static let maximumAttributes = 64
    /// Domains use a handful; libxml2 goes through all that are in scope for each name.
    public static let maximumNamespaces = 256

    private let pointer: xmlDocPtr
    private let rootPointer: xmlNodePtr

    /// Parses bytes in UTF-8.
    ///
    /// - Parameter limit: the largest number of bytes that is parsed at all.
    /// - Throws: ``XMLError`` with the first error's position.
    public convenience init(parsing bytes: [UInt8], limit: Int = defaultLimit) throws(XMLError) {
        try self.init(screening: bytes.span, limit: limit)
    }

    /// Parses a text.
    ///
    /// - Parameter limit: the largest number of bytes in UTF-8 that is parsed at all.
    /// - Throws: ``XMLError`` with the first error's position.
    public convenience init(parsing text: String, limit: Int = defaultLimit) throws(XMLError) {
        try self.init(screening: text.utf8Span.span, limit: limit)
    }

    private init(screening bytes: borrowing Span<UInt8>, limit: Int) throws(XMLError) {
        try XMLScreening.check(bytes, limit: limit)
        let document = try unsafe XMLParsing.document(bytes)
        guard let root = unsafe xmlDocGetRootElement(document) else {
            unsafe xmlFreeDoc(document)
            throw XMLError(.malformed, message: "the document has no element")
        }
        unsafe (pointer, rootPointer) = (document, root)
    }

    deinit {
        unsafe xmlFreeDoc(pointer)
    }

    /// The outermost element.
    public var root: XMLElement {
        unsafe XMLElement(borrowing: rootPointer, of: self)
    }
}

internal import CLibXML2

/// The location of an element in the parsed bytes, stored in the two fields of a node that libxml2 leaves to its users.
///
/// A node's own line number has 16 bits, so the line is in `_private`; `psvi` has the offsets of `<` and of the end of the
/// element, 32 bits each (a document has fewer than 2³¹ bytes). libxml2 neither reads nor frees these fields (tree.h).
enum XMLMark {
    /// Called when the parser is at the `>` or `/>` of a start tag.
    static func begin(_ node: xmlNodePtr, in context: xmlParserCtxtPtr) {
        guard let input = unsafe context.pointee.input, let base = unsafe input.pointee.base else { return }
        // A tag cannot contain a raw `<` (XML 1.0, production 10), so the tag begins at the nearest preceding one; the parser
        // keeps a start tag in its buffer until it has reported the tag.
        guard var cursor = unsafe input.pointee.cur else { return }
        var (line, length) = unsafe (Int(input.pointee.line), 0)
        while unsafe cursor > base, unsafe cursor.pointee != UInt8(ascii: "<") || length == 0 {
            unsafe cursor -= 1
            length += 1
            if unsafe cursor.pointee == UInt8(ascii: "\n") { line -= 1 }
        }
        let start = unsafe Int(xmlByteConsumed(context)) - length
        unsafe node.pointee._private = UnsafeMutableRawPointer(bitPattern: line)
        unsafe node.pointee.psvi = UnsafeMutableRawPointer(bitPattern: start << 32)
    }

    /// Called when the parser is after an end tag or `/>`.
    static func end(_ node: xmlNodePtr, in context: xmlParserCtxtPtr) {
        let start = unsafe Int(bitPattern: node.pointee.psvi)
        unsafe node.pointee.psvi = UnsafeMutableRawPointer(bitPattern: start | Int(xmlByteConsumed(context)))
    }

    static func line(of node: xmlNodePtr) -> Int {
        unsafe Int(bitPattern: node.pointee._private)
    }

    /// The bytes of an element from its `<` to the end of its end tag.
    static func range(of node: xmlNodePtr) -> Range<Int> {
        let both = unsafe Int(bitPattern: node.pointee.psvi)
        return both >> 32..<both & 0xFFFF_FFFF
    }
}

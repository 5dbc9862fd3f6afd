internal import CLibXML2

/// Where an element stands in the bytes it was read from, kept in the two fields of a node that libxml2 leaves to us.
///
/// A node's own line number has 16 bits, so the line is in `_private`; `psvi` has the offsets of `<` and of what follows the
/// end tag, 32 bits each (a document has fewer than 2³¹ bytes). Neither field is read or freed by libxml2 (tree.h).
enum XMLMark {
    /// Called when the parser stands before the `>` or `/>` of a start tag.
    static func begin(_ node: xmlNodePtr, in context: xmlParserCtxtPtr) {
        guard let input = unsafe context.pointee.input, let base = unsafe input.pointee.base else { return }
        // A raw `<` cannot stand in a tag (XML 1.0, production 10), so the nearest one behind is where this one begins; the
        // parser keeps a start tag whole in its buffer until it has been reported.
        guard var place = unsafe input.pointee.cur else { return }
        var (line, length) = unsafe (Int(input.pointee.line), 0)
        while unsafe place > base, unsafe place.pointee != UInt8(ascii: "<") || length == 0 {
            unsafe place -= 1
            length += 1
            if unsafe place.pointee == UInt8(ascii: "\n") { line -= 1 }
        }
        let start = unsafe Int(xmlByteConsumed(context)) - length
        unsafe node.pointee._private = UnsafeMutableRawPointer(bitPattern: line)
        unsafe node.pointee.psvi = UnsafeMutableRawPointer(bitPattern: start << 32)
    }

    /// Called when the parser stands behind an end tag, or behind `/>`.
    static func end(_ node: xmlNodePtr, in context: xmlParserCtxtPtr) {
        let start = unsafe Int(bitPattern: node.pointee.psvi)
        unsafe node.pointee.psvi = UnsafeMutableRawPointer(bitPattern: start | Int(xmlByteConsumed(context)))
    }

    /// The line of an element's `<`, counted from 1.
    static func line(of node: xmlNodePtr) -> Int {
        unsafe Int(bitPattern: node.pointee._private)
    }

    /// The bytes of an element from its `<` to behind its end tag.
    static func range(of node: xmlNodePtr) -> Range<Int> {
        let both = unsafe Int(bitPattern: node.pointee.psvi)
        return both >> 32..<both & 0xFFFF_FFFF
    }
}

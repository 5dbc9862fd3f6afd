package import Common

/// An XML document under edit: each change replaces bytes, so that the rest stays as its author wrote it.
///
/// The document is parsed again after each change: elements found before belong to the previous document and cannot be used for
/// another change.
package struct EditedXML {
    /// The current document.
    package private(set) var bytes: [UInt8]
    private var document: XMLDocument

    /// Parses the document.
    ///
    /// - Throws: ``ParseError`` if it cannot be parsed.
    package init(_ bytes: [UInt8]) throws(ParseError) {
        document = try XMLDocument(parsing: bytes)
        self.bytes = bytes
    }

    /// The outermost element of the current document.
    package var root: XMLElement { document.root }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Appends an element to the children of another one, on a line of its own, unless all children are on the parent's line.
    ///
    /// - Parameter fragment: the element's XML.
    /// - Throws: ``ParseError`` if the result cannot be parsed; the document is then unchanged.
    package mutating func append(_ fragment: String, to parent: XMLElement) throws(ParseError) {
        let range = parent.byteRange
        let tag = XMLToken(at: range.lowerBound, in: bytes.span)
        let outer = indentation(before: range.lowerBound)
        let inner = parent.children.first.map { indentation(before: $0.byteRange.lowerBound) } ?? outer + Array("  ".utf8)
        let line = Array("\n".utf8) + inner + Array(fragment.utf8)
        if tag.kind == .emptyTag {
            let end = Array("\n".utf8) + outer + Array("</".utf8) + bytes[tag.name(in: bytes.span)] + Array(">".utf8)
            return try replace(tag.range.upperBound - 2..<tag.range.upperBound, by: Array(">".utf8) + line + end)
        }
        // The last `<` of an element begins its end tag.
        let end = bytes[range].lastIndex(of: UInt8(ascii: "<")) ?? range.upperBound
        let content = tag.range.upperBound..<end
        if !parent.children.isEmpty, !bytes[content].contains(UInt8(ascii: "\n")) {
            return try replace(end..<end, by: Array(fragment.utf8))
        }
        var offset = end
        while offset > tag.range.upperBound, XMLToken.isBlank(bytes[offset - 1]) { offset -= 1 }
        let ownLine = bytes[offset..<end].contains(UInt8(ascii: "\n"))
        try replace(offset..<(ownLine ? offset : end), by: line + (ownLine ? [] : Array("\n".utf8) + outer))
    }

    /// Replaces an element.
    ///
    /// - Parameter fragment: the new element's XML.
    /// - Throws: ``ParseError`` if the result cannot be parsed; the document is then unchanged.
    package mutating func replace(_ element: XMLElement, by fragment: String) throws(ParseError) {
        try replace(element.byteRange, by: Array(fragment.utf8))
    }

    /// Replaces several elements at once, none of which is inside another.
    ///
    /// - Throws: ``ParseError`` if the result cannot be parsed; the document is then unchanged.
    package mutating func replace(_ replacements: [(element: XMLElement, fragment: String)]) throws(ParseError) {
        var (changed, rest) = ([UInt8](), 0)
        for (element, fragment) in replacements.sorted(by: { $0.element.byteRange.lowerBound < $1.element.byteRange.lowerBound })
        {
            changed += bytes[rest..<element.byteRange.lowerBound] + Array(fragment.utf8)
            rest = element.byteRange.upperBound
        }
        try replace(0..<rest, by: changed)
    }

    /// Removes an element, and its line if nothing else is on it.
    ///
    /// - Throws: ``ParseError`` if it is the outermost element; the document is then unchanged.
    package mutating func remove(_ element: XMLElement) throws(ParseError) { try remove([element]) }

    /// Removes several elements at once, none of which is inside another, each as one alone.
    package mutating func remove(_ elements: [XMLElement]) throws(ParseError) {
        guard !elements.isEmpty else { return }
        var (changed, rest) = ([UInt8](), 0)
        for range in elements.map(\.byteRange).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            var start = range.lowerBound
            while start > 0, bytes[start - 1] == UInt8(ascii: " ") || bytes[start - 1] == UInt8(ascii: "\t") { start -= 1 }
            let isFirst = start > 0 && bytes[start - 1] == UInt8(ascii: "\n")
            changed += bytes[rest..<(isFirst ? start - 1 : range.lowerBound)]
            rest = range.upperBound
        }
        try replace(0..<rest, by: changed)
    }

    /// Sets an attribute without a namespace; `nil` removes it.
    ///
    /// - Parameter value: only characters that XML allows.
    package mutating func setAttribute(_ name: String, of element: XMLElement, to value: String?) throws(ParseError) {
        try setAttribute(name, of: [element], to: value)
    }

    /// Sets an attribute without a namespace of several elements at once, in their order in the document; `nil` removes it.
    ///
    /// - Throws: ``ParseError`` if the result cannot be parsed; the document is then unchanged.
    package mutating func setAttribute(_ name: String, of elements: [XMLElement], to value: String?) throws(ParseError) {
        let written = value.map { Array(" \(name)='\(XMLEscaping.attribute($0))'".utf8) } ?? []
        var (changed, rest) = ([UInt8](), 0)
        for element in elements {
            let tag = XMLToken(at: element.byteRange.lowerBound, in: bytes.span)
            let end = tag.name(in: bytes.span).upperBound
            let old = tag.attribute(name, in: bytes.span)?.range ?? end..<end
            changed += bytes[rest..<old.lowerBound] + written
            rest = old.upperBound
        }
        try replace(0..<rest, by: changed)
    }

    /// The bytes of an element in the document.
    package func text(of element: XMLElement) -> String {
        String(decoding: bytes[element.byteRange], as: UTF8.self)
    }

    private mutating func replace(_ range: Range<Int>, by new: [UInt8]) throws(ParseError) {
        var changed = bytes
        changed.replaceSubrange(range, with: new)
        document = try XMLDocument(parsing: changed)
        bytes = changed
    }

    /// The white space between the start of the line and an element.
    private func indentation(before element: Int) -> [UInt8] {
        var start = element
        while start > 0, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
        return Array(bytes[start..<element].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
    }
}

/// A document on its way to another: each change is one of bytes, so that all else stays as somebody wrote it.
///
/// After each change the document is parsed anew: elements found before belong to the document before, and cannot be used for
/// another change.
public struct EditedXML {
    /// The document as it is now.
    public private(set) var bytes: [UInt8]
    private var document: XMLDocument

    /// Begins with a document.
    ///
    /// - Throws: ``XMLError`` if it cannot be parsed.
    public init(_ bytes: [UInt8]) throws(XMLError) {
        document = try XMLDocument(parsing: bytes)
        self.bytes = bytes
    }

    /// The outermost element as it is now.
    public var root: XMLElement { document.root }

    /// The document as a text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Puts an element below another one, behind all that is there, on a line of its own.
    ///
    /// - Parameter fragment: the element as it is to be written.
    /// - Throws: ``XMLError`` if the document could not be parsed with it; it stays as it was.
    public mutating func append(_ fragment: String, to parent: XMLElement) throws(XMLError) {
        let range = parent.byteRange
        let tag = StartTag(at: range.lowerBound, in: bytes)
        let outer = indentation(before: range.lowerBound)
        let inner = parent.children.first.map { indentation(before: $0.byteRange.lowerBound) } ?? outer + Array("  ".utf8)
        let line = Array("\n".utf8) + inner + Array(fragment.utf8)
        if tag.isEmptyElement {
            let end = Array("\n".utf8) + outer + Array("</".utf8) + bytes[tag.name] + Array(">".utf8)
            return try replace(tag.end - 2..<tag.end, by: Array(">".utf8) + line + end)
        }
        // The last `<` of an element begins its end tag.
        let end = bytes[range].lastIndex(of: UInt8(ascii: "<")) ?? range.upperBound
        var place = end
        while place > tag.end, Self.isBlank(bytes[place - 1]) { place -= 1 }
        let ownLine = bytes[place..<end].contains(UInt8(ascii: "\n"))
        try replace(place..<(ownLine ? place : end), by: line + (ownLine ? [] : Array("\n".utf8) + outer))
    }

    /// Puts an element in the place of another one.
    ///
    /// - Parameter fragment: the element as it is to be written.
    /// - Throws: ``XMLError`` if the document could not be parsed with it; it stays as it was.
    public mutating func replace(_ element: XMLElement, by fragment: String) throws(XMLError) {
        try replace(element.byteRange, by: Array(fragment.utf8))
    }

    /// Takes an element out, with its line if it has one for itself.
    ///
    /// - Throws: ``XMLError`` if it is the outermost one; the document stays as it was.
    public mutating func remove(_ element: XMLElement) throws(XMLError) {
        let range = element.byteRange
        var start = range.lowerBound
        while start > 0, bytes[start - 1] == UInt8(ascii: " ") || bytes[start - 1] == UInt8(ascii: "\t") { start -= 1 }
        let isFirst = start > 0 && bytes[start - 1] == UInt8(ascii: "\n")
        try replace((isFirst ? start - 1 : range.lowerBound)..<range.upperBound, by: [])
    }

    /// Gives an element an attribute of no namespace, in the place of one of that name; `nil` takes it away.
    ///
    /// - Parameter value: only characters that XML can hold.
    public mutating func setAttribute(_ name: String, of element: XMLElement, to value: String?) throws(XMLError) {
        let tag = StartTag(at: element.byteRange.lowerBound, in: bytes)
        let written = value.map { Array(" \(name)='\(XMLEscaping.attribute($0))'".utf8) } ?? []
        if let old = tag.attribute(name, in: bytes) { return try replace(old, by: written) }
        try replace(tag.name.upperBound..<tag.name.upperBound, by: written)
    }

    /// The bytes of an element as they stand in the document.
    public func text(of element: XMLElement) -> String {
        String(decoding: bytes[element.byteRange], as: UTF8.self)
    }

    private mutating func replace(_ range: Range<Int>, by new: [UInt8]) throws(XMLError) {
        var changed = bytes
        changed.replaceSubrange(range, with: new)
        document = try XMLDocument(parsing: changed)
        bytes = changed
    }

    /// What is blank between the beginning of the line and an element.
    private func indentation(before element: Int) -> [UInt8] {
        var start = element
        while start > 0, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
        return Array(bytes[start..<element].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
    }

    static func isBlank(_ byte: UInt8) -> Bool {
        [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(byte)
    }
}

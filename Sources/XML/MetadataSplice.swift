/// The conversion of one `<metadata>` as an operation on bytes: which ranges move where, and the bytes inserted between them.
struct MetadataSplice {
    /// A child element of `<metadata>`.
    struct Element {
        /// From `<` to the end of the end tag.
        let bytes: Range<Int>
        /// Whether it has no namespace, and so moves into `<instance>`.
        let isBare: Bool
    }

    /// The namespace of the `<instance>` around the bare elements.
    let namespace: String
    /// All child elements of `<metadata>` in document order.
    let elements: [Element]

    /// The document with its bare elements in one `<instance>`; a document without bare elements is unchanged.
    ///
    /// The first bare elements, up to the next one with a namespace, are not moved, nor are the comments between them.
    func applied(to document: [UInt8]) -> [UInt8] {
        guard let first = elements.firstIndex(where: \.isBare) else { return document }
        let end = elements[first...].firstIndex { !$0.isBare } ?? elements.endIndex
        let start = elements[first].bytes.lowerBound
        let stay = start..<elements[end - 1].bytes.upperBound
        let indentation = document[lineStart(of: start, in: document)..<start]
        let moved = elements[end...].filter(\.isBare).map {
            lineStart(of: $0.bytes.lowerBound, in: document)..<$0.bytes.upperBound
        }

        var result: [UInt8] = []
        result.reserveCapacity(document.count + 128)
        result += document[..<start]
        result += Array("<instance xmlns='\(namespace)'>".utf8)
        result += indentation
        result += document[stay]
        for range in moved { result += document[range] }
        result += indentation
        result += Array("</instance>".utf8)
        var rest = stay.upperBound
        for range in moved {
            result += document[rest..<range.lowerBound]
            rest = range.upperBound
        }
        result += document[rest...]
        return result
    }

    /// The start of the line break and indentation before an element; the element itself if its line has other content before it.
    private func lineStart(of element: Int, in document: [UInt8]) -> Int {
        var offset = element
        while offset > 0, document[offset - 1] == UInt8(ascii: " ") || document[offset - 1] == UInt8(ascii: "\t") { offset -= 1 }
        guard offset > 0, document[offset - 1] == UInt8(ascii: "\n") else { return element }
        offset -= 1
        if offset > 0, document[offset - 1] == UInt8(ascii: "\r") { offset -= 1 }
        return offset
    }
}

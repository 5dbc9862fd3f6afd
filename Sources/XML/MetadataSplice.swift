/// The rewriting of one `<metadata>` as an operation on bytes: which ranges go where, and what is put between them.
struct MetadataSplice {
    /// A child element of `<metadata>`.
    struct Element {
        /// From `<` to behind the end tag.
        let bytes: Range<Int>
        /// Whether it has no namespace, and so moves into ours.
        let isBare: Bool
    }

    /// The namespace of the `<instance>` that is put around the bare elements.
    let namespace: String
    /// All child elements of `<metadata>` in the order of the document.
    let elements: [Element]

    /// The document with its bare elements in one `<instance>`; without bare elements, the document as it is.
    ///
    /// The first bare elements, up to the next one that is not, stay where they are, together with the comments between them.
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

    /// Where the line break and the indentation before an element begin; the element itself when more stands on its line.
    private func lineStart(of element: Int, in document: [UInt8]) -> Int {
        var place = element
        while place > 0, document[place - 1] == UInt8(ascii: " ") || document[place - 1] == UInt8(ascii: "\t") { place -= 1 }
        guard place > 0, document[place - 1] == UInt8(ascii: "\n") else { return element }
        place -= 1
        if place > 0, document[place - 1] == UInt8(ascii: "\r") { place -= 1 }
        return place
    }
}

/// Where the parts of a start tag stand in the bytes of a document that has been parsed (XML 1.0, productions 40, 41 and 44).
struct StartTag {
    /// Where the name stands, its prefix included.
    let name: Range<Int>
    /// What follows `>`.
    let end: Int
    /// Whether it is the whole element, `<name/>`.
    let isEmptyElement: Bool

    /// - Parameter start: where its `<` is.
    init(at start: Int, in bytes: [UInt8]) {
        var place = start + 1
        while place < bytes.count, !Self.endsName(bytes[place]) { place += 1 }
        name = start + 1..<place
        var quote: UInt8?
        while place < bytes.count, quote != nil || bytes[place] != UInt8(ascii: ">") {
            if let open = quote {
                if bytes[place] == open { quote = nil }
            } else if Self.quotes.contains(bytes[place]) {
                quote = bytes[place]
            }
            place += 1
        }
        end = place + 1
        isEmptyElement = bytes[place - 1] == UInt8(ascii: "/")
    }

    /// Where an attribute stands, with the blanks before it, by its name as it is written.
    func attribute(_ wanted: String, in bytes: [UInt8]) -> Range<Int>? {
        var place = name.upperBound
        while place < end {
            let start = place
            while EditedXML.isBlank(bytes[place]) { place += 1 }
            let nameStart = place
            while !Self.endsName(bytes[place]), bytes[place] != UInt8(ascii: "=") { place += 1 }
            guard place > nameStart else { return nil }
            let isWanted = bytes[nameStart..<place].elementsEqual(wanted.utf8)
            while place < end, !Self.quotes.contains(bytes[place]) { place += 1 }
            guard place < end, let close = bytes[(place + 1)...].firstIndex(of: bytes[place]) else { return nil }
            place = close + 1
            if isWanted { return start..<place }
        }
        return nil
    }

    private static let quotes = [UInt8(ascii: "'"), UInt8(ascii: "\"")]

    private static func endsName(_ byte: UInt8) -> Bool {
        EditedXML.isBlank(byte) || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/")
    }
}

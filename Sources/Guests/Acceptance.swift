/// The media types that a request prefers (`Accept`, RFC 9110 §12.5.1).
struct Acceptance {
    /// Bounds on the number of ranges and their bytes: browsers and libraries send at most eight.
    private static let (mostRanges, mostBytes) = (16, 1 << 10)

    /// The quality of each range that can decide between JSON and text: `application/json`, `application/*`, and so on.
    private var json, application, text, plain, any: Double?

    /// `nil` where the field is longer than any client sends; such a field is ignored.
    ///
    /// - Parameter field: the whole list; `nil` where the field is absent.
    init?(_ field: String?) {
        guard let field else { return }
        guard field.utf8.count <= Self.mostBytes, field.utf8.count(where: { $0 == UInt8(ascii: ",") }) < Self.mostRanges else {
            return nil
        }
        for range in field.lowercased().utf8.split(separator: UInt8(ascii: ",")) { add(Substring(range)) }
    }

    /// The first range of a name counts.
    private mutating func add(_ range: Substring) {
        let type = range.drop { $0 == " " }.prefix { $0 != ";" && $0 != " " }
        let quality = Self.quality(of: range)
        switch type {
        case "application/json": json = json ?? quality
        case "application/*": application = application ?? quality
        case "text/plain": plain = plain ?? quality
        case "text/*": text = text ?? quality
        case "*/*": any = any ?? quality
        default: break
        }
    }

    /// The value of the range's first `q` parameter; 1 without one.
    private static func quality(of range: Substring) -> Double {
        for parameter in range.split(separator: ";").dropFirst() {
            let parameter = parameter.drop { $0 == " " }
            if parameter.hasPrefix("q=") { return Double(parameter.dropFirst(2)) ?? 1 }
        }
        return 1
    }

    /// Whether JSON is preferred to plain text. A client that accepts both alike, as many a library's default does, gets text.
    var prefersJSON: Bool { (json ?? application ?? any ?? 0) > (plain ?? text ?? any ?? 0) }
}

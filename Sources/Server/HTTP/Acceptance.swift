import NIOHTTP1

/// Which kinds of answer a request would have (`Accept`, RFC 9110 §12.5.1).
struct Acceptance {
    private let ranges: [(type: Substring, quality: Double)]

    init(_ headers: HTTPHeaders) {
        ranges = headers[canonicalForm: "Accept"].map { range in
            let parts = range.lowercased().split(separator: ";").map { $0.drop { $0 == " " } }
            let type = parts.first.map { $0.prefix { $0 != " " } } ?? ""
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
            return (type, quality ?? 1)
        }
    }

    /// Whether JSON is wanted more than plain text. Who takes both alike, as many a library's default does, gets what everybody
    /// gets.
    var prefersJSON: Bool { quality(of: "application/json") > quality(of: "text/plain") }

    private func quality(of type: String) -> Double {
        let family = type.prefix { $0 != "/" } + "/*"
        for name in [type[...], family[...], "*/*"] {
            if let range = ranges.first(where: { $0.type == name }) { return range.quality }
        }
        return 0
    }
}

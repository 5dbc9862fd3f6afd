import FoundationEssentials
import XML

extension InstanceElement {
    /// Bytes as base64 (RFC 4648 §4), in lines of 76.
    static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
    }

    /// What a path leads to as a parser reads it, so that two ways of writing the same are the same; `nil` where there is nothing.
    func value(at path: ElementPath) throws(XMLError) -> String? {
        guard let written = try written(at: path), path.attribute == nil else { return try written(at: path) }
        let element = try XMLDocument(parsing: written).root
        return (element.attribute("encoding").map { $0 + ":" } ?? "") + element.trimmedText
    }

    /// Puts back what stood at a path, as `written(at:)` gave it.
    mutating func restore(_ written: String, at path: ElementPath) throws {
        if path.attribute != nil {
            return try set(Assignment(path: path, value: Array(written.utf8)))
        }
        // First a place for it, then the element itself as somebody wrote it.
        try set(Assignment(path: path, value: []))
        guard let text, let element = try self.written(at: path), let range = text.range(of: element) else { return }
        self = InstanceElement(text.replacingCharacters(in: range, with: written))
    }
}

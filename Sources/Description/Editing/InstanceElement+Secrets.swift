import Common
import FoundationEssentials
import XML

/// What a difference shown to the operator conceals: contents that may hold passwords and keys, and that logs of automation would keep.
extension InstanceElement {
    /// The elements whose text is concealed, by their paths, with the words that stand for it.
    private static let secrets: [(path: [String], words: String)] = [
        (["userdata"], "user data"), (["vendordata"], "vendor data"), (["additional"], "additional metadata"),
        (["files", "file"], "file"), (["iam", "security-credentials"], "credentials"),
    ]

    /// The paths of enable's record whose former values are concealed.
    static func isSecret(_ path: String) -> Bool {
        secrets.contains { secret in
            let whole = secret.path.joined(separator: "/")
            return path == whole || path.hasPrefix(whole + "[") || path.hasPrefix(whole + "/")
        }
    }

    /// The element with a description instead of each secret: `(user data: 1,234 bytes)`.
    ///
    /// - Parameter old: the element before an edit, by which a description says that its secret was changed.
    func withoutSecrets(since old: InstanceElement? = nil) throws(ParseError) -> InstanceElement {
        guard let text else { return self }
        var edited = try EditedXML(Array(text.utf8))
        let former = try old?.secretTexts() ?? [:]
        let replacements = Self.secretElements(of: edited.root).map { secret in
            let isChanged = former[secret.id].map { $0 != secret.text } ?? false
            let size = "\(secret.words): \(Self.bytes(secret.size))\(isChanged ? ", changed" : "")"
            return (secret.element, Self.startTag(of: secret.element) + "(\(size))</\(secret.element.name)>")
        }
        try edited.replace(replacements)
        return InstanceElement(edited.text)
    }

    private func secretTexts() throws(ParseError) -> [String: String] {
        guard let text else { return [:] }
        let found = Self.secretElements(of: try EditedXML(Array(text.utf8)).root).map { ($0.id, $0.text) }
        return Dictionary(found) { first, _ in first }
    }

    private struct Secret {
        let element: XMLElement
        let words: String
        /// The path and the key, by which two versions of a secret are compared.
        let id: String

        /// The text and its encoding.
        var text: String { (element.attribute("encoding") ?? "") + ":" + element.text }

        /// The number of bytes that the guest receives.
        var size: Int {
            if element.attribute("encoding") == "base64", let data = Data(base64Encoded: element.text.filter { !$0.isWhitespace })
            {
                return data.count
            }
            return textBlock(element.text).utf8.count
        }
    }

    private static func secretElements(of root: XMLElement) -> [Secret] {
        secrets.flatMap { path, words in
            var elements = [root]
            for name in path { elements = elements.flatMap { $0.all(name) } }
            return elements.map { element in
                let keys = ["path", "role"].compactMap { element.attribute($0) }
                return Secret(element: element, words: words, id: (path + keys).joined(separator: "/"))
            }
        }
    }

    private static func startTag(of element: XMLElement) -> String {
        let attributes = element.attributes.map { " \($0)='\(XMLEscaping.attribute(element.attribute($0) ?? ""))'" }
        return "<\(element.name)\(attributes.joined())>"
    }

    /// A size in words: `1 byte`, `1,234 bytes`.
    static func bytes(_ count: Int) -> String { "\(grouped(count)) byte\(count == 1 ? "" : "s")" }

    /// A number with a comma after each three digits.
    private static func grouped(_ number: Int) -> String {
        var (text, digits) = ("", Array(String(number)))
        while digits.count > 3 {
            text = "," + String(digits.suffix(3)) + text
            digits.removeLast(3)
        }
        return String(digits) + text
    }
}

import Common
import FoundationEssentials
import JSON
import XML

/// Reads single values, and reports unusable ones.
extension OperatorMetadataReader {
    /// A text of one line; `nil` for an empty element.
    func line(_ element: XMLElement, path: String = "", _ metadata: inout OperatorMetadata) -> String? {
        guard !element.hasChildElements else {
            reject(element, path: path, "contains elements: expected one line of text", &metadata)
            return nil
        }
        let text = element.trimmedText
        guard !text.isEmpty else { return nil }
        guard !text.unicodeScalars.contains(where: isControl) else {
            reject(element, path: path, "contains a line break or another control character", &metadata)
            return nil
        }
        return text
    }

    /// A count from 0.
    func number(_ element: XMLElement, path: String = "", _ metadata: inout OperatorMetadata) -> Int? {
        guard let text = line(element, path: path, &metadata) else { return nil }
        guard let number = Int(text), number >= 0 else {
            reject(element, path: path, "invalid value '\(shown(text))': expected an integer from 0", &metadata)
            return nil
        }
        return number
    }

    /// A host name as RFC 1123 allows it.
    func hostname(_ element: XMLElement, path: String = "", _ metadata: inout OperatorMetadata) -> String? {
        guard let text = line(element, path: path, &metadata) else { return nil }
        guard Hostname.isValid(text) else {
            let advice = Hostname.nearest(to: text).map { " (try '\($0)')" } ?? ""
            reject(element, path: path, "'\(shown(text))' is not a valid hostname\(advice)", &metadata)
            return nil
        }
        if let problem = Hostname.remark(on: text) { note(element, path: path, problem, &metadata) }
        return text
    }

    /// Bytes, written as text or, with `encoding='base64'`, as base64; `nil` if empty.
    func bytes(
        _ element: XMLElement, path: String = "", mayBeEmpty: Bool = false, _ metadata: inout OperatorMetadata
    ) -> [UInt8]? {
        if element.hasChildElements {
            reject(element, path: path, "contains elements; write '<' as '&lt;' or use a CDATA section", &metadata)
            return nil
        }
        let bytes: [UInt8]
        switch element.attribute("encoding") {
        case nil where element.hasCommentOrInstruction:
            let problem =
                "contains a comment or a processing instruction, which XML leaves out of the text; write '<' as '&lt;' or use a "
                + "CDATA section"
            reject(element, path: path, problem, &metadata)
            return nil
        case nil: bytes = Array(textBlock(element.text).utf8)
        case "base64":
            let digits = element.text.filter { !$0.isWhitespace }
            guard let data = Data(base64Encoded: digits) else {
                reject(element, path: path, "invalid base64 (RFC 4648 §4)", &metadata)
                return nil
            }
            bytes = Array(data)
        case let encoding?:
            reject(
                element, path: path,
                "unknown encoding '\(shown(encoding))': expected base64, or no attribute for text",
                &metadata)
            return nil
        }
        return bytes.isEmpty && !mayBeEmpty ? nil : bytes
    }

    func json(_ bytes: [UInt8], _ element: XMLElement, _ metadata: inout OperatorMetadata) -> JSONValue? {
        do {
            return try JSONParsing.value(of: bytes)
        } catch {
            reject(element, "invalid JSON: \(error)", &metadata)
            return nil
        }
    }

    /// The text of a JSON value, unchanged.
    func json(_ element: XMLElement, path: String, _ metadata: inout OperatorMetadata) -> String? {
        let text = element.trimmedText
        guard !text.isEmpty else { return nil }
        do {
            _ = try JSONParsing.value(of: Array(text.utf8))
            return text
        } catch {
            reject(element, path: path, "invalid JSON: \(error)", &metadata)
            return nil
        }
    }

    /// The operator's own metadata tree: an object is a directory, its members are entries.
    func readAdditional(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        guard let bytes = bytes(element, &metadata), let value = json(bytes, element, &metadata) else { return }
        guard case .object(let members) = value else {
            return reject(element, "invalid value: expected a JSON object", &metadata)
        }
        guard let directory = directory(of: members, path: "", element, &metadata) else {
            return reject(element, "has no usable member", &metadata)
        }
        (metadata.documents.additional, metadata.documents.additionalValue) = (directory, value)
    }

    private func directory(
        of members: [JSONMember], path: String, _ element: XMLElement, _ metadata: inout OperatorMetadata
    ) -> Directory? {
        var taken: Set<String> = []
        return Directory(
            members.compactMap { member in
                let name = path + member.name
                if let reason = reasonAgainstEntryName(member.name) {
                    reject(element, "the member name '\(shown(name))' \(reason)", &metadata)
                    return nil
                }
                guard taken.insert(member.name).inserted else {
                    reject(element, "duplicate member '\(shown(name))'; the first one is used", &metadata)
                    return nil
                }
                switch member.value {
                case .null:
                    reject(element, "'\(shown(name))' is null", &metadata)
                    return nil
                case .string(""):
                    reject(element, "'\(shown(name))' is empty", &metadata)
                    return nil
                case .string(let text): return Directory.Member(member.name, .text(text))
                case .object(let members):
                    guard let inner = directory(of: members, path: name + "/", element, &metadata) else {
                        reject(element, "'\(shown(name))' has no usable member", &metadata)
                        return nil
                    }
                    return Directory.Member(member.name, .directory(inner))
                case .bool, .integer, .real, .array:
                    return Directory.Member(member.name, .text(JSONEncoding.text(member.value)))
                }
            })
    }

    // MARK: Elements

    /// The known child elements; the others are reported.
    func children(of element: XMLElement, path: String, _ metadata: inout OperatorMetadata) -> [XMLElement] {
        known(element, among: Vocabulary.children[element.name] ?? [], path: path, &metadata)
    }

    /// The child elements with these names, each once unless it may be repeated; the others are reported.
    func known(
        _ parent: XMLElement, among names: Set<String>, path: String, _ metadata: inout OperatorMetadata
    ) -> [XMLElement] {
        var seen: Set<String> = []
        let repeated = Vocabulary.repeated[parent.name] ?? []
        return parent.children.filter { element in
            if element.namespace != namespace {
                if element.namespace == nil {
                    reject(element, path: path, "is not in the namespace \(Vocabulary.namespace)", &metadata)
                }
                return false
            }
            guard names.contains(element.name) else {
                func advice() -> String { nearestWord(to: element.name, among: names).map { "; did you mean '\($0)'?" } ?? "" }
                reject(element, path: path, "unknown element\(advice())", &metadata)
                return false
            }
            guard seen.insert(element.name).inserted || repeated.contains(element.name) else {
                reject(element, path: path, "duplicate element; the first one is used", &metadata)
                return false
            }
            return true
        }
    }

    /// The `name` of an element as the name of an entry; `nil` if it cannot be one.
    func entryName(
        of element: XMLElement, attribute: String = "name", path: String, taken: Set<String>, _ metadata: inout OperatorMetadata
    ) -> String? {
        guard let name = element.attribute(attribute) else {
            reject(element, path: path, "has no attribute '\(attribute)'", &metadata)
            return nil
        }
        if let reason = reasonAgainstEntryName(name) {
            reject(element, path: path, "the \(attribute) '\(shown(name))' \(reason)", &metadata)
            return nil
        }
        guard !taken.contains(name) else {
            reject(element, path: path, "duplicate \(attribute) '\(shown(name))'; the first one is used", &metadata)
            return nil
        }
        return name
    }

    func reject(
        _ element: XMLElement, path: String = "", _ problem: @autoclosure () -> String, _ metadata: inout OperatorMetadata
    ) {
        // A thousand are enough to read, and some are expensive to compute.
        guard metadata.findings.count < Self.mostFindings else { return }
        let problem =
            metadata.findings.count + 1 < Self.mostFindings ? problem() : "more values are unusable; they are not listed"
        metadata.findings.append(Finding(.unusable, line: element.line, element: path + shown(element.name), problem))
    }

    /// The most findings of one domain's XML.
    static let mostFindings = 1000

    func note(_ element: XMLElement, path: String = "", _ problem: String, _ metadata: inout OperatorMetadata) {
        metadata.findings.append(Finding(.note, line: element.line, element: path + shown(element.name), problem))
    }
}

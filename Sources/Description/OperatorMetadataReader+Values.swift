import Common
import FoundationEssentials
import JSON
import XML

/// Reads single values, and reports unusable ones.
extension OperatorMetadataReader {
    /// A text of one line; `nil` for an empty element.
    func line(_ element: XMLElement, path: String = "", _ metadata: inout OperatorMetadata) -> String? {
        let text = element.trimmedText
        guard !text.isEmpty else { return nil }
        guard !text.unicodeScalars.contains(where: \.isControl) else {
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
            guard let decoded = Base64Text.decoded(element.text.utf8) else {
                reject(element, path: path, "invalid base64 (RFC 4648 §4)", &metadata)
                return nil
            }
            bytes = decoded
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

    /// The operator's own metadata tree: an object is a directory, its members are entries.
    func readAdditional(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        guard let bytes = bytes(element, &metadata), let value = json(bytes, element, &metadata) else { return }
        guard case .object(let members) = value else {
            return reject(element, "invalid value: expected a JSON object", &metadata)
        }
        guard let directory = directory(of: members, below: [], element, &metadata) else {
            return reject(element, "has no usable member", &metadata)
        }
        (metadata.documents.additional, metadata.documents.additionalValue) = (directory, value)
    }

    /// - Parameter names: those of the directories around this one. They are joined only for findings: a long one may have many members.
    private func directory(
        of members: [JSONMember], below names: [String], _ element: XMLElement, _ metadata: inout OperatorMetadata
    ) -> Directory? {
        let room = TreePath.longestName - names.reduce(0) { $0 + PercentEncoding.encodedLength(of: $1) + 1 }
        var taken: Set<String> = []
        return Directory(
            members.compactMap { member in
                let path = { shown((names + [member.name]).joined(separator: "/")) }
                if let reason = reasonAgainstEntryName(member.name, room: room) {
                    reject(element, "the member name '\(path())' \(reason)", &metadata)
                    return nil
                }
                guard taken.insert(member.name).inserted else {
                    reject(element, "duplicate member '\(path())'; the first one is used", &metadata)
                    return nil
                }
                switch member.value {
                case .null:
                    reject(element, "'\(path())' is null", &metadata)
                    return nil
                case .string(""):
                    reject(element, "'\(path())' is empty", &metadata)
                    return nil
                case .string(let text): return Directory.Member(member.name, .text(text))
                case .object(let members):
                    guard let inner = directory(of: members, below: names + [member.name], element, &metadata) else {
                        reject(element, "'\(path())' has no usable member", &metadata)
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
        var seen: [String: Int] = [:]
        let repeated = Vocabulary.repeated[parent.name] ?? []
        return parent.children.filter { element in
            if element.namespace != namespace {
                reviewNamespace(of: element, path: path, &metadata)
                return false
            }
            guard names.contains(element.name) else {
                func advice() -> String { nearestWord(to: element.name, among: names).map { "; did you mean '\($0)'?" } ?? "" }
                reject(element, path: path, "unknown element\(advice())", &metadata)
                return false
            }
            let count = seen[element.name, default: 0]
            seen[element.name] = count + 1
            guard count == 0 || repeated.contains(element.name) else {
                reject(element, path: path, "duplicate element; the first one is used", &metadata)
                return false
            }
            if let most = Vocabulary.most(of: element.name, in: parent.name), count >= most {
                if count == most {
                    reject(element, path: path, "more than \(most) such elements; the first \(most) are used", &metadata)
                }
                return false
            }
            if Vocabulary.links.contains(parent.name) {
                metadata.linkElements += 1
                guard metadata.linkElements <= Vocabulary.mostOfLinks else {
                    if metadata.linkElements == Vocabulary.mostOfLinks + 1 {
                        let problem = "more than \(Vocabulary.mostOfLinks) elements of all links; the first ones are used"
                        reject(element, path: path, problem, &metadata)
                    }
                    return false
                }
            }
            return reviewForm(of: element, in: parent.name, path: path, &metadata)
        }
    }

    /// Reports an element that is probably meant for this program; those of other programs are their own affair.
    private func reviewNamespace(of element: XMLElement, path: String, _ metadata: inout OperatorMetadata) {
        guard metadata.rejected < Self.mostFindings else { return }
        if let namespace = element.namespace {
            guard self.namespace != nil, Vocabulary.isMisspelt(namespace) else { return }
            let problem = "has the unknown namespace '\(shown(namespace))': expected \(Vocabulary.namespace)"
            reject(element, path: path, problem, &metadata)
        } else {
            reject(element, path: path, "is not in the namespace \(Vocabulary.namespace)", &metadata)
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
        // A thousand are enough to read, and some are expensive to compute. Notes are counted apart: they must not hide an error.
        guard metadata.rejected < Self.mostFindings else { return }
        metadata.rejected += 1
        let problem = metadata.rejected < Self.mostFindings ? problem() : "more values are unusable; they are not listed"
        metadata.findings.append(Finding(.unusable, line: element.line, element: path + shown(element.name), problem))
    }

    /// The most findings of one domain's XML.
    static let mostFindings = 1000

    func note(
        _ element: XMLElement, path: String = "", _ problem: @autoclosure () -> String, _ metadata: inout OperatorMetadata
    ) {
        guard metadata.noted < Self.mostFindings else { return }
        metadata.noted += 1
        let problem = metadata.noted < Self.mostFindings ? problem() : "more notes are not listed"
        metadata.findings.append(Finding(.note, line: element.line, element: path + shown(element.name), problem))
    }
}

import Common
import JSON
import XML

/// Reads the elements that are served verbatim.
extension OperatorMetadataReader {
    func readVerbatim(_ element: XMLElement, path: String, into metadata: inout OperatorMetadata) {
        let name = path + element.name
        switch Vocabulary.verbatim[name] {
        case .line: metadata.documents.verbatim[name] = line(element, path: path, &metadata)
        case .time:
            let text = line(element, path: path, &metadata)
            metadata.documents.verbatim[name] = text
            if let text, !Timestamp.isValid(text) {
                let problem = "'\(shown(text))' is not a time of RFC 3339, which clients expect, such as 2026-01-31T12:00:00Z"
                note(element, path: path, problem, &metadata)
            }
        case .json(let kind): metadata.documents.verbatim[name] = json(element, path: path, kind, &metadata)
        case nil:
            for child in children(of: element, path: name + "/", &metadata) {
                readVerbatim(child, path: name + "/", into: &metadata)
            }
        }
    }

    /// Roles and their temporary credentials.
    func readRoles(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        var taken = Set(metadata.access.credentials.map(\.name))
        for child in children(of: element, path: "iam/", &metadata) {
            guard child.name == "security-credentials" else {
                readVerbatim(child, path: "iam/", into: &metadata)
                continue
            }
            guard let role = entryName(of: child, attribute: "role", path: "iam/", taken: taken, &metadata),
                let credentials = json(child, path: "iam/", .object, &metadata)
            else { continue }
            taken.insert(role)
            metadata.access.credentials.append(Tag(role, credentials))
        }
    }

    /// The text of a JSON value, unchanged.
    private func json(
        _ element: XMLElement, path: String, _ kind: Vocabulary.JSONKind, _ metadata: inout OperatorMetadata
    ) -> String? {
        let text = element.trimmedText
        guard !text.isEmpty else { return nil }
        do {
            switch (try JSONParsing.value(of: Array(text.utf8)), kind) {
            case (.object, .object), (.array, .array): break
            case (_, .object): note(element, path: path, "clients expect a JSON object here", &metadata)
            case (_, .array): note(element, path: path, "clients expect a JSON array here", &metadata)
            }
            return text
        } catch {
            reject(element, path: path, "invalid JSON: \(error)", &metadata)
            return nil
        }
    }
}

/// Times as RFC 3339 has them: a date and a time with an offset.
enum Timestamp {
    static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let form = Array("0000-00-00T00:00:00".utf8)
        guard bytes.count > form.count, zip(bytes, form).allSatisfy({ $1 == UInt8(ascii: "0") ? isDigit($0) : $0 == $1 }) else {
            return false
        }
        func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 * 10 + Int($1) - 0x30 } }
        let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...12).contains(month), (1...lengths[month - 1]).contains(day), number(11..<13) < 24, number(14..<16) < 60,
            number(17..<19) <= 60
        else { return false }
        var rest = bytes[form.count...]
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix(while: isDigit)
            guard !digits.isEmpty else { return false }
            rest = rest.dropFirst(1 + digits.count)
        }
        if rest.elementsEqual([UInt8(ascii: "Z")]) { return true }
        let offset = Array(rest)
        guard offset.count == 6, "+-".utf8.contains(offset[0]), offset[3] == UInt8(ascii: ":") else { return false }
        return [1, 2, 4, 5].allSatisfy { isDigit(offset[$0]) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

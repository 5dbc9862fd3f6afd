import Common
import FoundationEssentials

/// Examines a MIME message (RFC 2045, RFC 2046), and each of its parts.
struct MessageLint {
    typealias Remark = UserDataLint.Remark

    let lint: TextLint

    /// The most parts to examine.
    static let mostParts = 200

    /// Whether the text begins with the fields of a message.
    static func isMessage(_ lines: TextLines) -> Bool {
        guard let first = lines.firstNonBlank else { return false }
        let line = first.text.trimmingWhitespace().lowercased()
        // Tools write the line of a mailbox before the fields.
        return line.hasPrefix("from ") && fieldName(lines.all.dropFirst(first.index + 1).first ?? "") != nil
            || ["content-type", "mime-version", "content-transfer-encoding", "content-disposition", "subject", "from"]
                .contains(fieldName(Substring(line)) ?? "")
    }

    /// The remark on the parts of a message without its fields.
    static func remark(onBodyAlone lines: TextLines, _ first: TextLines.Line) -> Remark? {
        let line = first.text.trimmingWhitespace()
        guard line.hasPrefix("--"), line.count > 2, line != "---",
            lines.all.dropFirst(first.index + 1).prefix(10).contains(where: {
                ["content-type", "mime-version", "content-disposition"].contains(fieldName($0) ?? "")
            })
        else { return nil }
        let boundary = line.dropFirst(2)
        return Remark(
            line: first.index + 1,
            "parts of a MIME message without its header, which cloud-init ignores: begin with 'Content-Type: multipart/mixed; "
                + "boundary=\"\(shown(String(boundary)))\"', 'MIME-Version: 1.0' and an empty line")
    }

    func remarks(on lines: TextLines) -> [Remark] {
        guard let first = lines.firstNonBlank else { return [] }
        if first.index > 0 || first.text.first?.isWhitespace == true {
            return [
                Remark(line: first.index + 1, "white space precedes the header of the MIME message: cloud-init does not see it")
            ]
        }
        // cloud-init looks for this name alone, and no further.
        let beginning = String(decoding: lines.text.utf8.prefix(4096), as: UTF8.self).lowercased()
        guard beginning.contains("mime-version:") else {
            return [
                Remark(
                    line: first.index + 1,
                    "a MIME message without 'MIME-Version: 1.0' in its header: cloud-init does not see a message, and ignores it")
            ]
        }
        return examine(Part(lines.all[first.index...]), isWhole: true)
    }

    /// A message, or a part of one.
    private struct Part {
        var fields: [String: String] = [:]
        let body: ArraySlice<Substring>

        init(_ lines: ArraySlice<Substring>) {
            var (rest, last): (ArraySlice<Substring>, String?) = (lines, nil)
            while let line = rest.first {
                let text = line.trimmingWhitespace()
                if text.isEmpty {
                    rest = rest.dropFirst()
                    break
                }
                if line.first == " " || line.first == "\t", let last {
                    fields[last, default: ""] += " " + text
                } else if let name = MessageLint.fieldName(line), let colon = text.firstIndex(of: ":") {
                    fields[name] = text[text.index(after: colon)...].trimmingWhitespace()
                    last = name
                } else if !text.lowercased().hasPrefix("from ") {
                    break
                }
                rest = rest.dropFirst()
            }
            body = rest
        }

        /// The media type without its parameters.
        var type: String {
            let text = fields["content-type"]?.split(separator: ";").first.map { $0.trimmingWhitespace().lowercased() }
            return text.flatMap { $0.isEmpty ? nil : $0 } ?? "text/plain"
        }

        var boundary: String? {
            let parameters = fields["content-type"]?.split(separator: ";").dropFirst().map { $0.trimmingWhitespace() } ?? []
            let name = "boundary="
            guard let text = parameters.first(where: { $0.lowercased().hasPrefix(name) }) else { return nil }
            let rest = text.dropFirst(name.count)
            let isQuoted = rest.hasPrefix("\"")
            let value = isQuoted ? rest.dropFirst().prefix { $0 != "\"" } : rest.prefix { !$0.isWhitespace }
            return value.isEmpty ? nil : String(value)
        }
    }

    private func examine(_ part: Part, isWhole: Bool = false) -> [Remark] {
        let line = part.body.startIndex + 1
        guard part.type.hasPrefix("multipart/") else {
            if isWhole, part.fields["content-type"] == nil, part.body.allSatisfy(\.isEmpty) {
                return [Remark("a MIME message without content")]
            }
            return content(of: part)
        }
        guard let boundary = part.boundary else {
            return [Remark(line: line, "'Content-Type: \(shown(part.type))' without a boundary: cloud-init finds no parts")]
        }
        let (delimiter, closing) = ("--\(boundary)", "--\(boundary)--")
        let starts = part.body.indices.filter { part.body[$0].hasPrefix(delimiter) }
        guard !starts.isEmpty else {
            return [
                Remark(line: line, "no line '--\(shown(boundary))' begins a part of the MIME message: cloud-init finds none")
            ]
        }
        var remarks: [Remark] = []
        if !starts.contains(where: { part.body[$0].hasPrefix(closing) }) {
            remarks.append(
                Remark(
                    line: part.body.endIndex,
                    "the MIME message does not end with '--\(shown(boundary))--': something may be missing"))
        }
        guard let inner = lint.inner else { return remarks }
        let ends = starts.dropFirst() + [part.body.endIndex]
        for (start, end) in zip(starts, ends).prefix(Self.mostParts) where !part.body[start].hasPrefix(closing) {
            remarks += MessageLint(lint: inner).examine(Part(part.body[(start + 1)..<end]))
        }
        return remarks
    }

    /// The remarks on what a part contains.
    private func content(of part: Part) -> [Remark] {
        // A body may look like a message again, and so on.
        guard let lint = lint.inner else { return [] }
        let text = part.body.joined(separator: "\n")
        switch part.fields["content-transfer-encoding"]?.lowercased() {
        case "base64":
            let digits = text.utf8.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
            guard let data = Data(base64Encoded: String(decoding: digits, as: UTF8.self)) else {
                return [Remark(line: part.body.startIndex + 1, "invalid base64 in this part")]
            }
            return lint.remarks(on: Array(data), type: part.type).map {
                Remark(line: part.body.startIndex + 1, "in this part: \($0.line.map { "line \($0): " } ?? "")\($0.problem)")
            }
        case "quoted-printable": return []
        default:
            return lint.remarks(on: Array(text.utf8), type: part.type).map { remark in
                var moved = remark
                moved.line = remark.line.map { $0 + part.body.startIndex }
                return moved
            }
        }
    }

    /// The name of a header field in lower case; `nil` where the line is none (RFC 5322 §2.2).
    private static func fieldName(_ line: Substring) -> String? {
        guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { return nil }
        let name = line[..<colon]
        guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return name.lowercased()
    }
}

/// A part with a media type.
struct TypedPart {
    typealias Remark = UserDataLint.Remark

    let type: String
    let lint: TextLint

    /// The types whose text is not examined.
    private static let others: Set<String> = [
        "text/cloud-boothook", "text/part-handler", "text/upstart-job", "application/octet-stream", "text/x-cfninitdata",
        "application/node.eks.aws",
        "application/gzip", "application/gzip-compressed", "application/gzipped", "application/x-compress",
        "application/x-compressed", "application/x-gunzip", "application/x-gzip", "application/x-gzip-compressed",
    ]
    private static let scripts: Set<String> = [
        "text/x-shellscript", "text/x-shellscript-per-boot", "text/x-shellscript-per-instance", "text/x-shellscript-per-once",
    ]
    /// The header for the rules of a type, which the text may lack.
    private static let headers: [String: UserDataHeader] = [
        "text/x-include-url": .include, "text/x-include-once-url": .include, "text/cloud-config-archive": .cloudConfigArchive,
        "text/cloud-config-jsonp": .cloudConfigPatch, "text/jinja2": .jinja,
    ]

    func remarks(on text: String) -> [Remark] {
        let type = type.lowercased()
        let lines = TextLines(text)
        guard let first = lines.firstNonBlank else { return [Remark("a part without content")] }
        if type == "text/cloud-config" { return CloudConfigLint.remarks(on: text) }
        if type == "text/plain" || type == "text/x-not-multipart" { return lint.remarks(onText: text) }
        if Self.scripts.contains(type) {
            // cloud-init looks at the first line of such a part, too.
            guard UserDataHeader(of: first.text) == nil else { return lint.remarks(onText: text) }
            return [
                Remark(line: first.index + 1, "a part of type \(type) that does not begin with '#!': it does not run")
            ]
        }
        if let header = Self.headers[type] {
            guard UserDataHeader(of: first.text) == header else {
                if header == .include { return HeaderLint(header, lint: lint).remarks(on: lines, first) }
                return header == .jinja
                    ? [Remark(line: first.index + 1, "a part of type \(type) must begin with '## template: jinja'")] : []
            }
            return HeaderLint(header, lint: lint).remarks(on: lines, first)
        }
        guard !Self.others.contains(type) else { return [] }
        let known = Self.others.union(Self.scripts).union(Self.headers.keys).union(["text/cloud-config", "text/plain"])
        let advice = nearestWord(to: type, among: known).map { "; did you mean '\($0)'?" } ?? ""
        return [Remark("unknown media type '\(shown(type))', which cloud-init ignores\(advice)")]
    }
}

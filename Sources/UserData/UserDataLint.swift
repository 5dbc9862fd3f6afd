package import Common

/// Examines a part of user data for what its guest would stumble over at its first boot, which nobody sees from inside.
///
/// The guest is served the bytes as they are, so everything found here is a note. The rules are those of cloud-init 22.4.2 and 25.1.4
/// (`user_data.py`, `handlers/`), and of Ignition, cloudbase-init, CirrOS and coreos-cloudinit where these differ.
package enum UserDataLint {
    package struct Remark: Sendable, Equatable, CustomStringConvertible {
        /// The line of the text, counted from 1; `nil` where the remark concerns the whole.
        package var line: Int?
        /// What is wrong, and what to do.
        package let problem: String
        /// Whether it is the reason why cloud-init ignores the whole cloud-config.
        package let isInvalidYAML: Bool

        init(line: Int? = nil, _ problem: String) {
            (self.line, self.problem, isInvalidYAML) = (line, problem, false)
        }

        init(line: Int?, invalidYAML problem: String) {
            (self.line, self.problem, isInvalidYAML) = (line, "invalid YAML: " + problem, true)
        }

        package var description: String { (line.map { "line \($0) of the text: " } ?? "") + problem }
    }

    /// The most remarks on one part.
    static let mostRemarks = 20
    /// The largest user data of EC2 and of Nova, in bytes: 16 KiB, and 64 KiB of base64.
    private static let limits = (ec2: 16 << 10, nova: (64 << 10) / 4 * 3)

    /// The remarks on a part of user data, in the order of its lines.
    ///
    /// - Parameter type: the media type of a part of a message; `nil` where the part's first line decides.
    package static func remarks(on part: [UInt8], type: String? = nil) -> [Remark] {
        bounded(TextLint().remarks(on: part, type: type))
    }

    /// The remarks on vendor data: a text like user data, several of them, or an object whose member `cloud-init` is one of these.
    package static func remarks(onVendorData value: JSONValue) -> [Remark] {
        switch value {
        case .string(let text): remarks(on: Array(text.utf8))
        case .array(let items): items.filter { if case .string = $0 { true } else { false } }.flatMap(remarks(onVendorData:))
        case .object(let members):
            switch members.first(where: { $0.name == "cloud-init" })?.value {
            case .string(let text)?: remarks(on: Array(text.utf8))
            case .array(let items)?: remarks(onVendorData: .array(items))
            default: []
            }
        default: []
        }
    }

    /// The remark on the size of the whole user data, if any.
    package static func remark(onSize bytes: Int) -> Remark? {
        if bytes > limits.nova {
            return Remark(
                "\(bytes) bytes: more than OpenStack (48 KiB) and EC2 (16 KiB) allow; agents may truncate or reject it: use a short "
                    + "script or an #include that fetches the rest")
        }
        guard bytes > limits.ec2 else { return nil }
        return Remark("\(bytes) bytes: more than EC2 allows (16 KiB); agents made for EC2 may truncate or reject it")
    }

    private static func bounded(_ remarks: [Remark]) -> [Remark] {
        guard remarks.count > mostRemarks else { return remarks }
        let rest = remarks.count - mostRemarks
        return Array(remarks.prefix(mostRemarks)) + [Remark("\(rest) more problems are not listed")]
    }
}

/// How much is examined of the texts that are in one text, in each other or by aliases several times: without a limit, two hundred parts of two
/// hundred parts each, and so on, take days.
final class LintAllowance {
    private var (texts, bytes) = (500, 8 << 20)

    func take(_ count: Int) -> Bool {
        (texts, bytes) = (texts - 1, bytes - count)
        return texts >= 0 && bytes >= 0
    }
}

/// Examines one text; texts may contain others.
struct TextLint {
    typealias Remark = UserDataLint.Remark

    /// The number of texts around this one.
    private let depth: Int
    private let allowance: LintAllowance

    init() { (depth, allowance) = (0, LintAllowance()) }

    private init(inside outer: TextLint) { (depth, allowance) = (outer.depth + 1, outer.allowance) }

    /// More nesting than any tool makes.
    private static let maximumDepth = 4

    var inner: TextLint? { depth < Self.maximumDepth ? TextLint(inside: self) : nil }

    func remarks(on bytes: [UInt8], type: String? = nil) -> [Remark] {
        guard depth == 0 || allowance.take(bytes.count) else { return [] }
        // Compressed data is not examined; cloud-init decompresses it.
        if bytes.isEmpty || bytes.starts(with: [0x1F, 0x8B]) { return [] }
        if EncodedText.isUTF16(bytes) {
            return [Remark("UTF-16 text, which no agent reads: save it as UTF-8 without a byte order mark")]
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            let line = EncodedText.lineOfInvalidUTF8(bytes)
            return [Remark(line: line, "neither UTF-8 nor gzip, which cloud-init ignores: save the file as UTF-8")]
        }
        var remarks: [Remark] = []
        var text = decoded
        if text.unicodeScalars.first == "\u{FEFF}" {
            remarks.append(
                Remark(
                    line: 1,
                    "begins with a byte order mark (BOM), so that agents do not find the header: save it as UTF-8 without BOM"))
            text = String(text.unicodeScalars.dropFirst())
        }
        if let type { return remarks + TypedPart(type: type, lint: self).remarks(on: text) }
        if let encoded = EncodedText.remark(on: text) { return remarks + [encoded] }
        return remarks + self.remarks(onText: text)
    }

    /// - Parameter text: UTF-8 without a byte order mark.
    func remarks(onText text: String) -> [Remark] {
        let lines = TextLines(text)
        guard let first = lines.firstNonBlank else { return [Remark("only white space, which agents ignore")] }
        if MessageLint.isMessage(lines) { return MessageLint(lint: self).remarks(on: lines) }
        if let body = MessageLint.remark(onBodyAlone: lines, first) { return [body] }
        guard let header = UserDataHeader(of: first.text) else {
            if let other = OtherFormat(of: text, lines, first) { return other.remarks }
            return [UserDataHeader.missing(in: lines, first)]
        }
        let found = remarks(onPlaceOf: header, in: lines, first) + HeaderLint(header, lint: self).remarks(on: lines, first)
        return found.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
    }

    /// White space before the header.
    private func remarks(onPlaceOf header: UserDataHeader, in lines: TextLines, _ first: TextLines.Line) -> [Remark] {
        guard first.index > 0 || first.text.first?.isWhitespace == true else { return [] }
        let problem =
            switch header {
            case .script: "white space precedes '#!', so the kernel finds no interpreter, and the script does not run"
            case .include: "white space precedes '#include', so cloud-init takes the line for a URL and cannot fetch it"
            case .jinja: "white space precedes '## template: jinja', so cloud-init does not render the template"
            default: "white space precedes the header '\(header.word)': cloud-init accepts that, other agents do not"
            }
        let advice = "; in XML indent every line at least as far as the first one, or begin the text right after the tag"
        return [Remark(line: first.index + 1, problem + advice)]
    }
}

/// A text's lines, without their line feeds.
struct TextLines {
    struct Line {
        /// Counted from 0.
        let index: Int
        let text: String
    }

    let text: String
    let all: [Substring]

    init(_ text: String) {
        self.text = text
        // Swift takes CR LF for one character, so that only bytes can be split at LF.
        all = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Substring($0) }
    }

    /// The first line that is not blank.
    var firstNonBlank: Line? {
        all.firstIndex { !$0.allSatisfy(\.isWhitespace) }.map { Line(index: $0, text: String(all[$0])) }
    }

    /// The text from a line on.
    func text(from index: Int) -> String {
        guard index < all.count else { return "" }
        return String(text[all[index].startIndex...])
    }
}

import Common

/// A client that knows only listings and paths: it reads listings as Python clients do and requests targets.
///
/// cloud-init takes `0=name` for `0/openssh-key`, other clients for `0/`; this one requests both. It records everything that
/// would make a client lose the tree: a listed path without a node, an empty listing or leaf, an unexpected newline at the end.
struct GuestWalk {
    /// The faults, each with the requested target.
    private(set) var faults: [String] = []
    /// The number of targets with a node.
    private(set) var answered = 0

    private let question: Question

    /// Traverses both trees in every version.
    init(for question: Question) {
        self.question = question
        for version in listing("/") { visitDirectory("/\(Self.quoted(version))/") }
        for version in listing("/openstack") { visitDirectory("/openstack/\(Self.quoted(version))/") }
        for name in listing("/nocloud/") { visitLeaf("/nocloud/\(Self.quoted(name))") }
        // These paths are named in a document and in no listing.
        for number in question.instance.documents.files.indices {
            let digits = String(number)
            _ = read("/openstack/content/\(String(repeating: "0", count: 4 - digits.count))\(digits)")
        }
    }

    private mutating func visitDirectory(_ target: String) {
        for label in listing(target) {
            let parts = label.unicodeScalars.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
                String.init)
            if label.unicodeScalars.last == "/" {
                visitDirectory(target + Self.quoted(label))
            } else if parts.count == 2, Int(parts[0]) != nil {
                visitLeaf(target + "\(parts[0])/openssh-key")
                visitDirectory(target + "\(parts[0])/")
            } else {
                visitLeaf(target + Self.quoted(label))
            }
        }
    }

    /// The labels of a listing, as `splitlines()` and `strip()` give them.
    private mutating func listing(_ target: String) -> [String] {
        guard let text = read(target).flatMap({ String(validating: $0, as: UTF8.self) }) else { return [] }
        let lines = Self.splitLines(text)
        if lines.isEmpty { faults.append("\(target) lists nothing") }
        if text.unicodeScalars.last.map(Self.isLineBreak) == true { faults.append("\(target) ends with a line break") }
        for line in lines where line.isEmpty || !Self.stripped(line).elementsEqual(line.unicodeScalars) {
            faults.append("\(target) lists '\(line)', which is another name once it is stripped")
        }
        return lines.map { String(Self.stripped($0)) }
    }

    private mutating func visitLeaf(_ target: String) {
        guard let bytes = read(target) else { return }
        if bytes.isEmpty, !Self.mayBeEmpty(target) { faults.append("\(target) is empty") }
        if bytes.last == UInt8(ascii: "\n"), !Self.isVerbatim(target) { faults.append("\(target) ends with a newline") }
    }

    private mutating func read(_ target: String) -> [UInt8]? {
        guard let content = try? answer(to: target, question)?.content else {
            faults.append("\(target) does not answer")
            return nil
        }
        answered += 1
        return content.bytes
    }

    /// Whether the bytes at a target are the operator's, and so may end in any way.
    private static func isVerbatim(_ target: String) -> Bool {
        let names = target.split(separator: "/")
        return names.contains("additional") || ["user-data", "user_data", "vendor-data"].contains(names.last)
    }

    /// Whether the value at a target may be empty, as the value of a tag or a password that is not set.
    private static func mayBeEmpty(_ target: String) -> Bool {
        // Without a value these files are empty: cloud-init requires all of them.
        if ["/nocloud/user-data", "/nocloud/vendor-data", "/nocloud/network-config"].contains(target) { return true }
        return target.contains("/tags/instance/") || target.hasPrefix("/openstack/") && target.hasSuffix("/password")
    }

    // MARK: Python's functions

    private static func splitLines(_ text: String) -> [String] {
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var last: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if isLineBreak(scalar) {
                if !(last == "\r" && scalar == "\n") { lines.append(String(line)) }
                line = String.UnicodeScalarView()
            } else {
                line.append(scalar)
            }
            last = scalar
        }
        return line.isEmpty ? lines : lines + [String(line)]
    }

    private static func isLineBreak(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    private static func stripped(_ text: String) -> Substring.UnicodeScalarView {
        let scalars = text.unicodeScalars
        let start = scalars.firstIndex { !isSpace($0) } ?? scalars.endIndex
        let end = scalars.lastIndex { !isSpace($0) }.map(scalars.index(after:)) ?? start
        return scalars[start..<end]
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }

    /// `urllib.parse.quote(text, safe="/:")`, as cloud-init calls it.
    private static func quoted(_ text: String) -> String {
        text.utf8.map { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "~"), UInt8(ascii: "/"), UInt8(ascii: ":"):
                String(UnicodeScalar(octet))
            default: "%" + (octet < 16 ? "0" : "") + String(octet, radix: 16, uppercase: true)
            }
        }.joined()
    }
}

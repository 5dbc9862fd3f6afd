import Common

/// The listing of a directory, read as cloud-init reads it (`cloudinit/sources/helpers/ec2.py`).
package struct Listing {
    package enum Entry: Equatable, Sendable {
        /// `name/`.
        case directory(String)
        /// `0=name`, whose number is a directory.
        case key(String)
        case leaf(String)
    }

    /// A directory with more only costs time.
    package static let mostLines = 5000
    private static let longestLine = 512

    package let lines: [String]

    /// Why a body is no listing, with the line.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// - Throws: `Problem` for a body that is none: not text, a page of HTML or a document, or with lines that no name has. Its type says little:
    ///   Flask's is HTML.
    package init(reading response: WireResponse) throws(Problem) {
        guard response.status == 200 else { throw Problem(description: "status \(response.status)") }
        guard let text = response.text else { throw Problem(description: "not UTF-8") }
        var lines: [String] = []
        for (index, bytes) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = String(decoding: bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes, as: UTF8.self)
            if line.isEmpty { continue }
            if let problem = Self.problem(with: line) {
                let shown = line.utf8.count > 80 ? String(line.prefix(60)) + "…" : line
                throw Problem(description: "line \(index + 1), '\(shown.cleaned())', \(problem)")
            }
            guard lines.count < Self.mostLines else { throw Problem(description: "more than \(Self.mostLines) lines") }
            lines.append(line)
        }
        self.lines = lines
    }

    /// - Returns: `nil` for a body that is none.
    package init?(_ response: WireResponse) {
        guard let listing = try? Self(reading: response) else { return nil }
        self = listing
    }

    private static func problem(with line: String) -> String? {
        if line.utf8.first == UInt8(ascii: "<") { return "begins HTML or XML" }
        if line.utf8.first == UInt8(ascii: "{") { return "begins JSON" }
        if line.utf8.count > longestLine { return "has more than \(longestLine) bytes" }
        return line.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } ? nil : "has a control character"
    }

    /// The entries of a directory.
    /// - Parameter target: of the directory: only `public-keys` has numbered names; a tag may have `=` in its name.
    package func entries(of target: String) -> [Entry] {
        let isKeys = target.hasSuffix("/public-keys/")
        return lines.map { line in
            if line.utf8.last == UInt8(ascii: "/") { return .directory(String(line.dropLast())) }
            if isKeys, let equals = line.firstIndex(of: "="), Int(line[..<equals]) != nil { return .key(String(line[..<equals])) }
            return .leaf(line)
        }
    }

    /// Whether a name stays in its directory.
    package static func isName(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
        }
    }

    /// `urllib.parse.quote(name, safe="/:")`, as cloud-init calls it.
    package static func quoted(_ name: String) -> String {
        name.utf8.map { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                String(UnicodeScalar(octet))
            default:
                "_.-~/:".utf8.contains(octet)
                    ? String(UnicodeScalar(octet)) : "%" + (octet < 16 ? "0" : "") + String(octet, radix: 16, uppercase: true)
            }
        }.joined()
    }
}

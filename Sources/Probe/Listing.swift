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

    /// - Returns: `nil` for a body that is none: not text, a page of HTML or a document, or with lines that no name has. Its type says little: Flask's is HTML.
    package init?(_ response: WireResponse) {
        guard response.status == 200, let text = response.text else { return nil }
        let lines = text.utf8.split(separator: UInt8(ascii: "\n")).map {
            String(decoding: $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0, as: UTF8.self)
        }.filter { !$0.isEmpty }
        guard lines.count <= Self.mostLines else { return nil }
        for line in lines {
            let isName = line.utf8.count <= Self.longestLine && line.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            guard isName, line.utf8.first != UInt8(ascii: "<"), line.utf8.first != UInt8(ascii: "{") else { return nil }
        }
        self.lines = lines
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

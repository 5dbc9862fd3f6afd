import Common
import FoundationEssentials

/// Text in an encoding that agents do not expect.
enum EncodedText {
    /// Whether the bytes are UTF-16: by their byte order mark, or because every other byte of the beginning is zero.
    static func isUTF16(_ bytes: [UInt8]) -> Bool {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return true }
        guard bytes.count >= 4 else { return false }
        let beginning = bytes.prefix(64)
        let zeros = beginning.indices.filter { beginning[$0] == 0 }
        return zeros.count >= beginning.count / 2 - 1 && !zeros.isEmpty && Set(zeros.map { $0 % 2 }).count == 1
    }

    /// The line with the first byte that is not UTF-8, counted from 1.
    static func lineOfInvalidUTF8(_ bytes: [UInt8]) -> Int {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.span)
            return 1
        } catch {
            return bytes[..<error.byteOffsets.lowerBound].count { $0 == UInt8(ascii: "\n") } + 1
        }
    }

    /// The remark on a text that is base64 of user data.
    static func remark(on text: String) -> UserDataLint.Remark? {
        let digits = text.utf8.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        // Shorter texts may be words.
        guard digits.count >= 12, digits.count % 4 == 0, digits.allSatisfy(isDigit),
            let data = Data(base64Encoded: String(decoding: digits, as: UTF8.self))
        else { return nil }
        let bytes = Array(data)
        let kind: String
        if bytes.starts(with: [0x1F, 0x8B]) {
            kind = "gzip as base64"
        } else if let decoded = String(validating: bytes, as: UTF8.self), isUserData(decoded) {
            kind = "base64"
        } else {
            return nil
        }
        return .init(
            "the text is \(kind), which agents do not decode (cloud-init only in EC2, from 24.2 on): add encoding='base64' to its "
                + "element, or give the decoded file to --file")
    }

    private static func isUserData(_ text: String) -> Bool {
        let lines = TextLines(text)
        guard let first = lines.firstNonBlank else { return false }
        return UserDataHeader(of: first.text) != nil || MessageLint.isMessage(lines) || first.text.hasPrefix("{")
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: [UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "=")].contains(byte)
        }
    }
}

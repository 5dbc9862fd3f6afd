import Glibc

// Parts of a head as bytes: names, values, lines.
extension Span<UInt8> {
    func index(of byte: UInt8, from start: Int) -> Int? {
        guard start < count else { return nil }
        return unsafe withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress, let found = unsafe memchr(base + start, Int32(byte), bytes.count - start) else {
                return nil
            }
            // Safe: memchr(3) returns a place within what it is given.
            return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
        }
    }

    func begins(with text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard count >= length else { return false }
        for index in 0..<length where unsafe self[index] != text.utf8Start[index] { return false }
        return true
    }

    /// Whether they are this text of letters, digits and hyphens, in any case.
    func isField(_ name: StaticString) -> Bool {
        guard count == name.utf8CodeUnitCount else { return false }
        for index in indices where unsafe self[index].inSmall != name.utf8Start[index].inSmall { return false }
        return true
    }

    /// Where they are without the blanks around them.
    var withoutBlanks: Range<Int> { withoutBlanks(in: 0..<count) }

    /// The same for a part.
    func withoutBlanks(in part: Range<Int>) -> Range<Int> {
        var (start, end) = (part.lowerBound, part.upperBound)
        while start < end, self[start].isBlank { start += 1 }
        while end > start, self[end - 1].isBlank { end -= 1 }
        return start..<end
    }

    /// The index of the colon after the name of a field; `nil` where there is no such name.
    var endOfFieldName: Int? {
        for index in indices where !self[index].isOfToken {
            return index > 0 && self[index] == UInt8(ascii: ":") ? index : nil
        }
        return nil
    }

    /// Whether a field may have this value: no control characters.
    var isFieldValue: Bool {
        for index in indices where !self[index].isOfFieldValue { return false }
        return true
    }
}

extension UInt8 {
    fileprivate var isBlank: Bool { self == .space || self == UInt8(ascii: "\t") }

    fileprivate var inSmall: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }

    var isOfFieldValue: Bool { self >= 0x20 && self != 0x7F || self == UInt8(ascii: "\t") }

    /// Whether a token may contain it (RFC 9110 §5.6.2).
    var isOfToken: Bool {
        // A bit for each character of ASCII.
        let (low, high): (UInt64, UInt64) = (0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE)
        switch self {
        case 0..<64: return low >> UInt64(self) & 1 != 0
        case 64..<128: return high >> UInt64(self - 64) & 1 != 0
        default: return false
        }
    }
}

extension String {
    /// The text of bytes; what is no UTF-8 becomes U+FFFD.
    init(repairing bytes: Span<UInt8>) {
        if let text = try? UTF8Span(validating: bytes) {
            self.init(copying: text)
        } else {
            self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
        }
    }
}

package import Common

extension JSONEncoding {
    /// YAML's limit for a key without `?`, in characters as written (YAML 1.1 §5.2).
    private static let longestKey = 1024

    /// The value as JSON that clients read as YAML 1.1 with the same meaning, as libyaml and PyYAML do.
    ///
    /// JSON differs from it in four points: a character beyond U+FFFF is written as itself, because YAML's `\u` has no surrogate pairs; U+007F is
    /// escaped, because YAML does not allow it; a real has a point and its exponent a sign, because it would be a text without them; and a long name
    /// has `?` before it, which makes the document YAML only.
    package static func yamlText(_ value: JSONValue) -> String {
        let json = bytes(value)
        var (yaml, index): ([UInt8], Int) = ([], 0)
        yaml.reserveCapacity(json.count)
        while index < json.count {
            let byte = json[index]
            if byte == UInt8(ascii: "\"") {
                let end = endOfText(in: json, from: index)
                let text = yamlText(json[index..<end])
                let isKey = end < json.count && json[end] == UInt8(ascii: ":")
                // A character is at most four bytes, so the limit in bytes is never above the one in characters.
                if isKey, text.count > longestKey { yaml += "? ".utf8 }
                yaml += text
                index = end
            } else if byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                let end = json[index...].firstIndex { separators.contains($0) } ?? json.count
                yaml += yamlNumber(json[index..<end])
                index = end
            } else {
                yaml.append(byte)
                index += 1
            }
        }
        return String(decoding: yaml, as: UTF8.self)
    }

    private static let separators = Array(",]} ".utf8)

    /// The index behind the closing quotation mark.
    private static func endOfText(in json: [UInt8], from start: Int) -> Int {
        var index = start + 1
        while json[index] != UInt8(ascii: "\"") { index += json[index] == UInt8(ascii: "\\") ? 2 : 1 }
        return index + 1
    }

    /// A text in its quotation marks.
    private static func yamlText(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var (yaml, index): ([UInt8], Int) = ([], text.startIndex)
        while index < text.endIndex {
            if text[index] == 0x7F {
                yaml += "\\u007F".utf8
                index += 1
            } else if text[index] != UInt8(ascii: "\\") {
                yaml.append(text[index])
                index += 1
            } else if let first = escaped(in: text, at: index), (0xD800..<0xDC00).contains(first),
                let second = escaped(in: text, at: index + 6),
                let character = UnicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            {
                yaml += Array(String(Character(character)).utf8)
                index += 12
            } else {
                yaml += text[index...(index + 1)]
                index += 2
            }
        }
        return yaml
    }

    /// The number of a `\\uXXXX`; `nil` for another escape.
    private static func escaped(in text: ArraySlice<UInt8>, at index: Int) -> UInt32? {
        guard index + 6 <= text.endIndex, text[index] == UInt8(ascii: "\\"), text[index + 1] == UInt8(ascii: "u") else {
            return nil
        }
        return UInt32(String(decoding: text[(index + 2)..<(index + 6)], as: UTF8.self), radix: 16)
    }

    private static func yamlNumber(_ number: ArraySlice<UInt8>) -> [UInt8] {
        guard let exponent = number.firstIndex(where: { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }) else {
            return Array(number)
        }
        let (mantissa, power) = (number[..<exponent], number[(exponent + 1)...])
        let point = mantissa.contains(UInt8(ascii: ".")) ? "" : ".0"
        let sign = power.first == UInt8(ascii: "-") || power.first == UInt8(ascii: "+") ? "" : "+"
        return Array(mantissa) + Array("\(point)e\(sign)".utf8) + Array(power)
    }
}

/// The type of a scalar in YAML 1.1, as PyYAML's safe loader resolves it (https://yaml.org/type/): cloud-init reads every document
/// by it.
package enum YAMLScalarType: Sendable, Equatable {
    case null
    case boolean(Bool)
    /// The value is `nil` if it is out of range, or written in base 60, such as `52:54:00:00:00:01`.
    case integer(Int?)
    case real
    case timestamp
    case text
}

extension YAMLNode {
    /// The type of a scalar; `nil` for other values.
    package var scalarType: YAMLScalarType? {
        guard case .scalar(let text, let isPlain) = content else { return nil }
        guard isPlain, tag == nil else { return .text }
        if let word = Self.words[text] { return word }
        // Nothing else begins otherwise, and most texts are excluded here.
        guard let first = text.utf8.first, Self.numberStarts.contains(first) else { return .text }
        let unsigned = first == UInt8(ascii: "-") || first == UInt8(ascii: "+") ? text.dropFirst() : Substring(text)
        if let value = Self.integer(unsigned) {
            return .integer(value.map { first == UInt8(ascii: "-") ? -$0 : $0 })
        }
        if Self.isReal(unsigned, isSigned: unsigned.utf8.count < text.utf8.count) { return .real }
        return Self.isTimestamp(text) ? .timestamp : .text
    }

    private static let words: [String: YAMLScalarType] = {
        var words: [String: YAMLScalarType] = [:]
        for word in ["", "~", "null", "Null", "NULL"] { words[word] = .null }
        for (yes, no) in [("yes", "no"), ("true", "false"), ("on", "off")] {
            for (word, value) in [(yes, true), (no, false)] {
                let capital = word.prefix(1).uppercased() + word.dropFirst()
                for spelling in [word, capital, word.uppercased()] { words[spelling] = .boolean(value) }
            }
        }
        return words
    }()

    private static let numberStarts = Set("+-.0123456789".utf8)

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// A value outside of Int, or none that is computed, is an inner `nil`; a text that is no integer an outer one.
    private static func integer(_ text: Substring) -> Int?? {
        let digits = { (prefix: Int, radix: Int, letters: String) -> Int?? in
            let rest = text.utf8.dropFirst(prefix)
            let allowed = Set((letters + "_").utf8)
            guard !rest.isEmpty, rest.allSatisfy(allowed.contains) else { return nil }
            return .some(Int(String(decoding: rest.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self), radix: radix))
        }
        if text == "0" { return .some(0) }
        if text.hasPrefix("0b") { return digits(2, 2, "01") }
        if text.hasPrefix("0x") { return digits(2, 16, "0123456789abcdefABCDEF") }
        if text.hasPrefix("0") { return digits(1, 8, "01234567") }
        guard let first = text.utf8.first, isDigit(first) else { return nil }
        let groups = text.split(separator: ":", omittingEmptySubsequences: false)
        guard groups.count > 1 else { return digits(0, 10, "0123456789") }
        let isBase60 =
            groups[0].utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: "_") }
            && groups.dropFirst().allSatisfy(isBase60Digit)
        return isBase60 ? .some(nil) : nil
    }

    private static func isBase60Digit(_ text: Substring) -> Bool {
        let digits = Array(text.utf8)
        guard (1...2).contains(digits.count), digits.allSatisfy(isDigit) else { return false }
        return digits.count == 1 || digits[0] < UInt8(ascii: "6")
    }

    private static func isReal(_ text: Substring, isSigned: Bool) -> Bool {
        if [".inf", ".Inf", ".INF"].contains(text) { return true }
        if [".nan", ".NaN", ".NAN"].contains(text) { return !isSigned }
        guard let point = text.firstIndex(of: ".") else { return false }
        let isNumber = { (byte: UInt8) in isDigit(byte) || byte == UInt8(ascii: "_") }
        let groups = text[..<point].split(separator: ":", omittingEmptySubsequences: false)
        guard groups.first?.utf8.allSatisfy(isNumber) ?? true, groups.dropFirst().allSatisfy(isBase60Digit) else { return false }
        if point == text.startIndex {
            guard !isSigned, text.utf8.dropFirst().first.map(isDigit) == true else { return false }
        } else if text.utf8.first.map(isDigit) != true {
            return false
        }
        var fraction = text[text.index(after: point)...]
        if let exponent = fraction.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            let power = fraction[fraction.index(after: exponent)...]
            guard power.first == "+" || power.first == "-", power.count > 1, power.dropFirst().utf8.allSatisfy(isDigit) else {
                return false
            }
            fraction = fraction[..<exponent]
        }
        return fraction.utf8.allSatisfy(isNumber)
    }

    /// A date, or a date and a time, in the forms of ISO 8601 that YAML has.
    private static func isTimestamp(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        func digits(_ range: ClosedRange<Int>) -> Bool {
            let count = min(rest.prefix(while: isDigit).count, range.upperBound)
            rest = rest.dropFirst(count)
            return range.contains(count)
        }
        func sign(_ signs: String) -> Bool {
            guard let first = rest.first, signs.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        func skipBlanks() -> Bool {
            let count = rest.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.count
            rest = rest.dropFirst(count)
            return count > 0
        }
        let date = text.utf8.count == 10
        guard digits(4...4), sign("-"), digits(date ? 2...2 : 1...2), sign("-"), digits(date ? 2...2 : 1...2) else {
            return false
        }
        if date { return rest.isEmpty }
        guard skipBlanks() || sign("Tt"), digits(1...2), sign(":"), digits(2...2), sign(":"), digits(2...2) else { return false }
        if sign(".") { rest = rest.drop(while: isDigit) }
        _ = skipBlanks()
        if rest.isEmpty { return true }
        if sign("Z") { return rest.isEmpty }
        guard sign("+-"), digits(1...2) else { return false }
        return rest.isEmpty || sign(":") && digits(2...2) && rest.isEmpty
    }
}

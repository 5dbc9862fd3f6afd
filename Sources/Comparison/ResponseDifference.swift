import Common
import FoundationEssentials
import JSON
package import Recording

/// A difference between two servers' responses to one target.
package struct ResponseDifference: Sendable, Equatable, CustomStringConvertible {
    package let target: String
    /// The kind: `status`, `content-type`, `error page`, `body`, `line`, `line order`, `spelling`, `field NAME` or `field order`.
    package let what: String
    /// The value of the first; `–` if it has none.
    package let left: String
    /// The value of the second; `–` if it has none.
    package let right: String

    package static let nothing = "–"

    package var description: String { "\(target): \(what): `\(left)`, `\(right)`" }

    /// The differences between two responses; none if clients cannot tell them apart.
    ///
    /// Bodies of errors are for people and are not compared, the random bytes of `random_seed` are others at each read, and signatures of
    /// the identity document are others for each key.
    /// - Parameter isListing: whether the body is the names of entries.
    package static func all(
        at target: String, _ left: RecordedResponse, _ right: RecordedResponse, isListing: Bool
    ) -> [ResponseDifference] {
        var comparison = ResponseComparison(target: target)
        comparison.compare(left, right, isListing: isListing)
        return comparison.differences
    }
}

/// Collects the differences at one target.
struct ResponseComparison {
    let target: String
    private(set) var differences: [ResponseDifference] = []

    init(target: String) { self.target = target }

    mutating func compare(_ left: RecordedResponse, _ right: RecordedResponse, isListing: Bool) {
        guard left.status == right.status else { return add("status", String(left.status), String(right.status)) }
        let types = (left.field("content-type"), right.field("content-type"))
        guard left.status == 200 else {
            if types.0 != types.1 { add("error page", types.0, types.1) }
            return
        }
        if types.0 != types.1 { add("content-type", types.0, types.1) }
        guard left.body != right.body else { return }
        if Self.isJSON(target), let one = try? JSONParsing.value(of: left.body), let two = try? JSONParsing.value(of: right.body)
        {
            compareSpelling(one, left.body, two, right.body)
            compareFields(one, two, at: "")
        } else if Self.areSignatures(target, left.body, right.body) {
            return
        } else if isListing {
            compareLines(Self.lines(left.body), Self.lines(right.body))
        } else {
            add("body", Self.shown(left.body), Self.shown(right.body))
        }
    }

    private mutating func add(_ what: String, _ left: String?, _ right: String?) {
        let nothing = ResponseDifference.nothing
        differences.append(ResponseDifference(target: target, what: what, left: left ?? nothing, right: right ?? nothing))
    }

    private static func isJSON(_ target: String) -> Bool {
        let path = TreePath(target: target)?.names.last ?? target
        return path.hasSuffix(".json") || target.hasSuffix("/instance-identity/document")
    }

    /// Whether both bodies are signatures of an identity document, which differ because servers have different keys. How the lines are
    /// wrapped is compared: clients read it.
    private static func areSignatures(_ target: String, _ left: [UInt8], _ right: [UInt8]) -> Bool {
        let names = TreePath(target: target)?.names ?? []
        guard names.suffix(2).first == "instance-identity", ["pkcs7", "rsa2048", "signature"].contains(names.last) else {
            return false
        }
        let (one, two) = (lines(left), lines(right))
        guard isSignature(one), isSignature(two), (left.last == 10) == (right.last == 10) else { return false }
        return one.count == 1 && two.count == 1 || one.count > 1 && two.count > 1 && one[0].count == two[0].count
    }

    /// The shortest signature in base64, in characters: that of a DSA key.
    private static let shortestSignature = 56

    private static func isSignature(_ lines: [String]) -> Bool {
        let text = lines.joined()
        return text.utf8.count >= shortestSignature && Data(base64Encoded: text) != nil
    }

    private static func shown(_ bytes: [UInt8]) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { return "\(bytes.count) bytes that are not text" }
        return text.replacing("\n", with: "\\n")
    }

    // MARK: Listings

    private static func lines(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
    }

    private mutating func compareLines(_ left: [String], _ right: [String]) {
        // A body may have a million lines.
        // Two texts may be equal to Swift and differ in their bytes.
        let (leftNames, rightNames) = (Set(left.map { Array($0.utf8) }), Set(right.map { Array($0.utf8) }))
        for line in left where !rightNames.contains(Array(line.utf8)) { add("line", line, nil) }
        for line in right where !leftNames.contains(Array(line.utf8)) { add("line", nil, line) }
        let common = left.filter { rightNames.contains(Array($0.utf8)) }
        let kept = right.filter { leftNames.contains(Array($0.utf8)) }
        let isSame = common.count == kept.count && zip(common, kept).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
        if !isSame { add("line order", common.joined(separator: " "), kept.joined(separator: " ")) }
    }

    // MARK: Documents

    /// Whether one document is spelled as this project spells JSON and the other is not: the first escape that differs, or all of it.
    private mutating func compareSpelling(_ left: JSONValue, _ leftBytes: [UInt8], _ right: JSONValue, _ rightBytes: [UInt8]) {
        let (leftText, rightText) = (JSONEncoding.text(left), JSONEncoding.text(right))
        let isOurs = (leftText.utf8.elementsEqual(leftBytes), rightText.utf8.elementsEqual(rightBytes))
        switch isOurs {
        case (true, true): return
        case (false, true): addSpelling(String(decoding: leftBytes, as: UTF8.self), leftText)
        case (true, false): addSpelling(rightText, String(decoding: rightBytes, as: UTF8.self))
        case (false, false):
            // Of two other spellings, only those of one value can be compared.
            if left == right {
                addSpelling(String(decoding: leftBytes, as: UTF8.self), String(decoding: rightBytes, as: UTF8.self))
            }
        }
    }

    private mutating func addSpelling(_ left: String, _ right: String) {
        let escapes = zip(left.matches(of: /\\u[0-9a-fA-F]{4}/), right.matches(of: /\\u[0-9a-fA-F]{4}/)).map {
            (String($0.output), String($1.output))
        }
        // If more than the case of the escapes differs, the whole body is reported.
        if let first = escapes.first(where: { $0.0 != $0.1 }), left.lowercased() == right.lowercased() {
            add("spelling", first.0, first.1)
        } else {
            add("spelling", left.replacing("\n", with: "\\n"), right.replacing("\n", with: "\\n"))
        }
    }

    private mutating func compareFields(_ left: JSONValue, _ right: JSONValue, at path: String) {
        switch (left, right) {
        case (.string, .string) where path == "random_seed": return
        case (.object(let one), .object(let two)): compareObjects(one, two, at: path)
        case (.array(let one), .array(let two)):
            for index in 0..<max(one.count, two.count) {
                let inner = "\(path)[\(index)]"
                if index >= one.count {
                    add("field \(inner)", nil, JSONEncoding.text(two[index]))
                } else if index >= two.count {
                    add("field \(inner)", JSONEncoding.text(one[index]), nil)
                } else {
                    compareFields(one[index], two[index], at: inner)
                }
            }
        default:
            if left != right { add("field \(path)", JSONEncoding.text(left), JSONEncoding.text(right)) }
        }
    }

    private mutating func compareObjects(_ left: [JSONMember], _ right: [JSONMember], at path: String) {
        let prefix = path.isEmpty ? "" : path + "."
        let leftNames = Set(left.map(\.name))
        let values = Dictionary(right.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        for member in left {
            if let value = values[member.name] {
                compareFields(member.value, value, at: prefix + member.name)
            } else {
                add("field \(prefix)\(member.name)", JSONEncoding.text(member.value), nil)
            }
        }
        for member in right where !leftNames.contains(member.name) {
            add("field \(prefix)\(member.name)", nil, JSONEncoding.text(member.value))
        }
        let common = left.map(\.name).filter { values[$0] != nil }
        let kept = right.map(\.name).filter(leftNames.contains)
        guard common != kept else { return }
        add(path.isEmpty ? "field order" : "field order of \(path)", common.joined(separator: " "), kept.joined(separator: " "))
    }
}

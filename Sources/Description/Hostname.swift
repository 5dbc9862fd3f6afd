import Common

/// Host names as RFC 1123 allows them: labels of letters, digits and inner hyphens, at most 63 octets each and 253 in all.
enum Hostname {
    private static let longestLabel = 63
    private static let longestName = 253

    static func isValid(_ text: String) -> Bool {
        text.utf8.count <= longestName
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...longestLabel).contains(label.utf8.count)
                    && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
                    && label.first != "-" && label.last != "-"
            }
    }

    /// The longest name that Linux takes (`HOST_NAME_MAX`).
    private static let longestKernelName = 64

    /// What a guest makes of a long name; `nil` of others.
    static func remark(on name: String) -> String? {
        if IPAddress(name) != nil { return "an IP address as a host name: cloud-init changes it (ip-192-0-2-1) or fails" }
        guard name.utf8.count > longestKernelName else { return nil }
        return "\(name.utf8.count) characters: Linux takes host names of at most 64, so guests that set the whole name, such as "
            + "RHEL's, refuse it; others set its first label"
    }

    /// Converts the name of a domain to a host name that every guest can set: at most 63 characters, whole labels as far as possible.
    static func derived(from text: String) -> String? {
        guard let name = nearest(to: text), name.utf8.count > longestLabel else { return nearest(to: text) }
        var short = ""
        for label in name.split(separator: ".") {
            let longer = short.isEmpty ? String(label) : "\(short).\(label)"
            guard longer.utf8.count <= longestLabel else { break }
            short = longer
        }
        return short
    }

    /// Converts a text to a host name: lower case, with a hyphen for each character that is not allowed; `nil` if nothing remains.
    static func nearest(to text: String) -> String? {
        // A valid name with `--` inside, such as an internationalised one (RFC 5891), is not changed.
        if isValid(text) { return text.lowercased() }
        let replaced = String(
            decoding: text.lowercased().unicodeScalars.map { scalar in
                scalar.isASCII && (isLetterOrDigit(UInt8(scalar.value)) || scalar == ".")
                    ? UInt8(scalar.value) : UInt8(ascii: "-")
            }, as: UTF8.self)
        let labels = replaced.split(separator: ".").map { label in
            label.split(separator: "-").joined(separator: "-").prefix(longestLabel)
        }
        var name = ""
        for label in labels.map({ $0.last == "-" ? $0.dropLast() : $0 }) where !label.isEmpty {
            let longer = name.isEmpty ? String(label) : "\(name).\(label)"
            guard longer.utf8.count <= longestName else { break }
            name = longer
        }
        return name.isEmpty ? nil : name
    }

    private static func isLetterOrDigit(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}

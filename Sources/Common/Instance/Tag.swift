/// The operator's name and value.
package struct Tag: Sendable, Equatable {
    /// Unique in its list.
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        (self.name, self.value) = (name, value)
    }

    /// Whether the EC2 tree can list the tag: a listing has one name per line, which clients strip and append to a path.
    package var isListable: Bool {
        let scalars = name.unicodeScalars
        let isEdged = [scalars.first, scalars.last].contains { $0?.properties.isWhitespace == true }
        return !readsAsKey && !isEdged && !scalars.contains("/") && name != "." && name != ".."
            && PercentEncoding.encodedLength(of: name) <= TreePath.longestName
    }

    /// Whether a client that reads the name in a listing may mistake it for a numbered key: the text before the first `=` is a
    /// number to Python's `int()`.
    package var readsAsKey: Bool {
        let scalars = name.unicodeScalars
        guard let end = scalars.firstIndex(of: "=") else { return false }
        let isDigit = { (scalar: Unicode.Scalar) in scalar.properties.numericType == .decimal }
        return scalars[..<end].contains(where: isDigit)
            && scalars[..<end].allSatisfy { isDigit($0) || $0 == "+" || $0 == "-" || $0 == "_" || $0.properties.isWhitespace }
    }
}

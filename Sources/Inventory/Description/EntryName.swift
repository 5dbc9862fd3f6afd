/// Why a text cannot be the name of an entry in a listing; `nil` if it can.
///
/// A listing has one name per line. Clients split it at every Unicode line break, strip each line, and append it to a path. A name
/// that this changes would be listed but not found, and then cloud-init discards the whole tree.
func reasonAgainstEntryName(_ name: String) -> String? {
    if name.isEmpty { return "is empty" }
    if name == "." || name == ".." { return "must not be '.' or '..'" }
    // Clients compare code points: a slash is one even if a combining accent follows it.
    let scalars = name.unicodeScalars
    if scalars.contains("/") { return "contains '/'" }
    if scalars.contains("=") { return "contains '='" }
    if scalars.contains(where: { isControl($0) }) { return "contains a line break or another control character" }
    if [scalars.first, scalars.last].contains(where: { $0?.properties.isWhitespace == true }) {
        return "begins or ends with a space"
    }
    return nil
}

/// Why a text cannot be the name of a tag, which need not be an entry of a listing; `nil` if it can.
func reasonAgainstTagName(_ name: String) -> String? {
    if name.isEmpty { return "is empty" }
    return name.unicodeScalars.contains(where: { isControl($0) }) ? "contains a line break or another control character" : nil
}

/// Whether a character is a control character or one of Unicode's line separators.
func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
}

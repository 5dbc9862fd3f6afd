import Common

/// Why a text cannot be the name of an entry in a listing; `nil` if it can.
///
/// A listing has one name per line. Clients split it at every Unicode line break, strip each line, and append it to a path. A name
/// that this changes would be listed but not found, and then cloud-init discards the whole tree.
///
/// - Parameter room: how many bytes are left in a request target, for the percent-encoded name.
func reasonAgainstEntryName(_ name: String, room: Int = TreePath.longestName) -> String? {
    if name.isEmpty { return "is empty" }
    if name.utf8.count > room || PercentEncoding.encodedLength(of: name) > room { return "is too long for a URL" }
    if name == "." || name == ".." { return "must not be '.' or '..'" }
    // Clients compare code points: a slash is one even if a combining accent follows it.
    let scalars = name.unicodeScalars
    if scalars.contains("/") { return "contains '/'" }
    if scalars.contains("=") { return "contains '='" }
    if scalars.contains(where: \.isControl) { return "contains a line break or another control character" }
    if [scalars.first, scalars.last].contains(where: { $0?.properties.isWhitespace == true }) {
        return "begins or ends with a space"
    }
    return nil
}

/// Why a text cannot be the name of a tag, which need not be an entry of a listing; `nil` if it can.
func reasonAgainstTagName(_ name: String) -> String? {
    if name.isEmpty { return "is empty" }
    return name.unicodeScalars.contains(where: \.isControl) ? "contains a line break or another control character" : nil
}

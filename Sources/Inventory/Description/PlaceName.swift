/// Why a text cannot be the name of a place that a listing shows; `nil` if it can.
///
/// A listing is one name a line, and clients split it at everything that Unicode calls a line break, strip each line, and put it
/// into a path. A name that does not come through that whole would be a listed place that does not answer, for which cloud-init
/// throws the whole tree away.
func reasonAgainstPlaceName(_ name: String, mayHoldEquals: Bool = false) -> String? {
    if name.isEmpty { return "is empty" }
    if name == "." || name == ".." { return "is a step in a path" }
    // Clients look at code points, one by one: a slash is one whatever accent follows it.
    let scalars = name.unicodeScalars
    if scalars.contains("/") { return "holds a '/'" }
    if !mayHoldEquals, scalars.contains("=") { return "holds a '='" }
    if scalars.contains(where: { isControl($0) }) { return "holds a line break or another control character" }
    if [scalars.first, scalars.last].contains(where: { $0?.properties.isWhitespace == true }) {
        return "begins or ends with a space"
    }
    return nil
}

/// Whether a character is a control character or one of Unicode's line separators.
func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
}
